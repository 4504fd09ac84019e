import { v7 as uuid } from 'uuid'
import { findOrCreateAccount } from '../../db/account-repository.ts'
import type { Database } from '../../db/database.ts'
import { ProviderUnavailableError } from '../domain/errors.ts'
import type { Capability, Provider } from '../domain/provider.ts'
import type { ProviderClient, ProviderModule, ProviderSettings, ReadWebhook } from '../providers/contract.ts'
import type { Health } from '../upstream/health.ts'
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

interface RecordKey {
  readonly accountId: string
  readonly provider: Provider
}

export interface ProviderInfo {
  readonly provider: Provider
  readonly configured: boolean
  readonly sandbox: boolean
  readonly capabilities: readonly Capability[]
  /** Null where it is not configured. */
  readonly health: Health | null
}

export interface Accounts {
  /** Throws PROVIDER_NOT_CONFIGURED where the tenant has no account there. */
  get(tenantId: string, provider: Provider): Account
  /** The account that a stored record belongs to; undefined where it is not connected any more. */
  find(record: RecordKey): Account | undefined
  /** The account that a stored record belongs to. Throws PROVIDER_NOT_CONFIGURED where it is not connected any more. */
  of(record: RecordKey): Account
  list(tenantId: string): readonly ProviderInfo[]
  close(): Promise<void>
}

/** A provider of the first tenant. Without settings it is listed and not configured. */
export interface AccountSetup {
  readonly module: ProviderModule
  readonly settings?: ProviderSettings
  readonly sandbox: boolean
}

export interface AccountsOptions extends UpstreamLimits {
  readonly db: Database
  readonly tenantId: string
  readonly now: () => Date
  /** Replaces the connections, for tests. */
  readonly dispatcher?: UpstreamOptions['dispatcher']
}

export async function openAccounts(setups: readonly AccountSetup[], options: AccountsOptions): Promise<Accounts> {
  const upstreams: Upstream[] = []
  const accounts = new Map<Provider, Account>()

  for (const { module, settings, sandbox } of setups) {
    if (!settings) continue
    const { provider, readRefusal } = module
    const upstream = createUpstream({ ...options, provider, baseUrl: settings.baseUrl, readRefusal })
    upstreams.push(upstream)
    const key = { tenantId: options.tenantId, provider, origin: sandbox ? 'sandbox' : settings.baseUrl }
    const id = await findOrCreateAccount(options.db, key, uuid(), options.now())
    const secrets = createAccountSecrets(options.db, id, options.now)
    accounts.set(provider, {
      id,
      tenantId: options.tenantId,
      provider,
      sandbox,
      livemode: !sandbox && module.isLive(settings),
      client: module.connect({ settings, upstream, now: options.now, secrets }),
      upstream,
      details: module.details,
      webhook: module.webhook,
      encryptsWebhooks: module.encryptsWebhooks ?? false,
    })
  }

  function find({ accountId, provider }: RecordKey): Account | undefined {
    const account = accounts.get(provider)
    return account?.id === accountId ? account : undefined
  }

  return {
    get(tenantId, provider) {
      const account = accounts.get(provider)
      if (account?.tenantId === tenantId) return account
      throw notConfigured(provider, `${provider} is not configured.`)
    },
    find,
    of(record) {
      const account = find(record)
      if (account) return account
      throw notConfigured(record.provider, `The ${record.provider} account of this record is not connected.`)
    },
    list: tenantId =>
      setups.map(({ module: { provider } }) => {
        const account = tenantId === options.tenantId ? accounts.get(provider) : undefined
        return {
          provider,
          configured: account !== undefined,
          sandbox: account?.sandbox ?? false,
          capabilities: account?.client.capabilities ?? [],
          health: account?.upstream.health() ?? null,
        }
      }),
    close: async () => {
      await Promise.all(upstreams.map(upstream => upstream.close()))
    },
  }
}

function notConfigured(provider: Provider, message: string): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_NOT_CONFIGURED', provider, message, { outcome: 'NOT_SENT' })
}
