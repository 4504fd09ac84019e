import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { testConnection } from '../../src/services/accounts/connection-check.ts'
import { connectTenant, type OwnProviders, startOwnProviders } from '../harness/app/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** The provider accounts of each tenant, in one server and in two servers that share a database. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-accounts-'))
const env = { DATABASE_URL: `sqlite:${join(folder, 'accounts.db')}`, ENCRYPTION_KEY: '0a'.repeat(32) }
let own: OwnProviders
let app: TestApp
let other: TestApp

beforeAll(async () => {
  own = await startOwnProviders()
  app = await startApp(env, { jobs: false })
  other = await startApp(env, { jobs: false })
})
afterAll(async () => {
  await Promise.all([app.close(), other.close()])
  await own.close()
  rmSync(folder, { recursive: true, force: true })
})

const tenant = () => `t-${randomUUID()}`

function callOf(tenantId: string) {
  return { tenantId, signal: new AbortController().signal }
}

/** Creates a Kayle session of this tenant. Returns our id of it. */
async function createSession(at: TestApp, tenantId: string): Promise<string> {
  const { operation } = await at.services.creates.create(callOf(tenantId), {
    kind: 'CREATE_SESSION',
    idempotencyKey: randomUUID(),
    equivalentInputs: [{}],
    request: { provider: 'KAYLE', input: {} },
  })
  return operation.recordId ?? ''
}

describe('a tenant with accounts of its own', () => {
  test('uses its own providers and not those of the first tenant', async () => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    await Promise.all([own.sandbox('KAYLE').forget(), app.sandbox('KAYLE').forget()])
    await createSession(app, tenantId)
    expect(await own.sandbox('KAYLE').requests()).toHaveLength(1)
    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })

  test.each(PROVIDERS)('has an account at %s that is tested with one read without side effects', async provider => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    const account = await app.services.accounts.get(tenantId, provider)
    expect(account).toMatchObject({ tenantId, provider, testMode: true, sandbox: false })
    expect(await testConnection(account)).toMatchObject({
      ok: true,
      message: expect.stringMatching(/fulfils its contract\.$/),
    })
    const wrong = Object.fromEntries(
      Object.entries(own.settings(provider)).map(([name, value]) => [name, name === 'baseUrl' ? value : `${value}x`]),
    )
    await app.services.providerSettings.set({ tenantId }, { provider, given: wrong })
    expect(await testConnection(await other.services.accounts.get(tenantId, provider))).toMatchObject({
      ok: false,
      message: expect.stringMatching(/rejects the credentials/),
    })
  })

  test('has records of its own: another tenant cannot configure the same provider account', async () => {
    const [one, two] = [tenant(), tenant()]
    await connectTenant(app, one, own)
    await connectTenant(app, two, own)
    const id = await createSession(app, one)
    const session = await app.services.sessions.getStored(callOf(one), id)
    await expect(app.services.sessions.getStored(callOf(two), id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await app.services.accounts.find(session)).toMatchObject({ tenantId: one })
    expect(await app.services.accounts.find({ ...session, tenantId: two })).toBeUndefined()
    const twos = await app.services.accounts.get(two, 'KAYLE')
    expect(twos.id).not.toBe(session.accountId)
  })

  test('has its own circuit breaker: failures of one account do not open that of another', async () => {
    const [one, two] = [tenant(), tenant()]
    await connectTenant(app, one, own)
    await connectTenant(app, two, own)
    const [ones, twos] = await Promise.all([one, two].map(id => app.services.accounts.get(id, 'KAYLE')))
    expect(ones?.upstream).not.toBe(twos?.upstream)
  })
})

describe('a running server', () => {
  test('uses an account that another process added', async () => {
    const tenantId = tenant()
    await expect(other.services.accounts.get(tenantId, 'KAYLE')).rejects.toMatchObject({
      code: 'PROVIDER_NOT_CONFIGURED',
    })
    await connectTenant(app, tenantId, own)
    await expect.poll(() => other.services.accounts.get(tenantId, 'KAYLE').catch(() => undefined)).toBeDefined()
  })

  test('uses replaced credentials, and keeps the records of the account', async () => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    const before = await other.services.accounts.get(tenantId, 'KAYLE')
    await connectTenant(app, tenantId, own)
    await expect
      .poll(() => other.services.accounts.get(tenantId, 'KAYLE'), { timeout: 10_000 })
      .toSatisfy(after => after !== before && after.id === before.id)
  })

  test('serves the records of a removed account from the store', async () => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    const id = await createSession(other, tenantId)
    await app.services.providerSettings.remove({ tenantId }, 'KAYLE')
    await expect
      .poll(() => other.services.accounts.get(tenantId, 'KAYLE').catch(({ code }) => code), { timeout: 10_000 })
      .toBe('PROVIDER_NOT_CONFIGURED')
    const { sessions } = other.services
    expect(await sessions.get(callOf(tenantId), { id }, { maxAgeSeconds: 60 })).toMatchObject({ id })
    const fresh = sessions.get(callOf(tenantId), { id }, { maxAgeSeconds: 0, onError: 'FAIL' })
    await expect(fresh).rejects.toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
    await connectTenant(app, tenantId, own)
    await expect
      .poll(() => other.services.accounts.get(tenantId, 'KAYLE').catch(() => undefined), { timeout: 10_000 })
      .toBeDefined()
    const later = await sessions.get(callOf(tenantId), { id }, { maxAgeSeconds: 0, onError: 'FAIL' })
    expect(later.sync).toMatchObject({ stale: false })
  })

  test('does not mix the records of an account with those of the account that replaced it', async () => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    const id = await createSession(app, tenantId)
    const session = await app.services.sessions.getStored(callOf(tenantId), id)
    const given = own.settings('KAYLE')
    await app.services.providerSettings.set({ tenantId }, { provider: 'KAYLE', given, another: true })
    await expect.poll(() => app.services.accounts.find(session), { timeout: 10_000 }).toBeUndefined()
    const account = await app.services.accounts.get(tenantId, 'KAYLE')
    expect(account.id).not.toBe(session.accountId)
  })
})

describe('the first tenant', () => {
  test('uses the sandbox until it has an account, and again after the account is removed', async () => {
    const { accounts, providerSettings } = app.services
    const dev = { tenantId: 'dev' }
    const sandbox = await accounts.get('dev', 'VERILOCK')
    expect(sandbox.sandbox).toBe(true)
    await providerSettings.set(dev, { provider: 'VERILOCK', given: own.settings('VERILOCK') })
    await expect.poll(async () => (await accounts.get('dev', 'VERILOCK')).sandbox, { timeout: 10_000 }).toBe(false)
    await providerSettings.remove(dev, 'VERILOCK')
    await expect.poll(() => accounts.get('dev', 'VERILOCK'), { timeout: 10_000 }).toBe(sandbox)
  })

  test('cannot set settings that the credentials in the environment override', async () => {
    const real = await startApp({ KAYLE_API_KEY: 'a-key-of-the-environment' }, { jobs: false })
    const set = real.services.providerSettings.set(
      { tenantId: 'dev' },
      { provider: 'KAYLE', given: own.settings('KAYLE') },
    )
    await expect(set).rejects.toMatchObject({ code: 'BAD_REQUEST', message: expect.stringContaining('environment') })
    await real.close()
  })
})

describe('the sandbox', () => {
  test('can be an account of another tenant', async () => {
    const tenantId = tenant()
    await app.services.providerSettings.setSandbox({ tenantId }, 'KAYLE')
    const account = await app.services.accounts.get(tenantId, 'KAYLE')
    expect(account).toMatchObject({ sandbox: true, testMode: true })
    expect(account.id).not.toBe((await app.services.accounts.get('dev', 'KAYLE')).id)
  })

  test('is refused where no sandbox runs', async () => {
    const without = await startApp({ SANDBOX: 'off' }, { jobs: false })
    const set = without.services.providerSettings.setSandbox({ tenantId: tenant() }, 'KAYLE')
    await expect(set).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await without.close()
  })
})

describe('invalid settings', () => {
  test('are refused with every issue at once, without their values', async () => {
    const given = { baseUrl: 'http://kayle.example', apiKee: 'a-secret-value', marker: 'perhaps' }
    const refused = await app.services.providerSettings
      .set({ tenantId: tenant() }, { provider: 'KAYLE', given })
      .catch(error => error)
    expect(refused.issues.map(({ path }: { path: string[] }) => path.join('.'))).toEqual(['apiKee', 'marker'])
    expect(JSON.stringify(refused)).not.toMatch(/a-secret-value|perhaps/)
  })

  test('include a URL without TLS and incomplete credentials', async () => {
    const given = { baseUrl: 'http://someone@kayle.example' }
    const refused = await app.services.providerSettings
      .set({ tenantId: tenant() }, { provider: 'KAYLE', given })
      .catch(error => error)
    expect(refused.issues).toEqual([
      { path: ['baseUrl'], message: 'Expected https, or http on this machine.' },
      { path: ['baseUrl'], message: 'Expected a URL without credentials.' },
      { path: ['apiKey'], message: 'Expected complete credentials.' },
    ])
  })

  test('are not in the audit log', async () => {
    const tenantId = tenant()
    await connectTenant(app, tenantId, own)
    await app.services.providerSettings.remove({ tenantId }, 'KAYLE')
    const entries = await listAudit(app.db, tenantId, 10)
    expect(entries.map(({ action }) => action).sort()).toEqual([
      'provider.remove',
      ...PROVIDERS.map(() => 'provider.set'),
    ])
    expect(JSON.stringify(entries)).not.toContain(own.settings('KAYLE').apiKey)
  })

  test('are neither in the list nor in plain text in the database', async () => {
    const tenantId = tenant()
    const given = { ...own.settings('KAYLE'), apiKey: `kk_live_${randomUUID()}` }
    await app.services.providerSettings.set({ tenantId }, { provider: 'KAYLE', given })
    const shown = JSON.stringify(await app.services.providerSettings.list({ tenantId }))
    const rows = JSON.stringify(await app.db.sql.selectFrom('accounts').selectAll().execute())
    for (const text of [shown, rows]) expect(text).not.toContain(given.apiKey)
    expect(shown).toContain('••••')
  })
})
