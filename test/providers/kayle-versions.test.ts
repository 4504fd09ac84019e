import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ONBOARDING_KEY, sandbox, TERMS_KEY } from '../../src/providers/kayle/sandbox.ts'
import { testConnection } from '../../src/services/accounts/connection-check.ts'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Kayle returns attempts up to version 1.5 and none from 1.6 on. The version is detected once and stored. */

let database: TestDatabase
let apps: TestApp[] = []
let at = Date.now()

beforeEach(async () => {
  database = await takeDatabase()
  at = Date.now()
})
afterEach(async () => {
  for (const app of apps) await app.close()
  apps = []
  await database.release()
})

async function start(version: '1.5' | '1.6', env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const settings = { DATABASE_URL: database.url, KAYLE_SANDBOX_VERSION: version, ...env }
  const app = await startApp(settings, { now: () => new Date(at), jobs: false })
  apps.push(app)
  return app
}

/** Another server on the same database with the sandbox of the first. */
function startBeside(first: TestApp): Promise<TestApp> {
  return start('1.5', {
    KAYLE_BASE_URL: first.sandbox('KAYLE').origin,
    KAYLE_API_KEY: sandbox.credentials.apiKey,
  })
}

let keys = 0

async function create(app: TestApp) {
  const { data } = await app.execute(
    `mutation ($key: String!) {
      createSession(input: { idempotencyKey: $key, session: { kayle: {} } }) {
        ... on CreateSessionPayload { session { id providerId details { ... on KayleSessionDetails { shareFields { key } nfcTriesUsed livenessTriesUsed } } } }
        ... on MutationError { code }
      }
    }`,
    { key: `generations_${keys++}` },
  )
  return data.createSession.session
}

const ATTEMPTS = `query ($id: ID!) {
  session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) {
    status outcome providerStatus
    attempts(freshness: { maxAgeSeconds: 0, onError: FAIL }) { nodes { status } }
    details { ... on KayleSessionDetails { failureCode nfcTriesUsed livenessTriesUsed } }
  }
}`

async function read(app: TestApp, id: string) {
  at += 1_000
  const { data, errors } = await app.execute(ATTEMPTS, { id })
  expect(errors).toEqual([])
  return data.session
}

async function capabilities(app: TestApp): Promise<string[]> {
  const { data } = await app.execute('{ providers { provider capabilities } }')
  return data.providers.find(({ provider }: { provider: string }) => provider === 'KAYLE').capabilities
}

const lists = async (app: TestApp) =>
  (await app.sandbox('KAYLE').requests()).filter(({ path }) => path.includes('attempts/attempts')).length

describe('an account of Kayle 1.6', () => {
  test('has no attempts and no error, and they are requested once', async () => {
    const app = await start('1.6')
    const sessions = [await create(app), await create(app), await create(app)]
    expect(await capabilities(app)).toContain('ATTEMPTS')

    for (const { id } of [...sessions, ...sessions]) expect((await read(app, id)).attempts).toBeNull()
    expect(await lists(app)).toBe(1)
    expect(await capabilities(app)).not.toContain('ATTEMPTS')
  })

  test('requests attempts once, also if many sessions are selected', async () => {
    const app = await start('1.6')
    for (let made = 0; made < 8; made++) await create(app)
    at += 60_000
    const { data, errors } = await app.execute('{ sessions(first: 20) { nodes { attempts { nodes { id } } } } }')
    expect(errors).toEqual([])
    expect(data.sessions.nodes).toEqual(Array.from({ length: 8 }, () => ({ attempts: null })))
    expect(await lists(app)).toBe(1)
  })

  test('counts the missing attempts as drift, once', async () => {
    const app = await start('1.6')
    const { id } = await create(app)
    for (let times = 0; times < 3; times++) await read(app, id)
    const account = await app.services.accounts.get('dev', 'KAYLE')
    expect(account.upstream.drift().filter(({ path }) => path === 'data.attempts')).toMatchObject([
      { operation: 'getSession', grade: 'DEGRADED', count: 1 },
    ])
  })

  test('is detected once for all instances and across restarts', async () => {
    const first = await start('1.6')
    const second = await startBeside(first)
    const third = await startBeside(first)
    const { id } = await create(second)
    expect(await read(second, id)).toMatchObject({ attempts: null })
    expect(await lists(first)).toBe(1)

    await vi.waitFor(async () => expect(await capabilities(third)).not.toContain('ATTEMPTS'), { timeout: 5_000 })
    expect(await read(third, id)).toMatchObject({ attempts: null })
    const fourth = await startBeside(first)
    expect(await read(fourth, id)).toMatchObject({ attempts: null })
    expect(await lists(first)).toBe(1)
  })

  test('requests attempts again after a day, and has them once a response shows some', async () => {
    const app = await start('1.6')
    const { id } = await create(app)
    await read(app, id)
    at += 25 * 3_600_000
    await read(app, id)
    expect(await lists(app)).toBe(2)

    const account = await app.services.accounts.get('dev', 'KAYLE')
    expect(account.client.capabilities).not.toContain('ATTEMPTS')
    await account.abilities.found('ATTEMPTS')
    expect(account.client.capabilities).toContain('ATTEMPTS')
  })

  test('is detected by a connection check, as of `doctor`', async () => {
    const app = await start('1.6')
    const account = await app.services.accounts.get('dev', 'KAYLE')
    expect(await testConnection(account)).toMatchObject({ ok: true })
    expect(account.abilities.missing()).toMatchObject([{ ability: 'ATTEMPTS' }])
    expect(await capabilities(app)).not.toContain('ATTEMPTS')
  })

  test('reports the outcome by the status, with the failed rules', async () => {
    const app = await start('1.6')
    const [good, bad, chip] = [await create(app), await create(app), await create(app)]
    const control = app.sandbox('KAYLE')
    expect(good.details).toMatchObject({ nfcTriesUsed: 0, livenessTriesUsed: 0 })
    expect(good.details.shareFields.map(({ key }: { key: string }) => key)).not.toContain('document_photo')
    await control.advance({ id: good.providerId, to: 'attempt_succeeded' })
    for (let times = 0; times < 3; times++) {
      await control.advance({ id: bad.providerId, to: 'attempt_failed', failureCode: 'liveness_failed' })
      expect((await read(app, bad.id)).details.livenessTriesUsed).toBe(times + 1)
    }
    const code = 'document_authenticity_failed'
    await control.advance({ id: chip.providerId, to: 'attempt_failed', failureCode: code })
    expect(await read(app, good.id)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      providerStatus: 'succeeded',
    })
    expect(await read(app, bad.id)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'REJECTED',
      providerStatus: 'failed',
      details: { failureCode: 'liveness_failed', livenessTriesUsed: 3, nfcTriesUsed: 0 },
    })
    expect(await read(app, chip.id)).toMatchObject({ status: 'IN_PROGRESS', details: { nfcTriesUsed: 1 } })
  })
})

test('an account of Kayle 1.5 has attempts, in the response that is read anyway', async () => {
  const app = await start('1.5')
  const { id, providerId } = await create(app)
  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  expect(await read(app, id)).toMatchObject({ outcome: 'APPROVED', attempts: { nodes: [{ status: 'SUCCEEDED' }] } })
  expect(await lists(app)).toBe(0)
  expect(await testConnection(await app.services.accounts.get('dev', 'KAYLE'))).toMatchObject({ ok: true })
  expect(await capabilities(app)).toContain('ATTEMPTS')
})

test('an account that is upgraded and downgraded has attempts again as soon as a response shows some', async () => {
  const app = await start('1.5')
  const { id, providerId } = await create(app)
  const account = await app.services.accounts.get('dev', 'KAYLE')
  await account.abilities.lacks('ATTEMPTS')
  expect(await capabilities(app)).not.toContain('ATTEMPTS')
  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })

  at += 60_000
  await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', { id })
  expect(await capabilities(app)).toContain('ATTEMPTS')
  expect(await read(app, id)).toMatchObject({ attempts: { nodes: [{ status: 'SUCCEEDED' }] } })
})

describe('the sandbox of Kayle 1.6', () => {
  async function post(app: TestApp, body: object, apiKey = sandbox.credentials.apiKey) {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const url = `${app.sandbox('KAYLE').origin}/v1/sessions?include_attempts=true`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, body: JSON.parse(await answer.text()) }
  }

  test('returns sessions with the fields of 1.6 and refuses with its codes', async () => {
    const app = await start('1.6')
    const made = await post(app, {})
    expect(made).toMatchObject({
      status: 200,
      body: { data: { failure_code: null, nfc_tries_used: 0, liveness_tries_used: 0, webhook_endpoint_id: null } },
    })
    expect(Object.keys(made.body.data.share_fields)).toHaveLength(12)
    expect(made.body.data).not.toHaveProperty('attempts')
    expect((await post(app, { webhook_endpoint_id: ['whe_sandbox'] })).body.data.webhook_endpoint_id).toBe(
      'whe_sandbox',
    )

    const photo = { share_fields: { document_photo: { required: true, reason: 'Photo' } } }
    for (const [code, body, key] of [
      ['UNKNOWN_CLAIM_KEY', photo, undefined],
      ['WEBHOOK_ENDPOINT_UNAVAILABLE', { webhook_endpoint_id: 'whe_nobody' }, undefined],
      ['ONBOARDING_INCOMPLETE', {}, ONBOARDING_KEY],
      ['RP_TERMS_ACCEPTANCE_REQUIRED', {}, TERMS_KEY],
    ] as const)
      expect(await post(app, body, key)).toMatchObject({ status: 400, body: { error: { code } } })

    const path = `${app.sandbox('KAYLE').origin}/v1/sessions/attempts/attempts?status=in_progress`
    const response = await fetch(path, { headers: { authorization: `Bearer ${sandbox.credentials.apiKey}` } })
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([
      404,
      '404 Not Found',
      'text/plain; charset=UTF-8',
    ])
  })

  test('sends webhooks with the shared claims, and how the session was cancelled', async () => {
    const app = await start('1.6', { SANDBOX_WEBHOOKS: 'on' })
    const [good, bad] = [await create(app), await create(app)]
    const control = app.sandbox('KAYLE')
    await control.advance({ id: good.providerId, to: 'attempt_succeeded' })
    await control.advance({ id: bad.providerId, to: 'attempt_failed' })
    await control.advance({ id: bad.providerId, to: 'cancelled' })
    const details = `query ($id: ID!) { session(by: { id: $id }) { status outcome details {
      ... on KayleSessionDetails { claims selectedFieldKeys outcome reason livenessTriesUsed } } } }`
    await vi.waitFor(
      async () => {
        await app.services.webhookInbox.applyDue()
        const reported = await app.execute(details, { id: good.id })
        expect(reported.data.session).toMatchObject({
          outcome: 'APPROVED',
          details: { claims: { family_name: 'Sample' }, selectedFieldKeys: expect.arrayContaining(['family_name']) },
        })
        expect((await app.execute(details, { id: bad.id })).data.session).toMatchObject({
          status: 'CANCELED',
          details: { outcome: 'not_verified', reason: 'cancelled_after_failed_check', livenessTriesUsed: 1 },
        })
      },
      { timeout: 15_000, interval: 200 },
    )
  })
})
