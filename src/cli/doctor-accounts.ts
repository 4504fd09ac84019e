import type { WebhookEndpoint } from '../../db/webhook-repository.ts'
import type { Config } from '../config.ts'
import type { House } from '../house.ts'
import type { Account } from '../services/accounts.ts'
import { probe } from '../services/probe.ts'
import type { ShownAccount } from '../services/provider-settings.ts'
import { adviceOn, SANDBOX_ADVICE } from './advice.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** What `sessiongraph doctor` finds at the providers of one tenant: each account is asked once, for something harmless. */

/** Signatures and tokens are refused over a clock that is wrong by minutes; half of one is seen before. */
const MOST_SKEW_MS = 30_000

export async function checkAccounts({ services }: House, tenantId: string, config: Config): Promise<Finding[]> {
  const shown = await services.providerSettings.list({ tenantId })
  const endpoints = await services.endpoints.list({ tenantId })
  const connected = shown.filter(({ from }) => from !== null)
  if (connected.length === 0) {
    return [note(`${tenantId}`, `It has no provider. \`sessiongraph providers set ${tenantId} <provider>\` sets one.`)]
  }
  const findings = await Promise.all(
    connected.map(async one => {
      const account = await services.accounts.get(tenantId, one.provider)
      const answered = await checkAnswer(account, one)
      const webhooks = account.sandbox ? [] : checkWebhooks(account, endpoints, config)
      return [...answered, ...webhooks]
    }),
  )
  return findings.flat()
}

async function checkAnswer(account: Account, { from, provider }: ShownAccount): Promise<Finding[]> {
  const check = nameOf(account)
  const { ok: well, says, code } = await probe(account)
  if (account.sandbox) {
    if (well) return [ok(check, 'Its sandbox answers. Set credentials to use the real one.')]
    return [note(check, `It does not answer now. ${SANDBOX_ADVICE}`)]
  }
  if (!well) return [problem(check, `${says} ${adviceOn(code, account, from)}`.trimEnd())]
  const clock = checkClock(provider, account.upstream.clockAheadMs())
  return clock ? [ok(check, says), clock] : [ok(check, says)]
}

function checkClock(provider: string, aheadMs: number | null): Finding | undefined {
  if (aheadMs === null) return undefined
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (Math.abs(aheadMs) <= MOST_SKEW_MS) return undefined
  const where = aheadMs > 0 ? 'behind' : 'ahead of'
  return problem('clock', `This machine's clock is ${seconds} s ${where} ${provider}'s. Have it set by NTP.`)
}

function checkWebhooks(account: Account, all: readonly WebhookEndpoint[], { webhooks }: Config): Finding[] {
  const { provider, tenantId } = account
  if (!account.webhook) return []
  const check = `webhooks of ${nameOf(account)}`
  const endpoints = all.filter(({ accountId }) => accountId === account.id)
  if (endpoints.length === 0) {
    if ((webhooks[provider]?.secrets.length ?? 0) > 0)
      return [note(check, 'The server opens the address that the environment has a secret for when it starts.')]
    const add = `\`sessiongraph webhooks add ${provider.toLowerCase()} --tenant ${tenantId}\``
    return [note(check, `There is no address, so that news comes by polling only. ${add} makes one.`)]
  }
  return endpoints.map(endpoint => checkEndpoint(check, endpoint, account))
}

function checkEndpoint(check: string, endpoint: WebhookEndpoint, { encryptsWebhooks }: Account): Finding {
  const { id, provider, secrets, privateKeys, lastReceivedAt } = endpoint
  const path = `/webhooks/${provider.toLowerCase()}/${id}`
  if (secrets.length === 0) {
    return problem(check, `${path} has no secret that can be opened. \`sessiongraph webhooks rotate ${id}\` makes one.`)
  }
  if (encryptsWebhooks && privateKeys.length === 0) {
    return problem(check, `${path} has no key to decrypt with. Remove it and add another, with its public key there.`)
  }
  const live = `${path}, ${secrets.length === 1 ? 'one live secret' : `${secrets.length} live secrets`}`
  if (lastReceivedAt) return ok(check, `${live}; the last delivery came at ${lastReceivedAt.toISOString()}.`)
  return note(check, `${live}; nothing ever came. Is it entered at the provider's dashboard?`)
}

function nameOf({ provider, tenantId }: Account): string {
  return `${provider} of ${tenantId}`
}
