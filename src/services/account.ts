import type { Database } from '../../db/database.ts'
import type { Provider } from '../domain/provider.ts'
import type { ProviderClient, ProviderModule, ProviderSettings, ReadWebhook } from '../providers/contract.ts'
import type { BreakerHints } from '../upstream/breaker-hints.ts'
import type { UpstreamLimits } from '../upstream/limits.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from '../upstream/upstream.ts'
import { createAccountSecrets } from './account-secrets.ts'

/** One tenant's connected account at one provider. */
export interface Account {
  readonly id: string
  readonly tenantId: string
  readonly provider: Provider
  readonly sandbox: boolean
  readonly livemode: boolean
  readonly client: ProviderClient
  readonly upstream: Upstream
  readonly details: ProviderModule['details']
  readonly webhook: ReadWebhook | undefined
  readonly encryptsWebhooks: boolean
}

/** What opens an account. */
export interface OpenAccountOptions extends UpstreamLimits {
  readonly db: Database
  readonly now: () => Date
  /** What instances tell each other of an account's circuits. */
  readonly hints?: (accountId: string) => BreakerHints
  /** Replaces the connections, for tests. */
  readonly dispatcher?: UpstreamOptions['dispatcher']
  /** Is told of every request towards a provider. */
  readonly watch?: UpstreamOptions['watch']
}

export interface AccountIdentity {
  readonly id: string
  readonly tenantId: string
  readonly sandbox: boolean
}

/** Connects an account with a pool and a breaker of its own. Nothing is sent yet. */
export function openAccount(
  module: ProviderModule,
  settings: ProviderSettings,
  { id, tenantId, sandbox }: AccountIdentity,
  options: OpenAccountOptions,
): Account {
  const { provider, readRefusal } = module
  const upstream = createUpstream({
    ...options,
    hints: options.hints?.(id),
    provider,
    baseUrl: settings.baseUrl,
    readRefusal,
  })
  const secrets = createAccountSecrets(options.db, id, options.now)
  return {
    id,
    tenantId,
    provider,
    sandbox,
    livemode: !sandbox && module.isLive(settings),
    client: module.connect({ settings, upstream, now: options.now, secrets }),
    upstream,
    details: module.details,
    webhook: module.webhook,
    encryptsWebhooks: module.encryptsWebhooks ?? false,
  }
}
