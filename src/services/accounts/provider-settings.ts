import { v7 as uuid } from 'uuid'
import type { Database } from '../../../db/core/database.ts'
import { connectAccount, disconnectAccount, findAccountsOf } from '../../../db/repositories/account-repository.ts'
import { DomainError, type InputIssue, InvalidInputError, NotFoundError } from '../../domain/errors.ts'
import { isLoopbackHost } from '../../domain/input/hosts.ts'
import type { Provider } from '../../domain/provider.ts'
import type { ProviderModule, ProviderSettings } from '../../providers/contract.ts'
import { recordAudit } from '../access/tenants.ts'
import type { RequestScope } from '../request-scope.ts'
import type { AccountSetup, Accounts } from './accounts.ts'

/** The tenants' provider accounts for operators. Secrets are masked. */

type TenantCall = Pick<RequestScope, 'tenantId'>

export interface AccountView {
  readonly provider: Provider
  /** The source of the settings. ENVIRONMENT only for the first tenant. */
  readonly from: 'ENVIRONMENT' | 'SANDBOX' | 'STORE' | null
  readonly accountId: string | null
  readonly settings: Readonly<Record<string, string>>
}

export interface NewSettings {
  readonly provider: Provider
  /** By the setting names of the provider. */
  readonly given: Readonly<Record<string, string>>
  /** True for a new account whose records are separate from those of the previous one. */
  readonly another?: boolean
  /** The id of the API key that sets them; absent for the command line. */
  readonly actor?: string
}

export interface ProviderSettingsOptions {
  readonly db: Database
  readonly accounts: Pick<Accounts, 'invalidate'>
  readonly now: () => Date
  readonly setups: readonly AccountSetup[]
  /** The tenant of the accounts whose credentials the environment has. */
  readonly firstTenant: string
}

export type ProviderSettingsService = ReturnType<typeof createProviderSettings>

export function createProviderSettings({ db, accounts, now, setups, firstTenant }: ProviderSettingsOptions) {
  /** Sets the tenant's account and returns its id. Throws INVALID_INPUT with all issues. */
  async function set({ tenantId }: TenantCall, newSettings: NewSettings): Promise<string> {
    const { module } = setupOf(newSettings.provider)
    assertNotSetByEnvironment(tenantId, newSettings.provider)
    const { baseUrl } = check(module, newSettings.given)
    const id = uuid()
    const known = (await findAccountsOf(db, tenantId)).find(account => account.provider === newSettings.provider)
    const sameAddress = known && known.baseUrl.split('#')[0] === baseUrl
    const storedUrl = newSettings.another ? `${baseUrl}#${id}` : sameAddress ? known.baseUrl : baseUrl
    const key = { tenantId, provider: newSettings.provider, baseUrl: storedUrl }
    const connected = connectAccount(db, key, { ...newSettings.given, baseUrl }, id, now())
    return changed({ tenantId, ...newSettings }, 'provider.set', connected)
  }

  /** Connects the tenant to the sandbox. Throws BAD_REQUEST if there is none, as in production. */
  async function setSandbox({ tenantId }: TenantCall, provider: Provider): Promise<string> {
    const { sandbox, settings } = setupOf(provider)
    assertNotSetByEnvironment(tenantId, provider)
    if (!sandbox || !settings)
      throw new DomainError(
        'BAD_REQUEST',
        `No sandbox of ${provider} is running here. Start the server in development, without credentials of ${provider}.`,
      )
    return changed(
      { tenantId, provider },
      'provider.set',
      connectAccount(db, { tenantId, provider, baseUrl: 'sandbox' }, null, uuid(), now()),
    )
  }

  /**
   * Replaces secrets of the tenant's stored account; its other settings stay. Throws NOT_FOUND, INVALID_INPUT, and BAD_REQUEST if
   * the environment has the settings.
   */
  async function replaceSecrets({ tenantId }: TenantCall, { provider, given, actor }: NewSettings): Promise<string> {
    const { module } = setupOf(provider)
    assertNotSetByEnvironment(tenantId, provider)
    const known = (await findAccountsOf(db, tenantId)).find(account => account.provider === provider)
    if (!known?.settings)
      throw new NotFoundError(`The tenant has no account at ${provider}. Add it with \`sessiongraph providers set\`.`)
    const others = Object.keys(given).filter(name => !module.secrets.includes(name))
    if (others.length > 0)
      throw new InvalidInputError(
        others.map(name => ({ path: [name], message: `Expected one of ${module.secrets.join(', ')}.` })),
      )
    const stored = Object.entries(known.settings).map(([name, value]) => [name, String(value)])
    return set({ tenantId }, { provider, given: { ...Object.fromEntries(stored), ...given }, actor })
  }

  /** The names of the provider's secret settings. */
  const secretNames = (provider: Provider): readonly string[] => setupOf(provider).module.secrets

  /** Removes the settings and returns the account's id. Stored records stay readable. Throws NOT_FOUND. */
  async function remove({ tenantId }: TenantCall, provider: Provider): Promise<string> {
    assertNotSetByEnvironment(tenantId, provider)
    const id = await changed({ tenantId, provider }, 'provider.remove', disconnectAccount(db, { tenantId, provider }))
    if (!id)
      throw new NotFoundError(`The tenant has no account at ${provider}. Add it with \`sessiongraph providers set\`.`)
    return id
  }

  async function list({ tenantId }: TenantCall): Promise<AccountView[]> {
    const stored = await findAccountsOf(db, tenantId)
    return setups.map(({ module, settings, sandbox }) => {
      const { provider } = module
      const given = tenantId === firstTenant ? settings : undefined
      if (given && !sandbox) return { provider, from: 'ENVIRONMENT', accountId: null, settings: mask(module, given) }
      const account = stored.find(one => one.provider === provider)
      const isSandbox = account ? account.baseUrl === 'sandbox' : given !== undefined
      return {
        provider,
        from: isSandbox ? 'SANDBOX' : account ? 'STORE' : null,
        accountId: account?.id ?? null,
        settings: mask(module, { ...account?.settings }),
      }
    })
  }

  async function changed<T extends string | undefined>(
    { tenantId, provider, actor }: { readonly tenantId: string; readonly provider: Provider; readonly actor?: string },
    action: string,
    change: Promise<T>,
  ): Promise<T> {
    const result = await change
    if (result) await recordAudit(db, { tenantId, action, at: now(), subject: result, object: provider, actor })
    accounts.invalidate(tenantId)
    return result
  }

  function setupOf(provider: Provider): AccountSetup {
    const setup = setups.find(({ module }) => module.provider === provider)
    if (!setup) throw new NotFoundError(`This server has no provider ${provider}. Check its name.`)
    return setup
  }

  /** Throws BAD_REQUEST if the environment has the settings: it takes precedence over the database. */
  function assertNotSetByEnvironment(tenantId: string, provider: Provider): void {
    const { settings, sandbox } = setupOf(provider)
    if (tenantId !== firstTenant || !settings || sandbox) return
    throw new DomainError(
      'BAD_REQUEST',
      `The environment configures ${provider} for the tenant ${tenantId}. Set it there, or use another tenant.`,
    )
  }

  return { set, setSandbox, replaceSecrets, secretNames, remove, list }
}

/** Throws INVALID_INPUT with all issues. Messages contain no values, because those can be secrets. */
function check(module: ProviderModule, given: NewSettings['given']): ProviderSettings {
  const names = Object.keys(module.settings.shape)
  const unknown = Object.keys(given).filter(name => !names.includes(name))
  const parsed = module.settings.safeParse(given)
  const issues: InputIssue[] = [
    ...unknown.map(name => ({ path: [name], message: `Expected one of ${names.join(', ')}.` })),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => ({ path: path.map(String), message })),
    ...(parsed.success ? assertAddress(parsed.data.baseUrl) : []),
  ]
  if (parsed.success && !module.isConfigured(parsed.data)) {
    issues.push({ path: [module.secrets[0] ?? 'settings'], message: 'Expected complete credentials.' })
  }
  if (!parsed.success || issues.length > 0) throw new InvalidInputError(issues)
  return parsed.data
}

/** Unencrypted connections only to the loopback interface. */
function assertAddress(baseUrl: string): InputIssue[] {
  const url = new URL(baseUrl)
  const path = ['baseUrl']
  const issues: InputIssue[] = []
  if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname))
    issues.push({ path, message: 'Expected https, or http on this machine.' })
  if (url.username !== '' || url.password !== '') issues.push({ path, message: 'Expected a URL without credentials.' })
  return issues
}

function mask({ secrets }: ProviderModule, settings: object): Record<string, string> {
  const shown = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(shown.map(([name, value]) => [name, secrets.includes(name) ? '••••' : String(value)]))
}
