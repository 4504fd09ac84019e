import type { Database } from '../../../db/core/database.ts'
import type { Provider } from '../../domain/provider.ts'
import type {
  DecryptWebhook,
  ProviderClient,
  ProviderModule,
  ProviderSettings,
  ReadWebhook,
} from '../../providers/contract.ts'
import type { PeerCircuits } from '../../upstream/circuit-breaker.ts'
import type { UpstreamLimits } from '../../upstream/limits.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from '../../upstream/upstream.ts'
import { createAbilities, type StoredAbilities } from './account-abilities.ts'
import { createAccountSecrets } from './account-secrets.ts'
import { hasSampleRead, readSample } from './sample-read.ts'

/** One tenant's connected account at one provider. */
export interface Account {
  readonly id: string
  readonly tenantId: string
  readonly provider: Provider
  readonly sandbox: boolean
  readonly testMode: boolean
  readonly client: ProviderClient
  readonly abilities: StoredAbilities
  readonly upstream: Upstream
  readonly details: ProviderModule['details']
  readonly webhook: ReadWebhook | undefined
  readonly decryptWebhook: DecryptWebhook | undefined
  readonly externalIdProblem: ProviderModule['externalIdProblem']
}

/** The dependencies of an account. */
export interface OpenAccountOptions extends UpstreamLimits {
  readonly db: Database
  readonly now: () => Date
  /** Shares circuit breaker states between instances. */
  readonly peerCircuits?: (accountId: string) => PeerCircuits
  /** Replaces the connections, for tests. */
  readonly dispatcher?: UpstreamOptions['dispatcher']
  /** Called for every request to a provider. */
  readonly observer?: UpstreamOptions['observer']
}

export interface AccountIdentity {
  readonly id: string
  readonly tenantId: string
  readonly sandbox: boolean
}

/** Opens an account with its own connection pool and circuit breaker. Sends nothing. */
export function openAccount(
  module: ProviderModule,
  settings: ProviderSettings,
  { id, tenantId, sandbox }: AccountIdentity,
  options: OpenAccountOptions,
): Account {
  const { provider, readRejection } = module
  const upstream = createUpstream({
    ...options,
    peerCircuits: options.peerCircuits?.(id),
    provider,
    baseUrl: settings.baseUrl,
    readRejection,
  })
  const secrets = createAccountSecrets(options.db, id, options.now)
  const abilities = createAbilities(options.db, id, options.now)
  const client = module.connect({ settings, upstream, now: options.now, secrets, abilities })
  if (hasSampleRead(client)) upstream.probeWith(() => readSample(client))
  return {
    id,
    tenantId,
    provider,
    sandbox,
    testMode: sandbox || !module.isLive(settings),
    client,
    abilities,
    upstream,
    details: module.details,
    webhook: module.webhook,
    decryptWebhook: module.decryptWebhook,
    externalIdProblem: module.externalIdProblem,
  }
}
