import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withKey } from '../harness/clients/callers.ts'
import { createPlainGraphql } from '../harness/documents/plain-graphql.ts'

/** Repeated documents are compiled: the response must be that of the first time. */

let app: TestApp
let all: Client
let few: Client
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  all = await withKey(app)
  few = await withKey(app, { scopes: ['sessions:read'] })
  for (const externalId of ['user-1', 'user-2']) {
    await app.execute(
      `mutation { createSession(input: { idempotencyKey: "${externalId}", session: { kayle: { redirectUrl: "https://app.example.com/done" } }, metadata: { plan: "gold" }, externalId: "${externalId}" }) { __typename } }`,
    )
  }
})
afterAll(() => app.close())

const PERSON = '__typename ... on Person { externalId }'
const CASES: Readonly<Record<string, readonly [query: string, ...variables: Record<string, unknown>[]]>> = {
  'fields that one caller may read and another may not': [
    '{ sessions { nodes { id access { hostedUrl } applicant { id } } } applicants { totalCount } }',
  ],
  'names that objects have by themselves': [
    '{ __proto__: __typename constructor: __typename toJSON: __typename sessions { __proto__: totalCount } }',
  ],
  'variables inside the literal of a scalar': [
    `query ($x: String!) { _entities(representations: [{ __typename: "Person", externalId: $x }]) { ${PERSON} } }`,
    { x: 'user-1' },
    { x: 'user-2' },
  ],
  'variables inside a list in the literal of a scalar': [
    'query ($x: JSON!) { _entities(representations: [{ __typename: "Person", externalId: [$x] }, $x]) { __typename } }',
    { x: 'user-1' },
  ],
  'default values, and null in their place': [
    'query ($n: Int = 1, $yes: Boolean = true) { sessions(first: $n) { nodes { externalId @include(if: $yes) } } }',
    {},
    { n: 2 },
    { n: null },
    { yes: false },
    { yes: null },
    { n: -1 },
  ],
  'fields that @include selects for one caller and not for another': [
    'query ($is: Boolean!) { sessions { totalCount @skip(if: $is) nodes @include(if: $is) { externalId } } }',
    { is: true },
    { is: false },
  ],
  'a fragment under two conditions': [
    `query ($a: Boolean!, $b: Boolean!) { sessions { nodes { ...x @include(if: $a) ...x @include(if: $b) id } } }
     fragment x on Session { status }`,
    { a: true, b: true },
    { a: false, b: true },
    { a: true, b: false },
    { a: false, b: false },
  ],
  'one key in three places, each under a condition of its own': [
    `query ($a: Boolean!, $b: Boolean!, $c: Boolean!) { sessions {
       nodes @include(if: $a) { id }
       ... @include(if: $b) { nodes { id status @skip(if: $a) } }
       ...page @include(if: $c)
     } } fragment page on SessionConnection { nodes { status @include(if: $b) outcome } }`,
    ...[0, 1, 2, 3, 4, 5, 6, 7].map(bits => ({ a: (bits & 1) > 0, b: (bits & 2) > 0, c: (bits & 4) > 0 })),
  ],
}

describe('a repeated document is answered like the first time:', () => {
  test.each(Object.entries(CASES))('%s', async (_name, [query, ...variables]) => {
    const rounds = []
    for (let round = 0; round < 4; round++) rounds.push(await answers(query, variables))
    for (const round of rounds) expect(round).toEqual(rounds[0])
    expect(JSON.stringify(rounds)).not.toContain('INTERNAL_ERROR')
  })
})

const HOSTED = 'access { hostedUrl } details { __typename } metadata redirectUrl'
const ENCRYPTED: Readonly<Record<string, string>> = {
  'selected itself': `query ($is: Boolean!) { sessions { nodes { id ${HOSTED.replaceAll(/(access|details|metadata|redirectUrl)/g, '$1 @include(if: $is)')} } } }`,
  'in an inline fragment': `query ($is: Boolean!) { sessions { nodes { id ... @include(if: $is) { ${HOSTED} } } } }`,
  'in a fragment': `query ($is: Boolean!) { sessions { nodes { id ...x @include(if: $is) } } } fragment x on Session { ${HOSTED} }`,
  'in a fragment of a fragment on an interface':
    `query ($is: Boolean!) { sessions { edges { node { id ...n } } nodes { id ...n } } }
     fragment n on Node { ...x @skip(if: $not) ...x @include(if: $is) } fragment x on Session { ${HOSTED} }`.replace(
      '$is: Boolean!',
      '$is: Boolean!, $not: Boolean = true',
    ),
  'under other names': `query ($is: Boolean!) { sessions { nodes { id ... @include(if: $is) {
     access: status metadata: access { hostedUrl } details: metadata redirectUrl: details { __typename } status: redirectUrl } } } }`,
}

test.each(Object.entries(ENCRYPTED))('an encrypted field is decrypted if it is selected (%s)', async (_how, query) => {
  const plain = await createPlainGraphql(app, () => new Date())
  for (const is of [false, true, false, true, true]) {
    const [wanted] = await plain.execute(query, [{ is }])
    const { data, errors } = await app.execute(query, { is })
    expect(errors).toEqual([])
    expect(JSON.stringify(data)).toBe(wanted?.data)
    expect(JSON.stringify(data).includes('https://')).toBe(is)
  }
})

test('the live cursor is returned under any alias, and in any fragment', async () => {
  const queries = [
    'query ($is: Boolean!) { sessions { liveCursor @include(if: $is) nodes { at: liveCursor @include(if: $is) } } }',
    'query ($is: Boolean!) { sessions { ...x @include(if: $is) __typename } } fragment x on SessionConnection { here: liveCursor }',
  ]
  for (const query of queries) {
    for (const is of [false, true, true]) {
      const { data } = await app.execute(query, { is })
      const cursor = data.sessions.here ?? data.sessions.liveCursor
      expect(typeof cursor).toBe(is ? 'string' : 'undefined')
      expect(cursor).not.toBe('')
    }
  }
})

test('metadata keeps the values of its variables, however often the document is repeated', async () => {
  const query = `mutation ($key: String!, $plan: JSON) {
    createSession(input: { idempotencyKey: $key, session: { kayle: {} }, metadata: { plan: $plan } }) {
      ... on CreateSessionPayload { session { metadata } }
    }
  }`
  for (const plan of ['one', 'two', 'three', 'four']) {
    const { data } = await all.execute(query, { key: `metadata-${plan}`, plan })
    expect(data.createSession.session.metadata).toEqual({ plan })
  }
})

test('fragments that double at each level are not expanded', async () => {
  const steps = Array.from({ length: 60 }, (_, at) => `fragment f${at} on ProviderInfo { ...f${at + 1} ...f${at + 1} }`)
  const query = `{ providers { ...f0 } } ${steps.join(' ')} fragment f60 on ProviderInfo { provider }`
  for (let times = 0; times < 5; times++) {
    const { data } = await few.execute(query)
    expect(data.providers).toContainEqual({ provider: 'KAYLE' })
  }
})

test('entities that are identified by anything but text are null', async () => {
  const query = 'query ($given: [_Any!]!) { _entities(representations: $given) { __typename } }'
  const odd = { toString: 1, valueOf: 1 }
  const given = [
    { __typename: odd },
    { __typename: 'Person', externalId: odd },
    { __typename: ['Person'] },
    'Person',
    1,
  ]
  const { data, errors } = await all.execute(query, { given })
  expect(errors).toEqual([])
  expect(data._entities).toEqual(given.map(() => null))
})

async function answers(query: string, variables: readonly Record<string, unknown>[]) {
  const reported = []
  for (const given of variables.length > 0 ? variables : [{}]) {
    for (const client of [all, few]) {
      const { data, errors, status } = await client.execute(query, given)
      const codes = errors.map(({ path, extensions: { code, paths, scopes } }) => ({ path, code, paths, scopes }))
      reported.push({ status, data: JSON.stringify(data), codes })
    }
  }
  return reported
}
