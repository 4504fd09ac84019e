import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { findSecret, saveSecret } from '../../db/repositories/secret-repository.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Provider } from '../domain/provider.ts'
import type { StartedSandbox } from '../sandbox/start-all.ts'
import type { Config } from './config.ts'
import { type AppContainer, DEV_TENANT } from './container.ts'

/** The path for a provider's webhooks. */
export interface WebhookRoute {
  readonly provider: Provider
  readonly path: string
}

const ENDPOINT_SECRET = 'webhook endpoint'
const CALL = { tenantId: DEV_TENANT }

/** Stores a webhook endpoint for every provider with a secret in the environment. The ids stay the same across restarts. */
export async function storeWebhookEndpoints(app: AppContainer, config: Config): Promise<WebhookRoute[]> {
  const configured = app.providers.filter(({ configured, sandbox }) => configured && !sandbox)
  const routes: WebhookRoute[] = []
  for (const { provider } of configured) {
    const { secrets, privateKeyFile } = config.webhooks[provider] ?? { secrets: [] }
    if (secrets.length === 0) continue
    const privateKeys = privateKeyFile ? [readPrivateKey(privateKeyFile)] : []
    const { endpoint } = await app.services.webhookEndpoints.add(CALL, {
      id: await stableId(app, provider),
      provider,
      secrets,
      privateKeys,
    })
    routes.push({ provider, path: pathOf(endpoint) })
  }
  return routes
}

/** Connects every sandbox with an endpoint. `origin`: the URL at which local sandboxes reach this server, if they can. */
export async function connectSandboxWebhooks(
  app: AppContainer,
  config: Config,
  origin: string | undefined,
): Promise<WebhookRoute[]> {
  if (config.server.SANDBOX_WEBHOOKS === 'off' || !origin) return []
  const routes: WebhookRoute[] = []
  for (const sandbox of app.sandboxes) routes.push(await connectSandbox(app, sandbox, origin))
  return routes
}

async function connectSandbox(app: AppContainer, sandbox: StartedSandbox, origin: string): Promise<WebhookRoute> {
  const provider = sandbox.provider as Provider
  const id = await stableId(app, provider)
  const { endpoint, secret, publicJwk } = await app.services.webhookEndpoints.add(CALL, { id, provider })
  const target = { url: origin + pathOf(endpoint), secret, publicJwk, keyId: publicJwk?.kid }
  const response = await fetch(`${sandbox.origin}/_sandbox/webhooks`, { method: 'PUT', body: JSON.stringify(target) })
  if (!response.ok) throw new Error(`The sandbox of ${provider} rejected the webhook URL: HTTP ${response.status}.`)
  return { provider, path: pathOf(endpoint) }
}

/**
 * Cannot be guessed without the encryption key, and differs by account, so that a sandbox does not share the id of the real
 * provider. Stored, because the URL that a provider knows must survive a new encryption key.
 */
async function stableId({ db, services }: AppContainer, provider: Provider): Promise<string> {
  const { id } = await services.accounts.get(DEV_TENANT, provider)
  const known = await findSecret(db, id, ENDPOINT_SECRET)
  if (known !== undefined) return known
  // The CLI would read a leading hyphen as an option.
  const created = db.encryption.fingerprint(`webhook endpoint ${id}`).slice(0, 24).replace(/^-/, '_')
  await saveSecret(db, id, ENDPOINT_SECRET, created, new Date())
  return created
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
