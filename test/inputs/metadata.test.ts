import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/**
 * Metadata is returned as it was given; a value that would change is an issue with its path, in documents and in
 * variables.
 */

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())
beforeEach(() => app.sandbox('RAPIDLY').forget())

interface ReportedOutcome {
  readonly __typename: string
  readonly session?: { readonly id: string; readonly metadata: unknown }
  readonly customer?: { readonly id: string }
  readonly replayed?: boolean
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
}

const SELECTION = /* GraphQL */ `{
  __typename
  ... on CreateSessionPayload { replayed session { id metadata } }
  ... on InvalidInputError { issues { path message } }
  ... on MutationError { code }
}`
const CUSTOMER_SELECTION = SELECTION.replaceAll('Session', 'Customer').replace(
  'session { id metadata }',
  'customer { id }',
)
const PROFILE = SESSION_INPUTS.VERILOCK.verilock.profileId

/** Sends raw JSON, because no JavaScript value can represent it. */
async function post(body: string): Promise<{
  status: number
  json: { data?: Record<string, ReportedOutcome>; errors?: { extensions: { code: string } }[] }
}> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const response = await app.app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
  return { status: response.status, json: await response.json() }
}

async function reported(body: string): Promise<ReportedOutcome> {
  const { json } = await post(body)
  expect(json.errors).toBeUndefined()
  return json.data?.answer as ReportedOutcome
}

const key = () => randomUUID()

/** The ways to send metadata, each from a JSON text. JSON is also a GraphQL literal if its keys are names. */
const WAYS: Readonly<Record<string, (metadata: string, idempotencyKey?: string) => Promise<ReportedOutcome>>> = {
  'a variable of its own': (metadata, idempotencyKey = key()) =>
    reported(
      `{"query":${JSON.stringify(`mutation ($key: String!, $metadata: JSON) { answer: createSession(input: { idempotencyKey: $key, metadata: $metadata, session: { verilock: { profileId: "${PROFILE}" } } }) ${SELECTION} }`)},"variables":{"key":"${idempotencyKey}","metadata":${metadata}}}`,
    ),
  'the variable of the input': (metadata, idempotencyKey = key()) =>
    reported(
      `{"query":${JSON.stringify(`mutation ($input: CreateSessionInput!) { answer: createSession(input: $input) ${SELECTION} }`)},"variables":{"input":{"idempotencyKey":"${idempotencyKey}","metadata":${metadata},"session":{"verilock":{"profileId":"${PROFILE}"}}}}}`,
    ),
  'a literal': (metadata, idempotencyKey = key()) =>
    reported(
      JSON.stringify({
        query: `mutation { answer: createSession(input: { idempotencyKey: "${idempotencyKey}", metadata: ${metadata.replace(/"(\w+)":/g, '$1:')}, session: { verilock: { profileId: "${PROFILE}" } } }) ${SELECTION} }`,
      }),
    ),
  'a variable inside of a literal': (metadata, idempotencyKey = key()) => {
    const [, name = '', inner = ''] = /^\{"(\w+)":(.*)\}$/s.exec(metadata) ?? []
    return reported(
      `{"query":${JSON.stringify(`mutation ($inner: JSON) { answer: createSession(input: { idempotencyKey: "${idempotencyKey}", metadata: { ${name}: $inner }, session: { verilock: { profileId: "${PROFILE}" } } }) ${SELECTION} }`)},"variables":{"inner":${inner}}}`,
    )
  },
}

const INEXACT = [
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567890',
  '1152921504606846976',
  '1e400',
  '-1e400',
  '1e-400',
  '0.1000000000000000055',
  '3.14159265358979323846',
  '-0',
  '-0.0',
  '-0e5',
]
const EXACT: readonly (readonly [text: string, value: number])[] = [
  ['9007199254740991', 9_007_199_254_740_991],
  ['-9007199254740991', -9_007_199_254_740_991],
  ['0.1', 0.1],
  ['0.30000000000000004', 0.30000000000000004],
  ['1.50', 1.5],
  ['1.0', 1],
  ['1e3', 1000],
  ['1E+21', 1e21],
  ['1.7976931348623157e308', 1.7976931348623157e308],
  ['5e-324', 5e-324],
  ['0', 0],
  ['0.000', 0],
  ['0e400', 0],
]

describe.each(Object.keys(WAYS))('metadata in %s', way => {
  const create = WAYS[way] as (typeof WAYS)[string]

  test.each(INEXACT)('is refused with the path of a number that would lose precision: %s', async number => {
    expect(await create(`{"a":${number}}`)).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['input', 'metadata', 'a'] }],
    })
    expect(await create(`{"a":[true,{"b":${number}}]}`)).toMatchObject({
      issues: [{ path: ['input', 'metadata', 'a', '1', 'b'] }],
    })
  })

  test.each(EXACT)('preserves %s', async (text, value) => {
    expect((await create(`{"a":${text}}`)).session?.metadata).toEqual({ a: value })
  })

  test('reports every issue at once', async () => {
    const refused = await create('{"a":{"b":1e400,"c":["\\u0001",9007199254740993],"d":"fine"}}')
    expect(refused.issues?.map(({ path }) => path.join('.'))).toEqual([
      'input.metadata.a.b',
      'input.metadata.a.c.0',
      'input.metadata.a.c.1',
    ])
    expect(JSON.stringify(refused)).not.toMatch(/9007199254740993|1e400/)
  })

  test('may have line breaks, and keys with a meaning in JavaScript', async () => {
    const metadata = { a: { text: 'one\n\ttwo\r\n', constructor: 'x', toString: null, hasOwnProperty: [] } }
    expect((await create(JSON.stringify(metadata))).session?.metadata).toEqual(metadata)
  })

  test.each(['__proto__', 'sessiongraph_reference'])(
    'is refused with a key that cannot be preserved: %s',
    async name => {
      expect(await create(`{"a":{"${name}":{"b":1}}}`)).toMatchObject({
        issues: [{ path: ['input', 'metadata', 'a'] }],
      })
    },
  )

  test('is refused nested deeper than ten', async () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`
    expect(await create(nested(9))).toMatchObject({ __typename: 'CreateSessionPayload' })
    const [issue] = (await create(nested(11))).issues ?? []
    expect(issue).toMatchObject({ path: ['input', 'metadata', 'a', ...Array(10).fill('0')] })
  })
})

describe('metadata', () => {
  const create = WAYS['the variable of the input'] as (typeof WAYS)[string]

  test.each(['[]', '"text"', '1', 'true', '9007199254740993'])('is an object: %s is refused', async text => {
    expect(await create(text)).toMatchObject({ issues: [{ path: ['input', 'metadata'] }] })
  })

  test.each([
    ['51 keys', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key${index}`, 1]))],
    ['more than 8192 bytes', { a: 'ä'.repeat(4095) }],
    ['a key of 256 characters', { ['k'.repeat(256)]: 1 }],
    ['an empty key', { '': 1 }],
    ['a key with a control character', { 'a\u0007': 1 }],
    ['a value with a control character', { a: '\u0007' }],
  ])('is refused with %s', async (_what, metadata) => {
    const refused = await create(JSON.stringify(metadata))
    expect(refused.__typename).toBe('InvalidInputError')
    expect(refused.issues?.every(({ path }) => path.slice(0, 2).join('.') === 'input.metadata')).toBe(true)
    expect(JSON.stringify(refused).length).toBeLessThan(500)
  })

  test('reports at most a hundred issues', async () => {
    const { issues } = await create(`{"a":[${Array(20_000).fill('-0').join()}]}`)
    expect(issues?.length).toBe(100)
  })

  test('is refused with a duplicate key in an object', async () => {
    for (const metadata of ['{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":{"b":1,"\\u0062":2}}', '[{"a":1,"a":[]}]']) {
      const { status, json } = await post(`{"query":"query ($a: JSON) { __typename }","variables":{"a":${metadata}}}`)
      expect({ status, code: json.errors?.[0]?.extensions.code }).toEqual({ status: 400, code: 'BAD_REQUEST' })
    }
    const twice = `{"query":"{ __typename }","query":"{ providers { provider } }"}`
    expect((await post(twice)).status).toBe(400)
  })

  test('of a customer at Rapidly is validated by the rules of Rapidly', async () => {
    const customer = (metadata: string) =>
      reported(
        `{"query":${JSON.stringify(`mutation ($input: CreateCustomerInput!) { answer: createCustomer(input: $input) ${CUSTOMER_SELECTION} }`)},"variables":{"input":{"idempotencyKey":"${key()}","customer":{"rapidly":{"email":"${key()}@example.com","metadata":${metadata}}}}}}`,
      )
    const place = ['input', 'customer', 'rapidly', 'metadata']
    for (const number of INEXACT) {
      expect(await customer(`{"a":${number}}`)).toMatchObject({ issues: [{ path: [...place, 'a'] }] })
    }
    for (const bad of [
      '{"a":{}}',
      '{"a":null}',
      '{"a":""}',
      `{"a":"${'x'.repeat(501)}"}`,
      '{"a":"\\u0001"}',
      '{"a":[]}',
    ]) {
      expect(await customer(bad)).toMatchObject({ issues: [{ path: [...place, 'a'] }] })
    }
    expect(await customer('{"__proto__":"x"}')).toMatchObject({ issues: [{ path: [...place, '__proto__'] }] })
    expect((await app.sandbox('RAPIDLY').requests()).length).toBe(0)
    // Rapidly counts code points.
    const fine = { ['🏃'.repeat(40)]: '🏃'.repeat(500), number: 1.5, yes: true }
    expect(await customer(JSON.stringify(fine))).toMatchObject({ __typename: 'CreateCustomerPayload' })
    const [sent] = (await app.sandbox('RAPIDLY').requests()).filter(({ method }) => method === 'POST')
    expect(JSON.parse(sent?.body ?? '{}').metadata).toMatchObject(fine)
  })
})

test('an inexact number is invalid for every other type too', async () => {
  for (const [type, use] of [
    ['Int', 'sessions(first: $a) { totalCount }'],
    ['ID!', 'node(id: $a) { id }'],
    ['String!', 'person(externalId: $a) { externalId }'],
    ['SessionFilter', 'sessions(filter: $a) { totalCount }'],
  ]) {
    const { json } = await post(
      `{"query":${JSON.stringify(`query ($a: ${type}) { ${use} }`)},"variables":{"a":9007199254740993}}`,
    )
    expect({ type, code: json.errors?.[0]?.extensions.code }).toEqual({ type, code: 'BAD_REQUEST' })
  }
})
