import { v7 as uuid } from 'uuid'
import { findAccountsOf, findOrCreateAccount, type StoredAccount } from '../../db/account-repository.ts'
import { ProviderUnavailableError } from '../domain/errors.ts'
import type { Capability, Provider } from '../domain/provider.ts'
import type { ProviderModule, ProviderSettings } from '../providers/contract.ts'
import type { Health } from '../upstream/health.ts'
import { type Account, type OpenAccountOptions, openAccount } from './account.ts'

export type { Account } from './account.ts'

/**
 * The accounts of all tenants. What a tenant set is in the store, where other processes may change it: a tenant's accounts
 * are looked at again every few seconds while it is served, and at once where one is missed. The environment's are the
 * first tenant's; its credentials stand before what is stored, and what is stored before a sandbox.
 */
export interface Accounts {
  /** Throws PROVIDER_NOT_CONFIGURED where the tenant has no account there. */
  get(tenantId: string, provider: Provider): Promise<Account>
  /** The account that a stored record belongs to; undefined where it is not connected any more. */
  find(record: RecordKey): Promise<Account | undefined>
  /** The account that a stored record belongs to. Throws PROVIDER_NOT_CONFIGURED where it is not connected any more. */
  of(record: RecordKey): Promise<Account>
  list(tenantId: string): Promise<readonly ProviderInfo[]>
  /** Has a tenant's accounts looked at again, as after they were changed here. */
  forget(tenantId: string): void
  /** All that are open here, of all tenants; first those that were replaced and still end what they began. */
  all(): readonly Account[]
  close(): Promise<void>
}

interface RecordKey {
  readonly tenantId: string
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

/** A provider, and the first tenant's account there. Without settings the tenant has none by the environment. */
export interface AccountSetup {
  readonly module: ProviderModule
  readonly settings?: ProviderSettings
  readonly sandbox: boolean
}

export interface AccountsOptions extends OpenAccountOptions {
  /** The first tenant. */
  readonly tenantId: string
  /** Told of an account whose settings cannot be used any more. */
  readonly report: (error: unknown) => void
}

/** How old what is known of a tenant's accounts may be. */
const KNOWN_MS = 2_000
const KNOWN_MISSING_MS = 250
/** Longer than any call takes, a create that is sent three times included. */
const RETIRE_MS = 60_000

type ByProvider = ReadonlyMap<Provider, Account>

interface Known {
  readonly accounts: ByProvider
  readonly at: number
}

export async function openAccounts(setups: readonly AccountSetup[], options: AccountsOptions): Promise<Accounts> {
  const given = new Map<Provider, Account>()
  const opened = new Map<string, { readonly account: Account; readonly revision: number }>()
  const retired = new Map<Account, NodeJS.Timeout>()
  const unusable = new Map<string, number>()
  const tenants = new Map<string, Known>()
  const loading = new Map<string, Promise<Known>>()

  for (const { module, settings, sandbox } of setups) {
    if (!settings) continue
    const { tenantId } = options
    const key = { tenantId, provider: module.provider, origin: sandbox ? 'sandbox' : settings.baseUrl }
    const id = await findOrCreateAccount(options.db, key, uuid(), options.now())
    given.set(module.provider, openAccount(module, settings, { id, tenantId, sandbox }, options))
  }

  async function accountsOf(tenantId: string, knownMs = KNOWN_MS): Promise<ByProvider> {
    const known = tenants.get(tenantId)
    return known && performance.now() - known.at < knownMs ? known.accounts : (await load(tenantId)).accounts
  }

  /** Once for all who want it now. */
  function load(tenantId: string): Promise<Known> {
    const under = loading.get(tenantId)
    if (under) return under
    const load = readAccounts(tenantId).finally(() => loading.delete(tenantId))
    loading.set(tenantId, load)
    return load
  }

  async function readAccounts(tenantId: string): Promise<Known> {
    const at = performance.now()
    const accounts = new Map(tenantId === options.tenantId ? given : [])
    for (const stored of await findAccountsOf(options.db, tenantId)) {
      const byEnvironment = accounts.get(stored.provider)
      if (byEnvironment && !byEnvironment.sandbox) continue
      const account = toAccount(stored)
      if (account) accounts.set(stored.provider, account)
    }
    retireMissing(tenantId, accounts)
    const known = { accounts, at }
    tenants.set(tenantId, known)
    return known
  }

  /** The account as it is set now: opened when it is met, and anew when it was changed. */
  function toAccount(stored: StoredAccount): Account | undefined {
    const known = opened.get(stored.id)
    if (known?.revision === stored.revision) return known.account
    const setup = setups.find(({ module }) => module.provider === stored.provider)
    const settings = setup && settingsOf(setup, stored)
    if (!setup || !settings) return undefined
    if (known) retire(known.account)
    const { id, tenantId, origin, revision } = stored
    const account = openAccount(setup.module, settings, { id, tenantId, sandbox: origin === 'sandbox' }, options)
    opened.set(id, { account, revision })
    return account
  }

  function settingsOf(
    { module, settings, sandbox }: AccountSetup,
    stored: StoredAccount,
  ): ProviderSettings | undefined {
    if (stored.origin === 'sandbox') return sandbox ? settings : undefined
    const parsed = module.settings.safeParse(stored.settings ?? {})
    if (parsed.success && module.isConfigured(parsed.data)) return parsed.data
    if (unusable.get(stored.id) !== stored.revision)
      options.report(new Error(`The settings of account ${stored.id} cannot be used. Set them again.`))
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

  /** What is under way through an account that was changed comes to its end. */
  function retire(account: Account): void {
    const timer = setTimeout(() => {
      retired.delete(account)
      void account.upstream.close().catch(options.report)
    }, RETIRE_MS)
    timer.unref()
    retired.set(account, timer)
  }

  async function find({ tenantId, accountId, provider }: RecordKey): Promise<Account | undefined> {
    const isIt = (account: Account | undefined) => (account?.id === accountId ? account : undefined)
    return (
      isIt((await accountsOf(tenantId)).get(provider)) ??
      isIt((await accountsOf(tenantId, KNOWN_MISSING_MS)).get(provider))
    )
  }

  function all(): readonly Account[] {
    return [...retired.keys(), ...given.values(), ...[...opened.values()].map(({ account }) => account)]
  }

  return {
    async get(tenantId, provider) {
      const account =
        (await accountsOf(tenantId)).get(provider) ?? (await accountsOf(tenantId, KNOWN_MISSING_MS)).get(provider)
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
      return setups.map(({ module: { provider } }) => toInfo(provider, accounts.get(provider)))
    },
    forget(tenantId) {
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

function toInfo(provider: Provider, account: Account | undefined): ProviderInfo {
  return {
    provider,
    configured: account !== undefined,
    sandbox: account?.sandbox ?? false,
    capabilities: account?.client.capabilities ?? [],
    health: account?.upstream.health() ?? null,
  }
}

function notConfigured(provider: Provider, message: string): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_NOT_CONFIGURED', provider, message, { outcome: 'NOT_SENT' })
}
