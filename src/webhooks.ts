import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { findSecret, saveSecret } from '../db/secret-repository.ts'
import type { Config } from './config.ts'
import type { JsonObject } from './domain/json.ts'
import type { Provider } from './domain/provider.ts'
import { DEV_TENANT, type House } from './house.ts'
import type { StartedSandbox } from './sandbox/start-all.ts'

/** Where a provider's deliveries come in, below the server's address. */
export interface WebhookDoor {
  readonly provider: Provider
  readonly path: string
}

const ENDPOINT_SECRET = 'webhook endpoint'
const CALL = { tenantId: DEV_TENANT }

/**
 * Opens the doors that the environment's secrets are for, and one for every sandbox, which is told of it: of `origin`,
 * where the sandboxes of this machine reach us, if they do. Their ids are the same after every start.
 */
export async function openWebhooks(house: House, config: Config, origin: string | undefined): Promise<WebhookDoor[]> {
  const configured = house.providers.filter(({ configured, sandbox }) => configured && !sandbox)
  const doors: WebhookDoor[] = []
  for (const { provider } of configured) {
    const { secrets, privateKeyFile } = config.webhooks[provider] ?? { secrets: [] }
    if (secrets.length === 0) continue
    const privateKeys = privateKeyFile ? [readPrivateKey(privateKeyFile)] : []
    const { endpoint } = await house.services.endpoints.add(CALL, {
      id: await stableId(house, provider),
      provider,
      secrets,
      privateKeys,
    })
    doors.push({ provider, path: pathOf(endpoint) })
  }
  if (config.house.SANDBOX_WEBHOOKS === 'off' || !origin) return doors
  for (const sandbox of house.sandboxes) doors.push(await connectSandbox(house, sandbox, origin))
  return doors
}

async function connectSandbox(house: House, sandbox: StartedSandbox, origin: string): Promise<WebhookDoor> {
  const provider = sandbox.provider as Provider
  const id = await stableId(house, provider)
  const { endpoint, secret, publicJwk } = await house.services.endpoints.add(CALL, { id, provider })
  const target = { url: origin + pathOf(endpoint), secret, publicJwk, keyId: publicJwk?.kid }
  const response = await fetch(`${sandbox.origin}/_sandbox/webhooks`, { method: 'PUT', body: JSON.stringify(target) })
  if (!response.ok) throw new Error(`The sandbox of ${provider} does not take our webhook address: ${response.status}.`)
  return { provider, path: pathOf(endpoint) }
}

/**
 * Nobody can guess it without the encryption key. Each account has its own, so that a sandbox's is not the real one's. It
 * is written down, for the address that a provider knows must not change with the key.
 */
async function stableId({ db, services }: House, provider: Provider): Promise<string> {
  const { id } = await services.accounts.get(DEV_TENANT, provider)
  const known = await findSecret(db, id, ENDPOINT_SECRET)
  if (known !== undefined) return known
  // A command would take one that begins with a hyphen for an option.
  const made = db.vault.fingerprint(`webhook endpoint ${id}`).slice(0, 24).replace(/^-/, '_')
  await saveSecret(db, id, ENDPOINT_SECRET, made, new Date())
  return made
}

function pathOf({ provider, id }: { readonly provider: Provider; readonly id: string }): string {
  return `/webhooks/${provider.toLowerCase()}/${id}`
}

/** A private key from a file that holds PEM or a JWK. */
function readPrivateKey(file: string): JsonObject {
  const text = readFileSync(file, 'utf8')
  const jwk = text.trimStart().startsWith('{') ? JSON.parse(text) : createPrivateKey(text).export({ format: 'jwk' })
  return jwk as JsonObject
}
