import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'

/** The operations of examples/operations, as five types of clients send them. */

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app?.close())

function operation(name: string): string {
  return readFileSync(new URL(`../../examples/operations/${name}.graphql`, import.meta.url), 'utf8')
}

async function run(client: Pick<TestApp, 'execute'>, name: string, variables: object) {
  const { data, errors } = await client.execute(operation(name), { ...variables })
  expect(errors, name).toEqual([])
  return data
}

function startSession(externalId: string, session: object, idempotencyKey = `start-${externalId}`) {
  const input = { idempotencyKey, externalId, session }
  return run(app, 'sign-up-start', { input })
}

const forUser = (externalId: string) => withClientToken(app, withDevelopmentKey(app), { externalId })

/** The provider cancels the session, and this server reads it. */
async function cancelAtProvider({ id }: { id: string }): Promise<void> {
  const session = 'query ($id: ID!) { session(by: { id: $id }) { providerId } }'
  const { data } = await app.execute(session, { id })
  await app.sandbox('KAYLE').advance({ id: data.session.providerId, to: 'cancelled' })
  await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', { id })
}

test('a mobile app shows a new user, and then the next action of the user', async () => {
  const phone = await forUser('usr_phone')
  expect((await run(phone, 'mobile-screen', { externalId: 'usr_phone' })).person).toMatchObject({
    nextAction: { kind: 'START', url: null, needsNewSession: true },
    sessions: { nodes: [] },
  })
  const { createSession } = await startSession('usr_phone', { kayle: {} })
  expect(createSession).toMatchObject({
    __typename: 'CreateSessionPayload',
    replayed: false,
    session: { status: 'CREATED', access: { hostedUrl: expect.any(String) } },
  })
  const { person } = await run(phone, 'mobile-screen', { externalId: 'usr_phone' })
  const action = { kind: 'VERIFY', url: createSession.session.access.hostedUrl, needsNewSession: false }
  expect(person).toMatchObject({ nextAction: action, sessions: { nodes: [{ provider: 'KAYLE', nextAction: action }] } })
})

test('a sign-up that cannot succeed explains why in the error', async () => {
  const { createSession } = await startSession('usr_bad', { verilock: { profileId: 'no such profile' } })
  expect(createSession).toMatchObject({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    retryable: false,
    retryAfterSeconds: null,
    issues: [{ path: ['input', 'session', 'verilock', 'profileId'], message: expect.any(String) }],
  })
})

test('a mobile app follows its user in one stream, with the next action after each event', async () => {
  const { createSession } = await startSession('usr_live', { kayle: {} })
  const phone = await forUser('usr_live')
  const { person } = await run(phone, 'mobile-screen', { externalId: 'usr_live' })
  const variables = { externalId: 'usr_live', after: person.liveCursor }
  const subscriber = await follow(app.url, { query: operation('live-follow'), variables, token: phone.token })
  await cancelAtProvider(createSession.session)
  expect((await subscriber.first(1))[0]?.data).toMatchObject({
    data: {
      personUpdated: {
        event: { __typename: 'SessionStatusChanged', previousSessionStatus: 'CREATED', sessionStatus: 'CANCELED' },
        person: { id: person.id, nextAction: { kind: 'RETRY', url: null, needsNewSession: true } },
      },
    },
  })
  await subscriber.unsubscribe()
})

test('a back office lists sessions, and removes a row when it stops matching', async () => {
  const { createSession } = await startSession('usr_list', { kayle: {} })
  const filter = { externalId: 'usr_list', providers: ['KAYLE'], statuses: ['CREATED', 'IN_PROGRESS'] }
  const { sessions } = await run(app, 'list-page', { filter, first: 20, withCount: true })
  const { id } = createSession.session
  expect(sessions).toMatchObject({ totalCount: 1, nodes: [{ id, person: { externalId: 'usr_list' } }] })
  const variables = { filter, after: sessions.liveCursor }
  const subscriber = await follow(app.url, { query: operation('list-page-live'), variables })
  await cancelAtProvider(createSession.session)
  expect((await subscriber.first(1))[0]?.data).toMatchObject({
    data: { sessionsUpdated: { matchesFilter: false, session: { id, status: 'CANCELED' } } },
  })
  await subscriber.unsubscribe()
})

test('support finds a person by address, a session that cannot be read, and a key from a log', async () => {
  const rapidly = { customer: { customerExternalId: 'usr_1337' } }
  const { createSession } = await startSession('usr_1337', { rapidly }, 'support-key')
  const { data } = await app.execute(
    'query ($id: ID!) { session(by: { id: $id }) { providerId customer { email } } }',
    {
      id: createSession.session.id,
    },
  )
  const found = await run(app, 'support-search', {
    email: data.session.customer.email,
    session: { atProvider: { provider: 'RAPIDLY', providerId: data.session.providerId } },
    key: 'support-key',
  })
  const { id } = createSession.session
  expect(found).toMatchObject({
    customers: { nodes: [{ provider: 'RAPIDLY', person: { externalId: 'usr_1337' } }] },
    session: { id, sync: { stale: false, lastError: null }, person: { nextAction: { kind: 'OPEN_PORTAL' } } },
    operation: { kind: 'CREATE_SESSION', state: 'SUCCEEDED', settlesItself: true, sendCount: 1, session: { id } },
  })
})
