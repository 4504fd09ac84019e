import type { WebhookEndpoint } from '../../../db/repositories/webhook-repository.ts'
import type { Config } from '../../app/config.ts'
import type { AppContainer } from '../../app/container.ts'
import type { Account } from '../../services/accounts/account.ts'
import { testConnection } from '../../services/accounts/connection-check.ts'
import type { AccountView } from '../../services/accounts/provider-settings.ts'
import { FAULTY_SANDBOX_HINT, hintFor, SANDBOX_HINT } from '../hints.ts'
import { type Finding, note, ok, problem } from './finding.ts'
import { checkDelivery } from './machine.ts'

/** The checks of one tenant's providers. Each account gets one harmless read. */

/** Signatures and tokens fail with a clock skew of minutes; report it earlier. */
const MAX_SKEW_MS = 30_000

export interface CheckContext {
  readonly config: Config
  /** Where a server answers; undefined if none is known. */
  readonly reachableAt: string | undefined
  /** True if a server of these settings runs on this machine. */
  readonly isServerRunning: boolean
  /** True if providers use that address. */
  readonly isPublic: boolean
}

export async function checkAccounts(
  { services }: AppContainer,
  tenantId: string,
  context: CheckContext,
): Promise<Finding[]> {
  const views = await services.providerSettings.list({ tenantId })
  const endpoints = await services.webhookEndpoints.list({ tenantId })
  const connected = views.filter(({ from }) => from !== null)
  if (connected.length === 0) {
    return [
      note(
        `${tenantId}`,
        `No provider is configured. Set one with \`sessiongraph providers set ${tenantId} <provider>\`.`,
      ),
    ]
  }
  const findings = await Promise.all(
    connected.map(async view => {
      const account = await services.accounts.get(tenantId, view.provider)
      const connection = await checkConnection(account, view, context)
      const webhooks = account.sandbox ? [] : await checkWebhooks(account, endpoints, context)
      return [...connection, ...webhooks]
    }),
  )
  return findings.flat()
}

async function checkConnection(account: Account, view: AccountView, context: CheckContext): Promise<Finding[]> {
  const check = nameOf(account)
  return [...(await checkReads(account, check, view, context)), ...checkAbilities(account, check)]
}

/** A missing ability is no problem, but explains missing data. */
function checkAbilities({ abilities }: Account, check: string): Finding[] {
  return abilities
    .missing()
    .map(({ ability, since }) =>
      note(
        check,
        `This account has no ${ability}, detected at ${since.toISOString()}. The server checks again from time to time.`,
      ),
    )
}

async function checkReads(
  account: Account,
  check: string,
  { from, provider }: AccountView,
  { isServerRunning }: CheckContext,
): Promise<Finding[]> {
  const tested = await testConnection(account)
  const { ok: isOk, message } = tested
  if (account.sandbox && isOk) return [ok(check, 'Its sandbox responds. Set credentials to use the real provider.')]
  if (account.sandbox && !tested.isReached)
    return [
      isServerRunning
        ? problem(check, `It does not respond, although the server runs. ${FAULTY_SANDBOX_HINT}`)
        : note(check, `It does not respond. ${SANDBOX_HINT}`),
    ]
  if (!isOk) return [problem(check, `${message} ${hintFor(tested, account, from)}`.trimEnd())]
  const clock = checkClock(provider, account.upstream.clockAheadMs())
  return clock ? [ok(check, message), clock] : [ok(check, message)]
}

function checkClock(provider: string, aheadMs: number | null): Finding | undefined {
  if (aheadMs === null) return undefined
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) return ok('clock', `It differs from ${provider}'s by ${seconds} s.`)
  const where = aheadMs > 0 ? 'behind' : 'ahead of'
  return problem('clock', `This machine's clock is ${seconds} s ${where} ${provider}'s. Synchronize it with NTP.`)
}

async function checkWebhooks(
  account: Account,
  all: readonly WebhookEndpoint[],
  { config, reachableAt, isPublic }: CheckContext,
): Promise<Finding[]> {
  const { provider, tenantId } = account
  if (!account.webhook) return []
  const check = `webhooks of ${nameOf(account)}`
  const endpoints = all.filter(({ accountId }) => accountId === account.id)
  if (endpoints.length === 0) {
    if ((config.webhooks[provider]?.secrets.length ?? 0) > 0)
      return [note(check, 'The server creates the endpoint of the configured secret when it starts.')]
    const add = `\`sessiongraph webhooks add ${provider.toLowerCase()} --tenant ${tenantId}\``
    return [note(check, `There is no webhook endpoint, so changes are found by polling only. Create one with ${add}.`)]
  }
  const stored = endpoints.map(endpoint => checkEndpoint(check, endpoint, account))
  const paths = endpoints.map(({ id }) => `/webhooks/${provider.toLowerCase()}/${id}`)
  const reached = reachableAt ? await Promise.all(paths.map(path => checkDelivery(reachableAt, path, check))) : []
  return [...stored, ...reached, ...(isPublic ? [] : [note(check, NOT_FROM_OUTSIDE)])]
}

const NOT_FROM_OUTSIDE =
  'Whether the provider reaches the address from outside is not checked; `--public-url <url>` checks it from here.'

function checkEndpoint(check: string, endpoint: WebhookEndpoint, { decryptWebhook }: Account): Finding {
  const { id, provider, secrets, privateKeys, lastReceivedAt } = endpoint
  const path = `/webhooks/${provider.toLowerCase()}/${id}`
  if (secrets.length === 0) {
    return problem(
      check,
      `${path} has no secret that can be decrypted. Create one with \`sessiongraph webhooks rotate ${id}\`.`,
    )
  }
  if (decryptWebhook && privateKeys.length === 0) {
    return problem(
      check,
      `${path} has no private key for decryption. Remove it, add a new endpoint, and register its public key.`,
    )
  }
  const endpointText = `${path}, ${secrets.length === 1 ? 'one active secret' : `${secrets.length} active secrets`}`
  if (lastReceivedAt) return ok(check, `${endpointText}; last delivery at ${lastReceivedAt.toISOString()}.`)
  return note(check, `${endpointText}; no delivery yet. Check that it is registered in the provider's dashboard.`)
}

function nameOf({ provider, tenantId }: Account): string {
  return `${provider} of ${tenantId}`
}
