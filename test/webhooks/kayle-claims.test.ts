import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { withKey } from '../harness/clients/callers.ts'
import {
  DEV,
  deliver,
  fromKayle,
  type KayleEvent,
  openEndpoint,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'
import type { FaultyBehaviour } from '../harness/providers/faulty-provider.ts'

/**
 * The claims that an end user shared arrive in one webhook only, and Kayle deletes its copy after the acknowledgement:
 * so they are stored and readable, whatever can be read of the session.
 */

let app: AppWithFaultyProvider
let policy: WebhookTarget
let at = Date.now()

beforeAll(async () => {
  app = await startAppWithFaultyProvider(
    { BREAKER_MINIMUM_CALLS: '100000', RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0', READ_DEADLINE_MS: '1000' },
    { now: () => new Date(at) },
  )
  policy = await openEndpoint(app, 'KAYLE')
})
afterAll(() => app.close())
beforeEach(() => {
  at = Math.max(at + 700_000, Date.now())
})
afterEach(() => app.at('KAYLE').behave())

const CLAIMS = { given_names: 'Annabella', age_over_18: true, document: { kind: 'passport' } }
const KEYS = ['age_over_18', 'given_names']
const SHARED = { claims: CLAIMS, selected_field_keys: KEYS }
const REPORTED = { claims: CLAIMS, selectedFieldKeys: KEYS }

const none = () => `vs_${randomUUID().replaceAll('-', '')}${randomUUID().replaceAll('-', '')}`

async function make(externalId: string | null = null): Promise<string> {
  const { data } = await app.execute(
    `mutation ($key: String!, $externalId: String) {
      createSession(input: { idempotencyKey: $key, externalId: $externalId, session: { kayle: {} } }) {
        ... on CreateSessionPayload { session { providerId } }
      }
    }`,
    { key: randomUUID(), externalId },
  )
  return data.createSession.session.providerId
}

async function say(event: Omit<KayleEvent, 'eventId'>): Promise<string> {
  expect(await deliver(app, policy, await fromKayle(policy, event, new Date(at)))).toBe(204)
  await app.services.webhookInbox.applyDue()
  const { state } = await app.db.sql
    .selectFrom('deliveries')
    .select('state')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow()
  return state
}

const succeeded = (sessionId: string, data: object = SHARED) =>
  ({ type: 'verification.session.succeeded', sessionId, data }) as const

const DETAILS = /* GraphQL */ `
  details {
    ... on KayleSessionDetails { claims selectedFieldKeys nfcTriesUsed livenessTriesUsed webhookEndpointId failureCode outcome reason }
  }
`

/** The stored session, without a call to Kayle. */
async function stored(providerId: string) {
  const row = await app.db.sql
    .selectFrom('sessions')
    .select('id')
    .where('provider_id', '=', providerId)
    .executeTakeFirst()
  if (!row) return undefined
  const { data, errors } = await app.execute(
    `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 100000000 }) { id status outcome providerStatus ${DETAILS} }
    }`,
    { id: encodeGlobalId('Session', row.id) },
  )
  expect(errors).toEqual([])
  return data.session
}

async function attemptsOf(providerId: string) {
  const { id } = await stored(providerId)
  const { data } = await app.execute(
    `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 100000000 }) {
        attempts(freshness: { maxAgeSeconds: 100000000 }) {
          nodes { providerId status details { ... on KayleAttemptDetails { claims selectedFieldKeys } } }
        }
      }
    }`,
    { id },
  )
  return data.session.attempts.nodes
}

const refuse = (status: number, code: string): FaultyBehaviour => {
  const text = JSON.stringify({ data: null, error: { code, message: '.', hint: '.', docs: '.' } })
  return () => ({ status, text })
}
const FAILURES: readonly (readonly [string, FaultyBehaviour])[] = [
  ['fails', refuse(500, 'INTERNAL_SERVER_ERROR')],
  ['is too busy', refuse(429, 'TOO_MANY')],
  ['refuses our key', refuse(401, 'UNAUTHORIZED')],
  ['refuses the request', refuse(400, 'BAD_REQUEST')],
  ['breaks the connection', () => 'RESET'],
  ['answers with HTML', () => ({ status: 200, headers: { 'content-type': 'text/html' }, text: '<p>' })],
]

describe('the claims that an end user shared', () => {
  test('are readable at the session if Kayle reports them with the session', async () => {
    const id = await make()
    expect(await say(succeeded(id))).toBe('APPLIED')
    expect((await stored(id)).details).toMatchObject(REPORTED)
  })

  test('are stored with a session that only Kayle knew', async () => {
    const made = await fetch(`${app.at('KAYLE').origin}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: 'Bearer kk_sandbox0000000000000000000000000' },
    })
    const { data } = (await made.json()) as { data: { id: string } }
    expect(await say(succeeded(data.id))).toBe('APPLIED')
    expect((await stored(data.id)).details).toMatchObject(REPORTED)
  })

  test('are stored with a session that Kayle does not return either', async () => {
    const id = none()
    expect(await say(succeeded(id))).toBe('APPLIED')
    expect(await stored(id)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      providerStatus: 'succeeded',
      details: REPORTED,
    })
  })

  test.each(FAILURES)('are readable while Kayle %s, and the delivery is retried', async (_how, conduct) => {
    const [known, unknown] = [await make(), none()]
    app.at('KAYLE').behave(conduct)
    for (const id of [known, unknown]) {
      expect(await say(succeeded(id))).toBe('STORED')
      expect((await stored(id)).details).toMatchObject(REPORTED)
      // An account with rejected credentials is left to other instances for a minute.
      at += 61_000
    }
    app.at('KAYLE').behave()
    at += 700_000
    await app.services.webhookInbox.applyDue()
    const open = await app.db.sql.selectFrom('deliveries').select('id').where('state', '<>', 'APPLIED').execute()
    expect(open).toEqual([])
    for (const id of [known, unknown]) expect((await stored(id)).details).toMatchObject(REPORTED)
  })

  test('stay when the session is read, listed and reported again', async () => {
    const id = await make()
    await say(succeeded(id))
    await app.execute(
      '{ session(by: { atProvider: { provider: KAYLE, providerId: "ID" } }, freshness: { maxAgeSeconds: 0 }) { id } }'.replace(
        'ID',
        id,
      ),
    )
    await app.services.imports.run(DEV, 'KAYLE', { callsPerMinute: 100_000, restart: true, report: () => {} })
    await say({ type: 'verification.session.expired', sessionId: id })
    expect((await stored(id)).details).toMatchObject(REPORTED)
  })

  test.each([
    ['an event with a new name', 'verification.session.shared', undefined, 'UNKNOWN'],
    ['an event of an attempt with a new name', 'verification.attempt.shared', 'va_1', 'UNKNOWN'],
    ['an attempt without an id', 'verification.attempt.succeeded', undefined, 'COMPLETED'],
  ])('are stored with the session if %s reports them', async (_what, type, attemptId, status) => {
    const [known, unknown] = [await make(), none()]
    for (const sessionId of [known, unknown])
      expect(await say({ type, sessionId, attemptId, data: SHARED })).toBe('APPLIED')
    expect(await stored(known)).toMatchObject({ status: 'EXPIRED', outcome: 'NOT_APPLICABLE', details: REPORTED })
    expect(await stored(unknown)).toMatchObject({ status, details: REPORTED })
  })

  test('stay with their attempt when a later delivery omits them', async () => {
    const [sessionId, attemptId] = [await make(), `va_${randomUUID()}`]
    const type = 'verification.attempt.succeeded'
    await say({ type, sessionId, attemptId, data: SHARED })
    await say({ type, sessionId, attemptId, data: {} })
    expect(await attemptsOf(sessionId)).toMatchObject([{ details: REPORTED }])
  })

  test.each(['the session and the attempt are unknown', 'the attempt is unknown', 'Kayle fails'])(
    'are stored with an attempt if %s',
    async what => {
      const id = what.includes('session') ? none() : await make()
      if (what === 'Kayle fails') app.at('KAYLE').behave(refuse(500, 'INTERNAL_SERVER_ERROR'))
      const attemptId = `va_${randomUUID()}`
      const state = await say({ type: 'verification.attempt.succeeded', sessionId: id, attemptId, data: SHARED })
      expect(state).toBe(what === 'Kayle fails' ? 'STORED' : 'APPLIED')
      expect(await attemptsOf(id)).toEqual([{ providerId: attemptId, status: 'SUCCEEDED', details: REPORTED }])
    },
  )

  test('are in attempts with the time of the delivery, though none could ever be read', async () => {
    const [sessionId, attemptId] = [await make(), `va_${randomUUID()}`]
    app.at('KAYLE').behave(refuse(500, 'INTERNAL_SERVER_ERROR'))
    const { id } = await stored(sessionId)
    const read = (onError: string) =>
      app.execute(
        `query ($id: ID!) {
          session(by: { id: $id }, freshness: { maxAgeSeconds: 100000000 }) {
            attempts(freshness: { onError: ${onError} }) {
              nodes { providerId updatedAt } sync { fetchedAt stale source lastError { code } }
            }
          }
        }`,
        { id },
      )
    const none = await read('SERVE_STALE')
    await say({ type: 'verification.attempt.succeeded', sessionId, attemptId, data: SHARED })
    const { nodes, sync } = (await read('SERVE_STALE')).data.session.attempts

    expect(none.data.session.attempts).toBeNull()
    expect(nodes).toMatchObject([{ providerId: attemptId }])
    const lastError = { code: 'PROVIDER_UNAVAILABLE' }
    expect(sync).toEqual({ fetchedAt: nodes[0].updatedAt, stale: true, source: 'WEBHOOK', lastError })
    expect((await read('FAIL')).errors).toMatchObject([{ extensions: lastError }])
  })

  test('require the scope for personal data, and are encrypted', async () => {
    const id = await make()
    await say(succeeded(id))
    const { id: ours } = await stored(id)
    const key = await withKey(app, { scopes: ['sessions:read'] })
    const { data, errors } = await key.execute(`query ($id: ID!) { session(by: { id: $id }) { ${DETAILS} } }`, {
      id: ours,
    })
    expect(data.session.details.claims).toBeNull()
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: ['pii:read'] } }])
    for (const table of ['sessions', 'deliveries', 'events', 'attempts'] as const)
      expect(JSON.stringify(await app.db.sql.selectFrom(table).selectAll().execute())).not.toContain('Annabella')
  })

  test('are erased with the person', async () => {
    const id = await make('usr_erased')
    await say(succeeded(id))
    await app.services.erasure.erase(DEV, 'usr_erased')
    expect(await stored(id)).toBeUndefined()
    // A repeated delivery does not bring an erased person back.
    expect(await deliver(app, policy, await fromKayle(policy, succeeded(id), new Date(at)))).toBe(204)
    await app.services.webhookInbox.applyDue()
    expect(await stored(id)).toBeUndefined()
  })
})

test('a cancelled session has how it was cancelled and after how many attempts', async () => {
  const id = await make()
  const data = {
    outcome: 'not_verified',
    reason: 'cancelled_after_failed_check',
    nfc_tries_used: 2,
    liveness_tries_used: 1,
  }
  expect(await say({ type: 'verification.session.cancelled', sessionId: id, data })).toBe('APPLIED')
  expect((await stored(id)).details).toMatchObject({
    outcome: 'not_verified',
    reason: 'cancelled_after_failed_check',
    nfcTriesUsed: 2,
    livenessTriesUsed: 1,
  })
})

test('the fields of Kayle since 1.6 are stored with the session', async () => {
  const id = await make()
  at += 1
  app.at('KAYLE').behave(() => given => {
    const body = JSON.parse(given.text)
    const more = {
      failure_code: 'liveness_failed',
      nfc_tries_used: 1,
      liveness_tries_used: 3,
      webhook_endpoint_id: 'we_1',
    }
    return { ...given, text: JSON.stringify({ ...body, data: { ...body.data, status: 'failed', ...more } }) }
  })
  const { data } = await app.execute(
    `{ session(by: { atProvider: { provider: KAYLE, providerId: "${id}" } }, freshness: { maxAgeSeconds: 0 }) { status outcome ${DETAILS} } }`,
  )
  expect(data.session).toMatchObject({
    status: 'COMPLETED',
    outcome: 'REJECTED',
    details: { failureCode: 'liveness_failed', nfcTriesUsed: 1, livenessTriesUsed: 3, webhookEndpointId: 'we_1' },
  })
})

test('a delivery without data of its own about an unknown session still changes nothing', async () => {
  const id = none()
  expect(await say({ type: 'verification.session.cancelled', sessionId: id })).toBe('APPLIED')
  expect(await stored(id)).toBeUndefined()
})
