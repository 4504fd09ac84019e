import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Asker, withKey } from './harness/callers.ts'
import { type House, startHouse } from './harness/house.ts'

/** What is asked again and again is compiled: it has to be answered as it was the first time. */

let house: House
let all: Asker
let few: Asker
beforeAll(async () => {
  house = await startHouse({}, { jobs: false })
  all = await withKey(house)
  few = await withKey(house, { scopes: ['sessions:read'] })
  for (const externalId of ['user-1', 'user-2']) {
    await house.ask(
      `mutation { createSession(input: { idempotencyKey: "${externalId}", session: { kayle: {} }, externalId: "${externalId}" }) { __typename } }`,
    )
  }
})
afterAll(() => house.close())

const PERSON = '__typename ... on Person { externalId }'
const CASES: Readonly<Record<string, readonly [query: string, ...variables: Record<string, unknown>[]]>> = {
  'fields that one may have and another may not': [
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
  'what is included for one and not for another': [
    'query ($is: Boolean!) { sessions { totalCount @skip(if: $is) nodes @include(if: $is) { externalId } } }',
    { is: true },
    { is: false },
  ],
}

describe('what is compiled is answered like what is not:', () => {
  test.each(Object.entries(CASES))('%s', async (_name, [query, ...variables]) => {
    const rounds = []
    for (let round = 0; round < 4; round++) rounds.push(await answers(query, variables))
    for (const round of rounds) expect(round).toEqual(rounds[0])
    expect(JSON.stringify(rounds)).not.toContain('INTERNAL_ERROR')
  })
})

test('metadata keeps the values of variables inside it, however often it was asked before', async () => {
  const query = `mutation ($key: String!, $plan: JSON) {
    createSession(input: { idempotencyKey: $key, session: { kayle: {} }, metadata: { plan: $plan } }) {
      ... on CreateSessionPayload { session { metadata } }
    }
  }`
  for (const plan of ['one', 'two', 'three', 'four']) {
    const { data } = await all.ask(query, { key: `metadata-${plan}`, plan })
    expect(data.createSession.session.metadata).toEqual({ plan })
  }
})

test('fragments that double at each step are not written out', async () => {
  const steps = Array.from({ length: 60 }, (_, at) => `fragment f${at} on ProviderInfo { ...f${at + 1} ...f${at + 1} }`)
  const query = `{ providers { ...f0 } } ${steps.join(' ')} fragment f60 on ProviderInfo { provider }`
  for (let times = 0; times < 5; times++) {
    const { data } = await few.ask(query)
    expect(data.providers).toContainEqual({ provider: 'KAYLE' })
  }
})

test('entities that are described by anything but text are misses', async () => {
  const query = 'query ($given: [_Any!]!) { _entities(representations: $given) { __typename } }'
  const odd = { toString: 1, valueOf: 1 }
  const given = [
    { __typename: odd },
    { __typename: 'Person', externalId: odd },
    { __typename: ['Person'] },
    'Person',
    1,
  ]
  const { data, errors } = await all.ask(query, { given })
  expect(errors).toEqual([])
  expect(data._entities).toEqual(given.map(() => null))
})

async function answers(query: string, variables: readonly Record<string, unknown>[]) {
  const told = []
  for (const given of variables.length > 0 ? variables : [{}]) {
    for (const asker of [all, few]) {
      const { data, errors, status } = await asker.ask(query, given)
      const codes = errors.map(({ path, extensions: { code, paths, scopes } }) => ({ path, code, paths, scopes }))
      told.push({ status, data: JSON.stringify(data), codes })
    }
  }
  return told
}
