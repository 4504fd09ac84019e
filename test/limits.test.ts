import { buildSchema, getIntrospectionQuery, parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readExamples } from '../src/examples.ts'
import { lenient } from '../src/server/budget.ts'
import { planCost } from '../src/server/cost.ts'
import { createDocumentCache } from '../src/server/document-cache.ts'
import { readDoc } from './harness/docs.ts'
import { type Answer, API_KEY, type House, startHouse } from './harness/house.ts'

let house: House

beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.close())

const repeat = (count: number, part: (index: number) => string) => Array.from({ length: count }, (_, at) => part(at))
/** So many fields deep: timelines of one row cost next to nothing. */
const nested = (depth: number) => {
  const fields = ['timeline(first: 1)', 'nodes', '... on AttemptChanged { attempt', 'session']
  const path = ['sessions(first: 1)', 'nodes', ...repeat(depth, at => fields[at % 4] ?? '')].slice(0, depth - 1)
  const last = path.at(-1)?.startsWith('timeline') ? 'totalCount' : 'id'
  const text = `{ ${[...path, last].join(' { ')}`
  return text + ' }'.repeat(text.split('{').length - 1)
}

async function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await house.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
    body,
  })
  const answer = (await response.json()) as Partial<Answer>
  return { status: response.status, data: answer.data, errors: answer.errors ?? [] }
}

function padded(bytes: number): string {
  const body = JSON.stringify({ query: '{ __typename }', extensions: { padding: '' } })
  return body.replace('"padding":""', `"padding":"${'x'.repeat(bytes - body.length)}"`)
}

function nestedJson(depth: number): string {
  const list = '['.repeat(depth - 2) + ']'.repeat(depth - 2)
  return `{"query":"{ __typename }","extensions":{"deep":${list}}}`
}

describe('at its limit a request passes, and one step further it is refused with its code', () => {
  test.each([
    ['a body of 256 KiB', padded(256 * 1024), padded(256 * 1024 + 1), 413, 'PAYLOAD_TOO_LARGE'],
    ['JSON nested 64 deep', nestedJson(64), nestedJson(65), 400, 'BAD_REQUEST'],
  ])('(%s)', async (_what, most, more, status, code) => {
    expect(await post(most)).toMatchObject({ status: 200, data: { __typename: 'Query' }, errors: [] })
    expect(await post(more)).toMatchObject({ status, errors: [{ extensions: { code, retryable: false } }] })
  })

  const aliases = (count: number) => `{ providers { ${repeat(count, at => `a${at}: provider`).join(' ')} } }`
  const aliasesInFragments = (count: number) =>
    `{ providers { ${repeat(count, () => '...One').join(' ')} } } fragment One on ProviderInfo { a: provider }`
  const fields = (count: number) => `{ ${repeat(count, () => '__typename').join(' ')} }`
  const typenames = (count: number) => `{ ${repeat(count, at => `t${at}: __typename`).join(' ')} }`
  const fieldsInFragments = (count: number) =>
    `{ ${repeat(count, () => '...One').join(' ')} } fragment One on Query { __typename }`
  const sessions = (count: number) =>
    `{ sessions(first: ${count}) { nodes { attempts(first: 1) { nodes { id } } customer { id } } } }`

  test.each([
    ['12 fields deep', nested(12), nested(13)],
    ['30 aliases', aliases(30), aliases(31)],
    ['30 aliases in fragments', aliasesInFragments(30), aliasesInFragments(31)],
    ['10 fields at the top', fields(10), fields(11)],
    ['10 aliases of __typename at the top', typenames(10), typenames(11)],
    ['10 fields at the top in fragments', fieldsInFragments(10), fieldsInFragments(11)],
    ['a cost of 199', sessions(98), sessions(100)],
  ])('(%s)', async (_what, most, more) => {
    const [fine, refused] = [await house.ask(most), await house.ask(more)]

    expect(fine.errors).toEqual([])
    expect(fine.data).not.toBeNull()
    expect(refused).toMatchObject({ status: 200, errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
    expect(refused.data).toBeUndefined()
  })

  test('(2,000 tokens) told apart from a document that is merely wrong', async () => {
    const many = (count: number) =>
      `{ sessions(filter: { provider: [${repeat(count - 16, () => 'KAYLE').join(' ')}] }) { totalCount } }`
    expect((await house.ask(many(2_000))).errors).toEqual([])
    expect((await house.ask(many(2_001))).errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
    expect((await house.ask(`{ ${'{ '.repeat(1_000)}`)).errors[0]?.extensions.code).toBe('GRAPHQL_PARSE_FAILED')
  })

  test('(a limit is 400 for a client that knows the newer media type)', async () => {
    const body = JSON.stringify({ query: `{ ${'__typename '.repeat(20)} }` })
    expect((await post(body, { accept: 'application/graphql-response+json' })).status).toBe(400)
  })
})

describe('what is honest passes', () => {
  const journey = `query Page($first: Int!) { sessions(first: $first) { nodes {
    id status attempts { nodes { id status } } customer { id email } applicant { id email } } } }`

  test('50 sessions with attempts, customer and applicant, in one call', async () => {
    expect((await house.ask(journey, { first: 50 })).errors).toEqual([])
    expect((await house.ask(journey, { first: 66 })).errors).toMatchObject([
      { extensions: { code: 'QUERY_TOO_COMPLEX', retryable: false } },
    ])
  })

  test('what GraphiQL asks first, deep as it is, with every option there is', async () => {
    const all = { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true }
    const { data, errors } = await house.ask(getIntrospectionQuery({ ...all, schemaDescription: true, oneOf: true }))
    expect(errors).toEqual([])
    expect(data.__schema.types.length).toBeGreaterThan(50)
  })

  test('every example', async () => {
    for (const { query } of readExamples()) {
      const codes = (await house.ask(query)).errors.map(({ extensions }) => extensions.code)
      expect(codes).not.toContain('QUERY_TOO_COMPLEX')
    }
  })
})

describe('the cost', () => {
  const schema = buildSchema(readDoc('schema/schema.graphql'), { assumeValid: true })
  const cost = (text: string, variables = {}) => planCost(schema, parse(text), undefined)(variables)

  test.each([
    ['nothing but names', '{ __typename providers { provider } }', 0],
    ['one record', '{ session(by: { id: "a" }) { id details { __typename } sync { stale } } }', 1.01],
    [
      'one record and its three links',
      '{ session(by: { id: "a" }) { customer { id } applicant { id } attempts(first: 7) { nodes { id } } } }',
      4.1,
    ],
    ['the schema, as often as it is read', '{ a: __schema { types { name } } b: __schema { types { name } } }', 20],
    ['one type', '{ __type(name: "Session") { name } }', 1],
    ['a page of a list', '{ sessions { nodes { id } } }', 0.2],
    ['a page with something of each of its 20 rows', '{ sessions { nodes { customer { id } } } }', 20.4],
    [
      'the same rows under nodes and edges',
      '{ sessions { nodes { customer { id } } edges { node { customer { id } } } } }',
      20.4,
    ],
    ['a page counted from its end', '{ sessions(last: 7) { nodes { customer { id } } } }', 7.14],
    ['no more rows than a page can have', '{ sessions(first: 5000) { nodes { customer { id } } } }', 102],
    ['a list of ids', '{ nodes(ids: ["a", "b", "c"]) { id } }', 0.03],
    ['a list of ids and what is under them', '{ nodes(ids: ["a", "b"]) { ... on Session { customer { id } } } }', 2.04],
    ['one id for a list', '{ nodes(ids: "a") { id } }', 0.01],
    ['a write', 'mutation { cancelSession(input: { id: "a" }) { __typename } }', 1],
    [
      'a write and what is read after it',
      'mutation { cancelSession(input: { id: "a" }) { ... on CancelSessionPayload { session { customer { id } } } } }',
      2.01,
    ],
    ['a stream', 'subscription { sessionUpdated(id: "a") { session { customer { id } } } }', 1.01],
    ['a fragment twice', '{ ...F ...F } fragment F on Query { session(by: { id: "a" }) { id } }', 2.02],
    ['aliases', '{ a: session(by: { id: "a" }) { id } b: session(by: { id: "b" }) { id } }', 2.02],
    [
      'what happened to a session',
      '{ session(by: { id: "a" }) { timeline(first: 100) { nodes { ... on AttemptChanged { attempt { id } } ... on LinkChanged { customer { id } applicant { id } } } } } }',
      5.01,
    ],
    [
      'pages in a page',
      '{ sessions(first: 100) { nodes { timeline(first: 100) { nodes { ... on AttemptChanged { attempt { id } } } } } } }',
      201,
    ],
  ])('of %s', (_what, text, expected) => {
    expect(cost(text)).toBeCloseTo(expected, 6)
  })

  test('is told with the variables, and with the most where one says nothing that counts', () => {
    const page = 'query ($first: Int = 3) { sessions(first: $first) { nodes { customer { id } } } }'
    expect(cost(page)).toBeCloseTo(3.06)
    expect(cost(page, { first: 9 })).toBeCloseTo(9.18)
    expect(cost(page, { first: 'many' })).toBeCloseTo(102)
    const ids = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
    expect(cost(ids, { ids: ['a', 'b', 'c', 'd'] })).toBeCloseTo(0.04)
  })

  test('of fragments that double thirty times over is told at once', () => {
    const parts = repeat(30, at => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)
    const text = `{ ...F0 } ${parts.join(' ')} fragment F30 on Query { sessions { nodes { id } } }`
    expect(cost(text)).toBeCloseTo(2 ** 30 / 5)
  })
})

describe('per minute', () => {
  test('a key may spend so much, then it waits as long as it is told', async () => {
    const tight = await startHouse({ COST_PER_MINUTE: '25' })
    const page = '{ sessions { nodes { customer { id } } } }'
    const body = JSON.stringify({ query: page })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    expect((await tight.ask(page)).errors).toEqual([])

    const response = await tight.app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
    const { errors } = (await response.json()) as Answer

    expect(response.status).toBe(429)
    expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryable: true } }])
    const retryAfter = Number(errors[0]?.extensions.retryAfter)
    expect(retryAfter).toBeGreaterThan(0)
    expect(retryAfter).toBeLessThanOrEqual(60)
    expect(response.headers.get('retry-after')).toBe(String(retryAfter))
    await tight.close()
  })

  test('what costs nothing counts one', async () => {
    const tight = await startHouse({ COST_PER_MINUTE: '3' })
    const codes = []
    for (let count = 0; count < 4; count++) codes.push((await tight.ask('{ __typename }')).errors[0]?.extensions.code)
    expect(codes).toEqual([undefined, undefined, undefined, 'RATE_LIMITED'])
    await tight.close()
  })

  test('another store of what was spent can be put in', async () => {
    const asked: [string, number][] = []
    const shared = { spend: async (key: string, cost: number) => (asked.push([key, cost]) > 1 ? 1_500 : 0) }
    const one = await startHouse({}, { budget: shared })
    expect((await one.ask('{ sessions { nodes { id } } }')).errors).toEqual([])
    expect((await one.ask('{ sessions { nodes { id } } }')).errors[0]?.extensions).toMatchObject({ retryAfter: 2 })
    expect(asked.map(([, cost]) => cost)).toEqual([1, 1])
    await one.close()
  })
})

test('a store of what was spent that is away keeps nobody from asking, and is told of', async () => {
  const away = new Error('connection refused')
  const reported: unknown[] = []
  const limiter = { spend: () => Promise.reject(away) }
  const open = await startHouse({}, { budget: lenient(limiter, error => reported.push(error)) })
  expect((await open.ask('{ __typename }')).errors).toEqual([])
  expect(reported).toEqual([away])
  await open.close()
})

test('a page has at most 100 rows, and a list of ids at most 100 of them', async () => {
  const codes = async (query: string) => (await house.ask(query)).errors.map(({ extensions }) => extensions.code)
  const ids = (count: number) => `{ nodes(ids: [${repeat(count, () => '"x"').join()}]) { id } }`
  for (const fine of ['{ sessions(first: 100) { totalCount } }', ids(100)]) expect(await codes(fine)).toEqual([])
  for (const more of ['{ sessions(first: 101) { totalCount } }', ids(101)]) {
    expect(await codes(more)).toEqual(['INVALID_INPUT'])
  }
})

test('each limit can be set', async () => {
  const set = await startHouse({
    MAX_BODY_BYTES: '300',
    MAX_JSON_DEPTH: '3',
    MAX_TOKENS: '30',
    MAX_DEPTH: '2',
    MAX_ALIASES: '1',
    MAX_ROOT_FIELDS: '2',
    MAX_COST: '1',
  })
  const message = async (query: string, variables?: object) =>
    (await set.ask(query, variables as Record<string, unknown>)).errors[0]?.message
  expect(await message('{ providers { provider } }')).toBeUndefined()
  expect(await message('{ providers { provider } }', { text: 'x'.repeat(300) })).toContain('300 bytes')
  expect(await message('{ __typename }', { a: { b: {} } })).toContain('3 deep')
  expect(await message(`{ providers { ${'provider '.repeat(30)} } }`)).toContain('30 tokens')
  expect(await message('{ providers { health { circuit } } }')).toContain('2 deep')
  expect(await message('{ a: __typename b: __typename }')).toContain('1 alias')
  expect(await message('{ __typename __typename __typename }')).toContain('2 fields')
  expect(await message('{ session(by: { id: "a" }) { id } }')).toContain('cost of at most 1')
  await set.close()
})

test('a document is remembered, and a long one is not', () => {
  const cache = createDocumentCache<object>()
  const value = {}
  cache.set('{ __typename }', value)
  cache.set('x'.repeat(20_000), value)
  expect(cache.get('{ __typename }')).toBe(value)
  expect(cache.get('x'.repeat(20_000))).toBeUndefined()
  for (let at = 0; at < 300; at++) cache.set(`{ a${at} }`, value)
  expect(cache.get('{ __typename }')).toBeUndefined()
})
