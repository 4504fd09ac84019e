import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withDevelopmentKey, withKey, withToken } from '../harness/clients/callers.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'
import { saysWhatToDo } from '../harness/rules/messages.ts'

/** The messages of refusals, as a client gets them: where, what was expected, what to do, and nothing of the input. */

const CREATE = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id } } ... on MutationError { code message } }
}`
const CANCEL = `mutation ($id: ID!) {
  cancelSession(input: { sessionId: $id }) { ... on MutationError { code message } }
}`
const READ_NOW = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'
const ATTEMPTS_NOW =
  'query ($id: ID!) { session(by: { id: $id }) { attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } } }'
/** A value that no message may repeat. */
const PRIVATE = 'jane.roe@example.com'
const MAX_CHARACTERS = 500

let app: TestApp
let id: string
beforeAll(async () => {
  app = await startApp({ COST_PER_MINUTE: undefined, FAILED_AUTH_PER_MINUTE: '3' }, { jobs: false })
  id = (await createKayleSession(app, 'messages')).id
})
afterAll(() => app.close())

let keys = 0
const input = (more: object) => ({
  input: { idempotencyKey: `message-${++keys}`, externalId: 'messages', session: { kayle: {} }, ...more },
})

/** The only message of a response. */
async function messageOf(client: Client, query: string, variables?: Record<string, unknown>): Promise<string> {
  const { data, errors } = await client.execute(query, variables)
  const [result] = Object.values((data ?? {}) as Record<string, { message?: string } | null>)
  return errors[0]?.message ?? result?.message ?? JSON.stringify(data)
}

function check(message: string, ...parts: readonly string[]): void {
  for (const part of parts) expect(message).toContain(part)
  expect(message).toSatisfy(saysWhatToDo)
  expect(message.length).toBeLessThanOrEqual(MAX_CHARACTERS)
  expect(message).not.toContain(PRIVATE)
}

const OPERATIONS: Readonly<
  Record<string, readonly [query: string, variables: () => object, parts: readonly string[]]>
> = {
  'one invalid input': [CREATE, () => input({ externalId: `${PRIVATE}\n` }), ['input.externalId', 'Expected']],
  'several invalid inputs': [
    CREATE,
    () => input({ externalId: '', session: { kayle: { redirectUrl: PRIVATE } } }),
    ['input.externalId: Expected 1 to 255 characters.', '1 more', '`issues`'],
  ],
  'a key of the metadata': [CREATE, () => input({ metadata: { [`${PRIVATE}\n`]: 1 } }), ['input.metadata: Expected']],
  'an input of the wrong type': [
    CREATE,
    () => input({ externalId: [PRIVATE] }),
    ['$input.externalId', 'Expected', 'String'],
  ],
  'an argument': ['{ sessions(first: 101) { totalCount } }', () => ({}), ['first', 'Expected 0 to 100']],
  'an unknown value of an enum': [
    '{ sessions(filter: { statuses: [DONE] }) { totalCount } }',
    () => ({}),
    ['sessions.filter.statuses.0', 'DONE', 'CREATED', 'COMPLETED'],
  ],
  'a cursor of another list': ['{ sessions(after: "x") { totalCount } }', () => ({}), ['cursor', 'without it']],
  'a missing record': [
    CANCEL,
    () => ({ id: Buffer.from(`Session:${PRIVATE}`).toString('base64url') }),
    ['Session', 'id'],
  ],
  'a key that was used with another input': [
    CREATE,
    () => ({ input: { ...input({ externalId: 'another' }).input, idempotencyKey: 'kayle-messages' } }),
    ['idempotency key', 'new key'],
  ],
  'too many aliases': [`{ ${'a: __typename '.repeat(40)} }`, () => ({}), ['at most 30 aliases']],
  'too high a cost': [
    '{ sessions(first: 100) { nodes { attempts { nodes { id } } customer { id } applicant { id } } } }',
    () => ({}),
    ['1000', 'fewer rows or fields'],
  ],
}

describe.each(Object.entries(OPERATIONS))('the message for %s', (_what, [query, variables, parts]) => {
  test('names it and what to do', async () => {
    const sent = variables() as Record<string, unknown>
    if (parts.includes('new key')) {
      await app.execute(CREATE, { input: { ...input({}).input, idempotencyKey: 'kayle-messages' } })
    }
    check(await messageOf(withDevelopmentKey(app), query, sent), ...parts)
  })
})

describe('the message of a provider that', () => {
  const down = { kind: 'status', status: 500 } as const

  test.each([
    ['is failing', down, ['KAYLE', 'again']],
    ['limits the rate', { kind: 'status', status: 429, retryAfter: 7 }, ['KAYLE', 'after 7 seconds']],
    ['limits the rate for hours', { kind: 'status', status: 429, retryAfter: 7_200 }, ['hours', 'operator']],
    ['rejects the credentials', { kind: 'status', status: 401 }, ['KAYLE', 'credentials', 'operator']],
    ['rejects the input', { kind: 'status', status: 422 }, ['KAYLE', 'providerCode']],
    ['responds with HTML', { kind: 'html' }, ['KAYLE', 'drift list']],
    ['redirects', { kind: 'redirect', location: 'https://example.com/' }, ['redirect', 'drift list']],
  ] as const)('%s names it and what to do', async (_what, fault, parts) => {
    await app.sandbox('KAYLE').faults([{ fault }])
    const messages = [
      await messageOf(withDevelopmentKey(app), CREATE, input({})),
      await messageOf(withDevelopmentKey(app), READ_NOW, { id }),
      await messageOf(withDevelopmentKey(app), ATTEMPTS_NOW, { id }),
    ]
    await app.sandbox('KAYLE').clearFaults()
    expect(
      messages.some(message => parts.every(part => message.includes(part))),
      messages.join('\n'),
    ).toBe(true)
    // Stored records are served while a provider cannot be read.
    for (const message of messages.filter(text => !text.startsWith('{'))) check(message)
  })

  test('cannot do something names it and where to read what it can', async () => {
    const { data } = await app.execute(
      CREATE,
      input({ externalId: 'usr_1337', session: { rapidly: { customer: { customerExternalId: 'usr_1337' } } } }),
    )
    check(
      await messageOf(withDevelopmentKey(app), CANCEL, { id: data.createSession.session.id }),
      'RAPIDLY',
      'capabilities',
    )
  })
})

describe('the message for a caller', () => {
  test('without a valid key names the header', async () => {
    check(await messageOf(withToken(app, 'sg_none'), '{ __typename }'), '"Authorization: Bearer <API key>"')
  })

  test('with too many invalid keys says when to retry', async () => {
    let message = ''
    for (let times = 0; times < 10; times++) {
      const response = await fetch(app.url, { method: 'POST', headers: { authorization: `Bearer sg_${times}` } })
      message = ((await response.json()) as { errors: { message: string }[] }).errors[0]?.message ?? ''
    }
    expect(message).toMatch(/valid key.*retry after \d+ seconds/)
    check(message)
  })

  test('without a scope names where the scopes are', async () => {
    const reader = await withKey(app, { scopes: ['sessions:read'] })
    check(await messageOf(reader, '{ customers { totalCount } }'), '`paths`', '`scopes`')
    const token = await withClientToken(app, withDevelopmentKey(app), { externalId: 'messages' })
    check(await messageOf(token, '{ sessions { totalCount } }'), '`paths`', 'API key')
  })

  test('that spent its budget says when to retry, and how to need less', async () => {
    const key = await withKey(app, { costPerMinute: 100 })
    for (let times = 0; times < 10; times++) await key.execute('{ __typename }')
    const message = await messageOf(key, '{ __typename }')
    expect(message).toMatch(/Retry after \d+ seconds/)
    check(message, 'fewer rows or fields', 'operator')
    const small = await withKey(app, { costPerMinute: 200 })
    check(
      await messageOf(small, '{ sessions(first: 50) { nodes { attempts { nodes { id } } } } }'),
      '200',
      'fewer rows',
    )
  })
})
