import { v7 as uuid } from 'uuid'
import { findAccountsOf, findOrCreateAccount, type StoredAccount } from '../../../db/repositories/account-repository.ts'
import { ProviderUnavailableError } from '../../domain/errors.ts'
import type { Capability, Provider } from '../../domain/provider.ts'
import type { CallKind } from '../../domain/provider-call.ts'
import type { ProviderModule, ProviderSettings } from '../../providers/contract.ts'
import type { CircuitState } from '../../upstream/circuit-breaker.ts'
import type { Health } from '../../upstream/health/health-monitor.ts'
import { shareInFlight } from '../../upstream/single-flight.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import { type Account, type OpenAccountOptions, openAccount } from './account.ts'
import { loadAbilities } from './account-abilities.ts'

/**
 * The accounts of all tenants. Tenants' settings are in the database, where other processes can change them: they are read
 * again every few seconds while the tenant is active, and at once if an account is missing. The environment's credentials
 * belong to the first tenant. Precedence: environment, database, sandbox.
 */
export interface Accounts {
  /** Throws PROVIDER_NOT_CONFIGURED if the tenant has no account at the provider. */
  get(tenantId: string, provider: Provider): Promise<Account>
  /** The account of a stored record; undefined if it is not connected any more. */
  find(record: RecordKey): Promise<Account | undefined>
  /** The account of a stored record. Throws PROVIDER_NOT_CONFIGURED if it is not connected any more. */
  of(record: RecordKey): Promise<Account>
  list(tenantId: string): Promise<readonly ProviderInfo[]>
  /** Makes the next use read the tenant's accounts again, for changes made here. */
  invalidate(tenantId: string): void
  /** All open accounts of all tenants; first the replaced ones that still have calls in flight. */
  all(): readonly Account[]
  close(): Promise<void>
}

interface RecordKey {
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
}

/**
 * DOWN: calls of every kind are rejected here. DEGRADED: of some kinds, or the provider is recovering, refuses the credentials,
 * or failed most of the latest calls.
 */
export type ProviderState = 'DEGRADED' | 'DOWN' | 'UP'

export interface ProviderHealth extends Health {
  readonly state: ProviderState
}

export interface ProviderInfo {
  readonly provider: Provider
  /** For display. */
  readonly name: string
  readonly configured: boolean
  readonly sandbox: boolean
  readonly capabilities: readonly Capability[]
  /** Null if the provider is not configured. */
  readonly health: ProviderHealth | null
}

/** A provider, with the settings from the environment if there are any. */
export interface AccountSetup {
  readonly module: ProviderModule
  readonly settings?: ProviderSettings
  readonly sandbox: boolean
}

export interface AccountsOptions extends OpenAccountOptions {
  /** The first tenant. */
  readonly tenantId: string
  /** Logs accounts whose stored settings are not valid any more. */
  readonly report: (error: unknown) => void
}

/** How long a tenant's accounts are cached. */
const CACHE_TTL_MS = 2_000
const NEGATIVE_CACHE_TTL_MS = 250
/** Longer than any call, including a create with three requests. */
const EVICT_AFTER_MS = 60_000

type ByProvider = ReadonlyMap<Provider, Account>

interface CachedAccount {
  readonly accounts: ByProvider
  readonly at: number
}

export async function openAccounts(setups: readonly AccountSetup[], options: AccountsOptions): Promise<Accounts> {
  const given = new Map<Provider, Account>()
  const opened = new Map<string, { readonly account: Account; readonly revision: number }>()
  const retired = new Map<Account, NodeJS.Timeout>()
  const unusable = new Map<string, number>()
  const tenants = new Map<string, CachedAccount>()
  const loading = new Map<string, Promise<CachedAccount>>()

  for (const { module, settings, sandbox } of setups) {
    if (!settings) continue
    const { tenantId } = options
    const key = { tenantId, provider: module.provider, baseUrl: sandbox ? 'sandbox' : settings.baseUrl }
    const id = await findOrCreateAccount(options.db, key, uuid(), options.now())
    given.set(module.provider, openAccount(module, settings, { id, tenantId, sandbox }, options))
  }

  async function accountsOf(tenantId: string, knownMs = CACHE_TTL_MS): Promise<ByProvider> {
    const known = tenants.get(tenantId)
    return known && performance.now() - known.at < knownMs ? known.accounts : (await load(tenantId)).accounts
  }

  function load(tenantId: string): Promise<CachedAccount> {
    return shareInFlight(loading, tenantId, () => readAccounts(tenantId))
  }

  async function readAccounts(tenantId: string): Promise<CachedAccount> {
    const at = performance.now()
    const accounts = new Map(tenantId === options.tenantId ? given : [])
    for (const stored of await findAccountsOf(options.db, tenantId)) {
      const byEnvironment = accounts.get(stored.provider)
      if (byEnvironment && !byEnvironment.sandbox) continue
      const account = toAccount(stored)
      if (account) accounts.set(stored.provider, account)
    }
    retireMissing(tenantId, accounts)
    await loadAbilities(options.db, [...accounts.values()])
    const known = { accounts, at }
    tenants.set(tenantId, known)
    return known
  }

  /** The account with its current settings: opened on first use and after each change. */
  function toAccount(stored: StoredAccount): Account | undefined {
    const known = opened.get(stored.id)
    if (known?.revision === stored.revision) return known.account
    const setup = setups.find(({ module }) => module.provider === stored.provider)
    const settings = setup && settingsOf(setup, stored)
    if (!setup || !settings) return undefined
    if (known) retire(known.account)
    const { id, tenantId, baseUrl, revision } = stored
    const account = openAccount(setup.module, settings, { id, tenantId, sandbox: baseUrl === 'sandbox' }, options)
    opened.set(id, { account, revision })
    return account
  }

  function settingsOf(
    { module, settings, sandbox }: AccountSetup,
    stored: StoredAccount,
  ): ProviderSettings | undefined {
    if (stored.baseUrl === 'sandbox') return sandbox ? settings : undefined
    const parsed = module.settings.safeParse(stored.settings ?? {})
    if (parsed.success && module.isConfigured(parsed.data)) return parsed.data
    if (unusable.get(stored.id) !== stored.revision)
      options.report(new Error(`The settings of account ${stored.id} are invalid. Set them again.`))
    unusable.set(stored.id, stored.revision)
    return undefined
  }

  function retireMissing(tenantId: string, accounts: ByProvider): void {
    for (const [id, { account }] of opened) {
      if (account.tenantId !== tenantId || accounts.get(account.provider)?.id === id) continue
      opened.delete(id)
      retire(account)
    }
  }

  /** Closes a replaced account after its calls in flight ended. */
  function retire(account: Account): void {
    const timer = setTimeout(() => {
      retired.delete(account)
      void account.upstream.close().catch(options.report)
    }, EVICT_AFTER_MS)
    timer.unref()
    retired.set(account, timer)
  }

  async function find({ tenantId, accountId, provider }: RecordKey): Promise<Account | undefined> {
    const isIt = (account: Account | undefined) => (account?.id === accountId ? account : undefined)
    return (
      isIt((await accountsOf(tenantId)).get(provider)) ??
      isIt((await accountsOf(tenantId, NEGATIVE_CACHE_TTL_MS)).get(provider))
    )
  }

  function all(): readonly Account[] {
    return [...retired.keys(), ...given.values(), ...[...opened.values()].map(({ account }) => account)]
  }

  return {
    async get(tenantId, provider) {
      const account =
        (await accountsOf(tenantId)).get(provider) ?? (await accountsOf(tenantId, NEGATIVE_CACHE_TTL_MS)).get(provider)
      if (account) return account
      throw notConfigured(provider, `${provider} is not configured.`)
    },
    find,
    async of(record) {
      const account = await find(record)
      if (account) return account
      throw notConfigured(record.provider, `The ${record.provider} account of this record is not connected.`)
    },
    async list(tenantId) {
      const accounts = await accountsOf(tenantId)
      return setups.map(({ module }) => toInfo(module, accounts.get(module.provider)))
    },
    invalidate(tenantId) {
      const known = tenants.get(tenantId)
      if (known) tenants.set(tenantId, { ...known, at: Number.NEGATIVE_INFINITY })
    },
    all,
    async close() {
      for (const timer of retired.values()) clearTimeout(timer)
      await Promise.all(all().map(account => account.upstream.close()))
    },
  }
}

function toInfo({ provider, name }: ProviderModule, account: Account | undefined): ProviderInfo {
  return {
    provider,
    name,
    configured: account !== undefined,
    sandbox: account?.sandbox ?? false,
    capabilities: account?.client.capabilities ?? [],
    health: account ? toHealth(account.upstream) : null,
  }
}

function toHealth(upstream: Upstream): ProviderHealth {
  const health = upstream.health()
  return { ...health, state: toProviderState(health, upstream.circuits()) }
}

function toProviderState(
  { failing, authFailedSince }: Health,
  { SIGN_IN: signIn, ...circuits }: Readonly<Record<CallKind, CircuitState>>,
): ProviderState {
  const states = Object.values(circuits)
  // Only some providers have a sign-in; without it, calls with a valid token are still sent.
  if (states.every(state => state === 'OPEN')) return 'DOWN'
  const isUp =
    [...states, signIn].every(state => state === 'CLOSED') && failing.length === 0 && authFailedSince === null
  return isUp ? 'UP' : 'DEGRADED'
}

function notConfigured(provider: Provider, message: string): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_NOT_CONFIGURED', provider, message, { outcome: 'NOT_SENT' })
}
