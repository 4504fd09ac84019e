import { v7 as uuid } from 'uuid'
import { connectAccount, disconnectAccount, findAccountsOf } from '../../db/account-repository.ts'
import type { Database } from '../../db/database.ts'
import { DomainError, type InputIssue, InvalidInputError, NotFoundError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { ProviderModule, ProviderSettings } from '../providers/contract.ts'
import type { AccountSetup, Accounts } from './accounts.ts'
import type { Call } from './call.ts'
import { writeAudit } from './tenants.ts'

/** The accounts at providers that tenants set, as an operator sees them: no secret is ever shown. */

type TenantCall = Pick<Call, 'tenantId'>

export interface ShownAccount {
  readonly provider: Provider
  /** Where its settings are: the environment's are the first tenant's. */
  readonly from: 'ENVIRONMENT' | 'SANDBOX' | 'STORE' | null
  readonly accountId: string | null
  readonly settings: Readonly<Record<string, string>>
}

export interface NewSettings {
  readonly provider: Provider
  /** By the names that the provider's settings have. */
  readonly given: Readonly<Record<string, string>>
  /** True for an account of its own, whose records never meet those of the one before. */
  readonly another?: boolean
}

export interface ProviderSettingsOptions {
  readonly db: Database
  readonly accounts: Pick<Accounts, 'forget'>
  readonly now: () => Date
  readonly setups: readonly AccountSetup[]
  /** Whose account the environment's credentials are. */
  readonly firstTenant: string
}

export type ProviderSettingsService = ReturnType<typeof createProviderSettings>

export function createProviderSettings({ db, accounts, now, setups, firstTenant }: ProviderSettingsOptions) {
  /** Sets the tenant's account. Throws INVALID_INPUT with every issue. Gives our id of the account. */
  async function set({ tenantId }: TenantCall, wanted: NewSettings): Promise<string> {
    const { module } = setupOf(wanted.provider)
    refuseEnvironment(tenantId, wanted.provider)
    const { baseUrl } = check(module, wanted.given)
    const id = uuid()
    const known = (await findAccountsOf(db, tenantId)).find(account => account.provider === wanted.provider)
    const sameAddress = known && known.origin.split('#')[0] === baseUrl
    const origin = wanted.another ? `${baseUrl}#${id}` : sameAddress ? known.origin : baseUrl
    const key = { tenantId, provider: wanted.provider, origin }
    return changed(tenantId, 'provider.set', connectAccount(db, key, { ...wanted.given, baseUrl }, id, now()))
  }

  /** Gives the tenant the sandbox that the first one has. Throws BAD_REQUEST where there is none, as in production. */
  async function setSandbox({ tenantId }: TenantCall, provider: Provider): Promise<string> {
    const { sandbox, settings } = setupOf(provider)
    refuseEnvironment(tenantId, provider)
    if (!sandbox || !settings) throw new DomainError('BAD_REQUEST', `There is no sandbox of ${provider} here.`)
    return changed(
      tenantId,
      'provider.set',
      connectAccount(db, { tenantId, provider, origin: 'sandbox' }, null, uuid(), now()),
    )
  }

  /** Forgets what was set; records stay readable from the store. Throws NOT_FOUND. Gives our id of the account. */
  async function remove({ tenantId }: TenantCall, provider: Provider): Promise<string> {
    refuseEnvironment(tenantId, provider)
    const id = await changed(tenantId, 'provider.remove', disconnectAccount(db, { tenantId, provider }))
    if (!id) throw new NotFoundError(`The tenant has set no account at ${provider}.`)
    return id
  }

  async function list({ tenantId }: TenantCall): Promise<ShownAccount[]> {
    const stored = await findAccountsOf(db, tenantId)
    return setups.map(({ module, settings, sandbox }) => {
      const { provider } = module
      const given = tenantId === firstTenant ? settings : undefined
      if (given && !sandbox) return { provider, from: 'ENVIRONMENT', accountId: null, settings: mask(module, given) }
      const account = stored.find(one => one.provider === provider)
      const isSandbox = account ? account.origin === 'sandbox' : given !== undefined
      return {
        provider,
        from: isSandbox ? 'SANDBOX' : account ? 'STORE' : null,
        accountId: account?.id ?? null,
        settings: mask(module, { ...account?.settings }),
      }
    })
  }

  async function changed<T extends string | undefined>(
    tenantId: string,
    action: string,
    change: Promise<T>,
  ): Promise<T> {
    const result = await change
    if (result) await writeAudit(db, { tenantId, action, at: now(), subject: result })
    accounts.forget(tenantId)
    return result
  }

  function setupOf(provider: Provider): AccountSetup {
    const setup = setups.find(({ module }) => module.provider === provider)
    if (!setup) throw new NotFoundError('There is no such provider.')
    return setup
  }

  /** What the environment says stands first, so that nothing is set that would not count. */
  function refuseEnvironment(tenantId: string, provider: Provider): void {
    const { settings, sandbox } = setupOf(provider)
    if (tenantId !== firstTenant || !settings || sandbox) return
    throw new DomainError('BAD_REQUEST', `The environment sets ${provider} for the tenant ${tenantId}.`)
  }

  return { set, setSandbox, remove, list }
}

/** Throws INVALID_INPUT with everything that is wrong. No value is repeated: it may be a secret. */
function check(module: ProviderModule, given: NewSettings['given']): ProviderSettings {
  const names = Object.keys(module.settings.shape)
  const unknown = Object.keys(given).filter(name => !names.includes(name))
  const parsed = module.settings.safeParse(given)
  const issues: InputIssue[] = [
    ...unknown.map(name => ({ path: [name], message: `Expected one of ${names.join(', ')}.` })),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => ({ path: path.map(String), message })),
    ...(parsed.success ? checkAddress(parsed.data.baseUrl) : []),
  ]
  if (parsed.success && !module.isConfigured(parsed.data)) {
    issues.push({ path: [module.secrets[0] ?? 'settings'], message: 'Expected the credentials to be complete.' })
  }
  if (!parsed.success || issues.length > 0) throw new InvalidInputError(issues)
  return parsed.data
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Credentials in clear are for this machine alone. */
function checkAddress(baseUrl: string): InputIssue[] {
  const url = new URL(baseUrl)
  const path = ['baseUrl']
  const issues: InputIssue[] = []
  if (url.protocol !== 'https:' && !LOOPBACK.test(url.hostname))
    issues.push({ path, message: 'Expected https, or http on this machine.' })
  if (url.username !== '' || url.password !== '') issues.push({ path, message: 'Expected no credentials in it.' })
  return issues
}

function mask({ secrets }: ProviderModule, settings: object): Record<string, string> {
  const shown = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(shown.map(([name, value]) => [name, secrets.includes(name) ? '••••' : String(value)]))
}
