import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/**
 * A value of the wrong type is reported with its path, the expected type and the received one; all issues are reported
 * together.
 */

let app: TestApp
let reserved: TestApp
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  reserved = await startApp({ SUGGESTIONS: 'off' }, { jobs: false })
})
afterAll(async () => {
  await Promise.all([app.close(), reserved.close()])
})

const STATUSES = 'CANCELED, COMPLETED, CREATED, EXPIRED, IN_PROGRESS, UNKNOWN'
const PROVIDERS = 'KAYLE, PERSONR, RAPIDLY, VERILOCK, YORLET'
const ORDERS = 'CREATED_AT_ASC, CREATED_AT_DESC, UPDATED_AT_ASC, UPDATED_AT_DESC'
const SESSIONS = (args: string) => `{ sessions(${args}) { totalCount } }`

const LITERALS: Readonly<Record<string, readonly [query: string, message: string]>> = {
  'in a list': [
    SESSIONS('filter: { statuses: [DONE] }'),
    `sessions.filter.statuses.0: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'behind good ones in a list': [
    SESSIONS('filter: { statuses: [CREATED, EXPIRED, DONE] }'),
    `sessions.filter.statuses.2: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'in the place of a list': [
    SESSIONS('filter: { statuses: DONE }'),
    `sessions.filter.statuses: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'as an argument': [
    SESSIONS('orderBy: NEWEST'),
    `sessions.orderBy: Value "NEWEST" is not one of SessionOrder: ${ORDERS}.`,
  ],
  'in lower case': [
    SESSIONS('filter: { statuses: created }'),
    `sessions.filter.statuses: Value "created" is not one of SessionStatus: ${STATUSES}. Did you mean the enum value "CREATED"?`,
  ],
  'in quotes': [
    SESSIONS('filter: { statuses: ["CREATED"] }'),
    `sessions.filter.statuses.0: Expected one of SessionStatus without quotes: ${STATUSES}.`,
  ],
  'as a number': [
    SESSIONS('filter: { statuses: [1] }'),
    `sessions.filter.statuses.0: Expected one of SessionStatus, found a number: ${STATUSES}.`,
  ],
  'as an object': [
    SESSIONS('orderBy: { a: 1 }'),
    `sessions.orderBy: Expected one of SessionOrder, found an object: ${ORDERS}.`,
  ],
  'as a list': [
    SESSIONS('orderBy: [CREATED_AT_ASC]'),
    `sessions.orderBy: Expected one of SessionOrder, found a list: ${ORDERS}.`,
  ],
  'in an input in an input': [
    '{ session(by: { atProvider: { provider: KYLE, providerId: "a" } }) { id } }',
    `session.by.atProvider.provider: Value "KYLE" is not one of Provider: ${PROVIDERS}. Did you mean the enum value "KAYLE"?`,
  ],
  'below another field': [
    '{ providers { provider } person(externalId: "a") { sessions(filter: { providers: [KYLE] }) { totalCount } } }',
    `sessions.filter.providers.0: Value "KYLE" is not one of Provider: ${PROVIDERS}. Did you mean the enum value "KAYLE"?`,
  ],
  'in a fragment': [
    `{ ...F } fragment F on Query { sessions(filter: { providers: [KYLE] }) { totalCount } }`,
    `sessions.filter.providers.0: Value "KYLE" is not one of Provider: ${PROVIDERS}. Did you mean the enum value "KAYLE"?`,
  ],
  'as the default of a variable': [
    'query ($a: [SessionStatus!] = [CREATED, DONE]) { sessions(filter: { statuses: $a }) { totalCount } }',
    `$a.1: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'for a number': [SESSIONS('first: "ten"'), 'sessions.first: Expected a value of type "Int", found a string.'],
  'for an Int': [
    SESSIONS('first: 1.5'),
    'sessions.first: Expected a value of type "Int", found a number that is not whole or has more than 32 bits.',
  ],
  'for a text': [SESSIONS('after: 1'), 'sessions.after: Expected a value of type "String", found a number.'],
  'for a moment': [
    SESSIONS('filter: { createdAfter: "yesterday" }'),
    'sessions.filter.createdAfter: DateTime expects an RFC 3339 string of the years 1900 to 9999.',
  ],
  'for a condition': [
    '{ __typename @include(if: YES) }',
    '@include.if: Expected a value of type "Boolean", found a name.',
  ],
}

const FILTER =
  'query ($filter: SessionFilter, $order: SessionOrder, $first: Int) { sessions(filter: $filter, orderBy: $order, first: $first) { totalCount } }'
const LOOKUP = 'query ($by: SessionLookup!) { session(by: $by) { id } }'

const VARIABLES: Readonly<
  Record<string, readonly [query: string, variables: Record<string, unknown>, ...messages: string[]]>
> = {
  'in a list': [
    FILTER,
    { filter: { statuses: ['DONE'] } },
    `$filter.statuses.0: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'in the place of a list': [
    FILTER,
    { filter: { statuses: 'DONE' } },
    `$filter.statuses: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
  ],
  'as an argument': [FILTER, { order: 'NEWEST' }, `$order: Value "NEWEST" is not one of SessionOrder: ${ORDERS}.`],
  'in lower case': [
    FILTER,
    { filter: { statuses: ['created'] } },
    `$filter.statuses.0: Value "created" is not one of SessionStatus: ${STATUSES}. Did you mean the enum value "CREATED"?`,
  ],
  'as a string that may be personal data': [
    FILTER,
    { filter: { statuses: ['ann.smith@example.com'] } },
    `$filter.statuses.0: Expected one of SessionStatus, found a string: ${STATUSES}.`,
  ],
  'as a number': [FILTER, { order: 1 }, `$order: Expected one of SessionOrder, found a number: ${ORDERS}.`],
  'as a list': [FILTER, { order: [] }, `$order: Expected one of SessionOrder, found a list: ${ORDERS}.`],
  'in an input in an input': [
    LOOKUP,
    { by: { atProvider: { provider: 'KYLE', providerId: 'a' } } },
    `$by.atProvider.provider: Value "KYLE" is not one of Provider: ${PROVIDERS}. Did you mean the enum value "KAYLE"?`,
  ],
  'in many places at once': [
    FILTER,
    {
      filter: { statuses: ['CREATED', 'DONE'], providers: ['KYLE'], createdAfter: 'yesterday' },
      order: 'NEWEST',
      first: 1.5,
    },
    '$filter.createdAfter: DateTime expects an RFC 3339 string of the years 1900 to 9999.',
    `$filter.providers.0: Value "KYLE" is not one of Provider: ${PROVIDERS}. Did you mean the enum value "KAYLE"?`,
    `$filter.statuses.1: Value "DONE" is not one of SessionStatus: ${STATUSES}.`,
    '$first: Expected a value of type "Int", found a number that is not whole or has more than 32 bits.',
    `$order: Value "NEWEST" is not one of SessionOrder: ${ORDERS}.`,
  ],
  'as null': [
    FILTER,
    { filter: { statuses: [null] } },
    '$filter.statuses.0: Expected non-nullable type "SessionStatus!" not to be null.',
  ],
  'as a boolean for a number': [FILTER, { first: true }, '$first: Expected a value of type "Int", found a boolean.'],
}

const toMessages = (answer: { errors: readonly { message: string }[] }) =>
  answer.errors.map(({ message }) => message).sort()

async function executeByFetch({ app }: TestApp, query: string, variables: object) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const answer = await app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  })
  return (await answer.json()) as { errors: { message: string; extensions: Record<string, unknown> }[] }
}

describe('an invalid value in a document is reported (%s)', () => {
  test.each(Object.entries(LITERALS))('%s', async (_where, [query, message]) => {
    // The second validation rule is not the first to reach it.
    for (let times = 0; times < 3; times++) {
      const answer = await app.execute(query)
      expect(toMessages(answer)).toEqual([message])
      expect(answer.errors[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
      expect(toMessages(await executeByFetch(app, query, {}))).toEqual([message])
    }
  })
})

describe('an invalid value in the variables is reported', () => {
  test.each(Object.entries(VARIABLES))('%s', async (_where, [query, variables, ...messages]) => {
    for (let times = 0; times < 3; times++) {
      const answer = await app.execute(query, variables)
      expect(toMessages(answer)).toEqual(messages)
      expect(answer.errors.every(({ extensions }) => extensions.code === 'BAD_REQUEST')).toBe(true)
      expect(toMessages(await executeByFetch(app, query, variables))).toEqual(messages)
    }
  })

  test('in a mutation, before any of it is executed', async () => {
    const query = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }'
    const input = {
      idempotencyKey: 1.5,
      session: { kayle: { shareFields: [{ key: 'a', reason: 'b', required: 'yes' }] } },
    }
    expect(toMessages(await app.execute(query, { input }))).toEqual([
      '$input.idempotencyKey: Expected a value of type "String", found a number.',
      '$input.session.kayle.shareFields.0.required: Expected a value of type "Boolean", found a string.',
    ])
  })

  test('in incremental responses and subscriptions', async () => {
    const deferred = 'query ($order: SessionOrder) { sessions(orderBy: $order) { ... @defer { totalCount } } }'
    const followed = 'subscription ($after: String) { sessionsUpdated(after: $after) { cursor } }'
    for (const [query, variables, message] of [
      [deferred, { order: 'NEWEST' }, `$order: Value "NEWEST" is not one of SessionOrder: ${ORDERS}.`],
      [followed, { after: 1 }, '$after: Expected a value of type "String", found a number.'],
    ] as const) {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${API_KEY}`,
        accept: 'text/event-stream',
      }
      const answer = await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
      expect(await answer.text()).toContain(JSON.stringify(message))
    }
  })
})

test('with suggestions off, the error has the received name and no existing one', async () => {
  const shown = [
    ...Object.values(LITERALS).map(([query, message]) => [query, {}, [message]] as const),
    ...Object.values(VARIABLES).map(([query, variables, ...messages]) => [query, variables, messages] as const),
  ]
  const withoutSuggestions = (message: string) =>
    message.replace(/(?<=is not one of \w+|, found [a-z ]+|without quotes): [A-Z_, ]+\.(?: Did you mean .*)?$/, '.')
  for (const [query, variables, messages] of shown) {
    const answer = await reserved.execute(query, variables)
    expect(toMessages(answer)).toEqual(messages.map(withoutSuggestions))
    expect(JSON.stringify(answer.errors)).not.toMatch(/CREATED_AT_ASC|IN_PROGRESS|VERILOCK/)
    expect(toMessages(await executeByFetch(reserved, query, variables))).toEqual(messages.map(withoutSuggestions))
  }
  for (const query of [
    '{ session { id } }',
    '{ sessionz { totalCount } }',
    SESSIONS('filtr: {}'),
    '{ sessions(filter: { statuz: [] }) { totalCount } }',
  ]) {
    expect(JSON.stringify((await reserved.execute(query)).errors)).not.toContain('Did you mean')
  }
})
