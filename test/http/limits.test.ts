import { buildSchema, getIntrospectionQuery, parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadDocuments } from '../../src/app/documents.ts'
import { planCost } from '../../src/http/document/cost.ts'
import { createDocumentCache } from '../../src/http/document/prepared-operations.ts'
import { failOpen } from '../../src/http/pipeline/rate-limit.ts'
import { type Answer, API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'
import { readDoc } from '../harness/docs/docs.ts'

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const repeat = (count: number, part: (index: number) => string) => Array.from({ length: count }, (_, at) => part(at))
const sameFields = (count: number) =>
  `{ sessions(first: 1) { nodes { ${repeat(count, () => '__typename @include(if: true)').join(' ')} } } }`
const sameFieldsInFragments = (count: number) =>
  `{ sessions(first: 1) { nodes { ${repeat(count, at => `...F${at}`).join(' ')} } } }
  ${repeat(count, at => `fragment F${at} on Session { __typename @include(if: true) }`).join(' ')}`
const samePages = (count: number) =>
  `{ sessions(first: 1) { nodes { ${repeat(count, () => 'attempts { nodes { id } }').join(' ')} } } }`
/** Deep selections without a high cost: timelines of one row. */
const nested = (depth: number) => {
  const fields = ['timeline(first: 1)', 'nodes', '... on AttemptStatusChanged { attempt', 'session']
  const path = ['sessions(first: 1)', 'nodes', ...repeat(depth, at => fields[at % 4] ?? '')].slice(0, depth - 1)
  const last = path.at(-1)?.startsWith('timeline') ? 'totalCount' : 'id'
  const text = `{ ${[...path, last].join(' { ')}`
  return text + ' }'.repeat(text.split('{').length - 1)
}

async function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await app.app.fetch('http://localhost/graphql', {
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

describe('a request at a limit passes, and one beyond it is refused with a code', () => {
  test.each([
    ['a body of 256 KiB', padded(256 * 1024), padded(256 * 1024 + 1), 413, 'PAYLOAD_TOO_LARGE'],
    ['JSON nested 64 deep', nestedJson(64), nestedJson(65), 400, 'BAD_REQUEST'],
  ])('(%s)', async (_what, most, more, status, code) => {
    expect(await post(most)).toMatchObject({ status: 200, data: { __typename: 'Query' }, errors: [] })
    expect(await post(more)).toMatchObject({ status, errors: [{ extensions: { code, retryable: false } }] })
  })

  const inline = (count: number, more = '') => `{ ${`...${more} { `.repeat(count)}__typename${' }'.repeat(count)} }`
  const inlineInFragment = (count: number) =>
    `{ ...F } fragment F on Query { ${'... { '.repeat(count)}__typename${' }'.repeat(count)} }`
  const chain = (count: number) =>
    `{ ...F1 } ${repeat(count - 1, at => `fragment F${at + 1} on Query { ...F${at + 2} }`).join(' ')} fragment F${count} on Query { __typename }`
  const inEntity = (value: string) =>
    `{ _entities(representations: [{ __typename: "Session", id: "a", more: ${value} }]) { __typename } }`
  const list = (depth: number) => inEntity(`${'['.repeat(depth)}${']'.repeat(depth)}`)
  const object = (depth: number) => inEntity(`${'{ a: '.repeat(depth)}1${' }'.repeat(depth)}`)
  const aliases = (count: number) => `{ providers { ${repeat(count, at => `a${at}: provider`).join(' ')} } }`
  const aliasesInFragments = (count: number) =>
    `{ providers { ${repeat(count, () => '...One').join(' ')} } } fragment One on ProviderInfo { a: provider }`
  const fields = (count: number) => `{ ${repeat(count, () => '__typename').join(' ')} }`
  const typenames = (count: number) => `{ ${repeat(count, at => `t${at}: __typename`).join(' ')} }`
  const fieldsInFragments = (count: number) =>
    `{ ${repeat(count, () => '...One').join(' ')} } fragment One on Query { __typename }`
  const sessions = (count: number) =>
    `{ sessions(first: ${count}) { nodes { attempts(first: 1) { nodes { id } } customer { id } again: customer { id } applicant { id } } } }`

  test.each([
    ['12 fields deep', nested(12), nested(13)],
    ['12 inline fragments in one another', inline(12), inline(13)],
    ['12 inline fragments with a condition each', inline(12, ' @include(if: true)'), inline(13, ' @include(if: true)')],
    ['12 inline fragments that name a type each', inline(12, ' on Query'), inline(13, ' on Query')],
    ['11 inline fragments in a fragment', inlineInFragment(11), inlineInFragment(12)],
    ['a chain of 63 fragments', chain(63), chain(64)],
    ['a list 60 deep', list(60), list(61)],
    ['an object 60 deep', object(60), object(61)],
    ['30 aliases', aliases(30), aliases(31)],
    ['30 aliases in fragments', aliasesInFragments(30), aliasesInFragments(31)],
    ['10 fields at the top', fields(10), fields(11)],
    ['10 aliases of __typename at the top', typenames(10), typenames(11)],
    ['10 fields at the top in fragments', fieldsInFragments(10), fieldsInFragments(11)],
    ['a cost of 10,000', sessions(80), sessions(81)],
    ['99 fields of one name with arguments', sameFields(99), sameFields(100)],
    ['98 fields of one name in fragments', sameFieldsInFragments(98), sameFieldsInFragments(99)],
    ['70 fields of one name with selections on two levels', samePages(70), samePages(71)],
  ])('(%s)', async (_what, most, more) => {
    const [fine, refused] = [await app.execute(most), await app.execute(more)]

    expect(fine.errors).toEqual([])
    expect(fine.data).not.toBeNull()
    expect(refused).toMatchObject({ status: 200, errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
    expect(refused.data).toBeUndefined()
  })

  test.each([
    ['a type', `query ($a: ${'['.repeat(70)}Int${']'.repeat(70)}) { __typename }`],
    ['a default', `query ($a: JSON = ${'['.repeat(70)}${']'.repeat(70)}) { __typename }`],
    ['an argument of a directive', `{ __typename @include(if: ${'['.repeat(70)}${']'.repeat(70)}) }`],
    ['an argument of an unknown field', `{ nothing(a: ${'{ a: '.repeat(70)}1${' }'.repeat(70)}) }`],
    ['300 inline fragments', inline(300)],
    ['300 inline fragments in a mutation', `mutation ${inline(300)}`],
    ['inline fragments and fields by turns', `{ ${'... { ... { a { '.repeat(12)}b${' } } }'.repeat(12)} }`],
    ['what is never selected', `{ __typename } fragment F on Query { ${'... { '.repeat(300)}a${' }'.repeat(300)} }`],
    ['what introspection selects', `{ __schema { types { ${'... { '.repeat(100)}name${' }'.repeat(100)} } } }`],
  ])('(%s, nested far deeper)', async (_what, query) => {
    for (let times = 0; times < 3; times++) {
      expect((await app.execute(query)).errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
    }
  })

  test('(2,000 tokens) differs from a document with a syntax error', async () => {
    const many = (count: number) =>
      `{ sessions(filter: { providers: [${repeat(count - 16, () => 'KAYLE').join(' ')}] }) { totalCount } }`
    // The filter is valid, and has more providers than allowed.
    expect((await app.execute(many(2_000))).errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }])
    expect((await app.execute(many(2_001))).errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
    expect((await app.execute(`{ ${'{ '.repeat(1_000)}`)).errors[0]?.extensions.code).toBe('GRAPHQL_PARSE_FAILED')
  })

  test('(a limit is 400 for a client that accepts application/graphql-response+json)', async () => {
    const body = JSON.stringify({ query: `{ ${'__typename '.repeat(20)} }` })
    expect((await post(body, { accept: 'application/graphql-response+json' })).status).toBe(400)
  })
})

describe('a realistic operation passes', () => {
  const journey = `query Page($first: Int!) { sessions(first: $first) { nodes {
    id status attempts { nodes { id status } } customer { id email } applicant { id email } } } }`

  test('50 sessions with attempts, customer and applicant in one query', async () => {
    expect((await app.execute(journey, { first: 50 })).errors).toEqual([])
    expect((await app.execute(journey, { first: 100 })).errors).toMatchObject([
      { extensions: { code: 'QUERY_TOO_COMPLEX', retryable: false } },
    ])
  })

  test('the introspection query of GraphiQL, with every option', async () => {
    const all = { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true }
    const { data, errors } = await app.execute(getIntrospectionQuery({ ...all, schemaDescription: true, oneOf: true }))
    expect(errors).toEqual([])
    expect(data.__schema.types.length).toBeGreaterThan(50)
  })

  test('every example', async () => {
    for (const { query } of loadDocuments()) {
      const codes = (await app.execute(query)).errors.map(({ extensions }) => extensions.code)
      expect(codes).not.toContain('QUERY_TOO_COMPLEX')
    }
  })
})

describe('the cost', () => {
  const schema = buildSchema(readDoc('schema/schema.graphql'), { assumeValid: true })
  const cost = (text: string, variables = {}) => planCost(schema, parse(text), undefined)(variables)

  test.each([
    ['nothing but names', '{ __typename providers { provider } }', 0.14],
    ['one record', '{ session(by: { id: "a" }) { id details { __typename } sync { stale } } }', 30.61],
    [
      'one record and its three links',
      '{ session(by: { id: "a" }) { customer { id } applicant { id } attempts(first: 7) { nodes { id } } } }',
      125.78,
    ],
    ['the schema, as often as it is read', '{ a: __schema { types { name } } b: __schema { types { name } } }', 200],
    ['one type', '{ __type(name: "Session") { name } }', 20],
    ['a page of a list', '{ sessions { nodes { id } } }', 9.5],
    ['a page with something of each of its 20 rows', '{ sessions { nodes { customer { id } } } }', 616.5],
    [
      'the rows of a page under nodes and edges',
      '{ sessions { nodes { customer { id } } edges { node { customer { id } } } } }',
      1227.9,
    ],
    [
      'what reads the store, whatever freshness it hands on',
      '{ sessions(freshness: {}) { nodes { id } } person(externalId: "a", freshness: {}) { id } }',
      9.87,
    ],
    ['a page counted from its end', '{ sessions(last: 7) { nodes { customer { id } } } }', 217.14],
    ['no more rows than a page can have', '{ sessions(first: 5000) { nodes { customer { id } } } }', 3074.1],
    ['a list of ids', '{ nodes(ids: ["a", "b", "c"]) { id } }', 0.91],
    [
      'a list of ids and what is under them',
      '{ nodes(ids: ["a", "b"]) { ... on Session { customer { id } } } }',
      61.34,
    ],
    ['one id for a list', '{ nodes(ids: "a") { id } }', 0.37],
    ['a write', 'mutation { cancelSession(input: { sessionId: "a" }) { __typename } }', 30.12],
    [
      'a write and what is read after it',
      'mutation { cancelSession(input: { sessionId: "a" }) { ... on CancelSessionPayload { session { customer { id } } } } }',
      60.57,
    ],
    ['a stream', 'subscription { sessionUpdated(id: "a") { session { customer { id } } } }', 60.57],
    ['a linked record under two names', '{ sessions { nodes { a: person { id } b: person { id } } } }', 18.9],
    ['a fragment twice', '{ ...F ...F } fragment F on Query { session(by: { id: "a" }) { id } }', 30.37],
    ['aliases', '{ a: session(by: { id: "a" }) { id } b: session(by: { id: "b" }) { id } }', 60.74],
    [
      'what happened to a session',
      '{ session(by: { id: "a" }) { timeline(first: 100) { nodes { ... on AttemptStatusChanged { attempt { id } } ... on SessionLinksChanged { customer { id } applicant { id } } } } } }',
      178.45,
    ],
    ['a page without rows', '{ sessions(first: 0) { nodes { customer { id } } } }', 2.1],
    ['a count', '{ sessions(first: 0) { totalCount } }', 2.1 + 2],
    [
      'empty pages and counts of each row, as often as they have a name',
      '{ sessions(first: 100) { nodes { a: timeline(first: 0) { totalCount } b: timeline(first: 0) { totalCount } } } }',
      457.1 + 400,
    ],
    [
      'the rows of a page under two names',
      '{ sessions { a: nodes { customer { id } } b: nodes { applicant { id } } } }',
      1225.9,
    ],
    [
      'pages in a page',
      '{ sessions(first: 100) { nodes { timeline(first: 100) { nodes { ... on AttemptStatusChanged { attempt { id } } } } } } }',
      7447.1,
    ],
  ])('of %s', (_what, text, expected) => {
    expect(cost(text)).toBeCloseTo(expected, 6)
  })

  test('depends on the variables, and is the maximum where a variable sets no number', () => {
    const page = 'query ($first: Int = 4) { sessions(first: $first) { nodes { customer { id } } } }'
    expect(cost(page)).toBeCloseTo(124.98)
    expect(cost(page, { first: 9 })).toBeCloseTo(278.58)
    expect(cost(page, { first: 'many' })).toBeCloseTo(3074.1)
    const ids = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
    expect(cost(ids, { ids: ['a', 'b', 'c', 'd'] })).toBeCloseTo(1.18)
  })

  test('of fragments that double thirty times is computed at once', () => {
    const parts = repeat(30, at => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)
    const text = `{ ...F0 } ${parts.join(' ')} fragment F30 on Query { sessions { nodes { id } } }`
    expect(cost(text)).toBeCloseTo(9.5)
  })
})

/** New documents are charged: another key sends those of a client token first. */
async function knowDocuments(of: TestApp): Promise<void> {
  const key = await withKey(of, { costPerMinute: 10_000 })
  const token = await withClientToken(of, key, { externalId: 'knows-documents' })
  await token.execute('{ __typename }')
}

/** Starts a server without a limit, and collects what its requests are charged. */
async function startCharged(prepareAfter = 0) {
  const spent: number[] = []
  const consume = async (_key: string, cost: number) => {
    spent.push(cost)
    return 0
  }
  return { charged: await startApp({}, { prepareAfter, rateLimiter: { consume } }), spent }
}

describe('the rate limit per minute', () => {
  test('applies per key, with a Retry-After that holds', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '36' })
    const page = '{ sessions(first: 1) { nodes { id } } }'
    const body = JSON.stringify({ query: page })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    for (let times = 0; times < 3; times++) expect((await tight.execute(page)).errors).toEqual([])

    const response = await tight.app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
    const { errors } = (await response.json()) as Answer

    expect(response.status).toBe(429)
    expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryable: true } }])
    const retryAfterSeconds = Number(errors[0]?.extensions.retryAfterSeconds)
    expect(retryAfterSeconds).toBeGreaterThan(0)
    expect(retryAfterSeconds).toBeLessThanOrEqual(60)
    expect(response.headers.get('retry-after')).toBe(String(retryAfterSeconds))
    await tight.close()
  })

  test('counts a free operation as one', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '30' })
    const codes = []
    for (let count = 0; count < 4; count++)
      codes.push((await tight.execute('{ __typename }')).errors[0]?.extensions.code)
    expect(codes).toEqual([undefined, undefined, undefined, 'RATE_LIMITED'])
    await tight.close()
  })

  test.each([
    ['of no JSON', '{"query":', 400, 10, 0],
    ['of no GraphQL', JSON.stringify({ query: '{ sessions(' }), 200, 40, 0],
    ['for an unknown field', JSON.stringify({ query: '{ nothing }' }), 200, 40, 0],
    ['that is too complex', JSON.stringify({ query: `{ ${'a: __typename '.repeat(40)} }` }), 200, 40, 15],
    [
      'with a variable that is wrong',
      JSON.stringify({ query: 'query ($a: [ID!]!) { nodes(ids: $a) { id } }', variables: { a: {} } }),
      200,
      12,
      32,
    ],
    [
      'with far too many ids',
      JSON.stringify({
        query: 'query ($a: [ID!]!) { nodes(ids: $a) { id } }',
        variables: { a: Array(5_100).fill(1) },
      }),
      200,
      38,
      31,
    ],
  ])('counts a request %s too, and its new document', async (_what, body, status, each, once) => {
    const tight = await startApp({ COST_PER_MINUTE: String(once + 3 * each) })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    const statuses = []
    for (let count = 0; count < 4; count++) {
      const response = await tight.app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
      await response.text()
      statuses.push(response.status)
    }
    expect(statuses).toEqual([status, status, status, 429])
    await tight.close()
  })

  test('each 18 KiB of a body is charged before it is parsed, by either way and without a length', async () => {
    const { charged, spent } = await startCharged()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    const text = padded(250_000)
    for (const body of [text, text, `${text}}`, new Blob([text]).stream()]) {
      spent.length = 0
      const init = { method: 'POST', headers, body, duplex: 'half' }
      await (await fetch(charged.url, init as RequestInit)).text()
      expect(spent.slice(0, 2)).toEqual([10, 135])
    }
    await charged.close()
  })

  test.each([
    [
      '1,500 keys and 3,500 values of objects',
      JSON.stringify(Object.fromEntries(Array.from({ length: 4_600 }, (_, at) => [`k${at}`, at]))),
      4_603 / 150 + 4_600 / 350,
    ],
    ['3,500 values', JSON.stringify(Array(9_100).fill(1)), 9_100 / 350],
    ['24,000 lists', `[${Array(1_300).fill(`${'['.repeat(40)}${']'.repeat(40)}`)}]`, 52_000 / 2_400 + 1_300 / 350],
    ['20,000 digits', `[${Array(1_000).fill('1'.repeat(60))}]`, 1_000 / 350],
    ['none of the characters in texts', JSON.stringify('[:,"{1'.repeat(9_000)), 0],
    [
      'all together',
      `[${JSON.stringify(Object.fromEntries(Array.from({ length: 1_400 }, (_, at) => [`k${at}`, at])))},${Array(1_000).fill(1)}]`,
      1_400 / 150 + 2_400 / 350,
    ],
  ])('%s of a body are charged before it is parsed', async (_what, value, extra) => {
    const { charged, spent } = await startCharged()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    const body = `{"query":"{ __typename }","variables":{"a":${value}}}`
    const digits = body.replaceAll(/"(?:[^"\\]|\\.)*"|\D/g, '').length
    for (let times = 0; times < 3; times++) {
      spent.length = 0
      await (await fetch(charged.url, { method: 'POST', headers, body })).text()
      const ofNewDocument = times === 0 ? 30 : 0
      expect(spent.reduce((sum, cost) => sum + cost, 0)).toBe(
        10 + Math.floor(extra + digits / 2_000 + body.length / (1.8 * 1024)) + ofNewDocument,
      )
    }
    await charged.close()
  })

  test('of a body with more than 5,000 keys, which is refused, its length is charged', async () => {
    const { charged, spent } = await startCharged()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    const variables = Object.fromEntries(Array.from({ length: 5_100 }, (_, at) => [`k${at}`, 'x'.repeat(20)]))
    const body = JSON.stringify({ query: '{ __typename }', variables })
    const { status } = await fetch(charged.url, { method: 'POST', headers, body })
    expect(status).toBe(400)
    expect(spent.reduce((sum, cost) => sum + cost, 0)).toBe(10 + Math.floor(body.length / (1.8 * 1024)))
    await charged.close()
  })

  test('each 300 header fields are charged, on both paths', async () => {
    const { charged, spent } = await startCharged()
    const many = Object.fromEntries(Array.from({ length: 650 }, (_, at) => [`h${at}`, '1']))
    for (const accept of ['application/json', 'application/json; charset=utf-8']) {
      spent.length = 0
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, accept, ...many }
      await (await fetch(charged.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })).text()
      // 658 fields of 3,400 characters in all.
      expect(spent[0]).toBe(10 + 25)
    }
    await charged.close()
  })

  test('a head of 10,000 characters or more is charged by its length, on both paths', async () => {
    const { charged, spent } = await startCharged()
    for (const accept of ['application/json', 'application/json; charset=utf-8']) {
      const chargeWith = async (cookie: string) => {
        spent.length = 0
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, accept, cookie }
        await (await fetch(charged.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })).text()
        return spent[0]
      }
      expect([await chargeWith('x'.repeat(9_000)), await chargeWith('x'.repeat(12_000))]).toEqual([10, 10 + 12])
    }
    await charged.close()
  })

  test('of a new document that is refused before it is validated, a quarter of its length is charged', async () => {
    const { charged, spent } = await startCharged(1)
    const chargeOf = async (query: string) => {
      spent.length = 0
      await charged.execute(query)
      return spent.reduce((sum, cost) => sum + cost, 0)
    }
    const comment = `#${'x'.repeat(3_999)}`
    expect(await chargeOf(`{ ${comment}`)).toBe(10 + 30 + 25)
    expect(await chargeOf(`{ unknown } ${comment}`)).toBe(10 + 30 + 25 + 75)
    expect(await chargeOf(`{ __typename } ${comment}`)).toBe(10 + 30 + 25 + 75)
    await charged.close()
  })

  test('is shared by the client tokens of a key, each subject with a tenth of it', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '400' })
    const maker = await withKey(tight, { scopes: ['session:access', 'sessions:read'] })
    await knowDocuments(tight)
    const clients: Client[] = []
    for (let index = 0; index < 10; index++)
      clients.push(await withClientToken(tight, maker, { externalId: `u${index}` }))
    const spend = async (client: Client) => (await client.execute('{ __typename }')).errors[0]?.extensions.code ?? 'OK'
    const [first] = clients as [Client]
    const own = []
    for (let count = 0; count < 5; count++) own.push(await spend(first))
    expect(own).toEqual(['OK', 'OK', 'OK', 'OK', 'RATE_LIMITED'])
    let granted = 0
    for (let round = 0; round < 4; round++)
      for (const client of clients.slice(1)) if ((await spend(client)) === 'OK') granted += 1
    // To create one of the ten tokens costs 15, and one was used four times.
    expect(granted).toBe(40 - 10 * 1.5 - 4)
    await tight.close()
  })

  test('can use another store', async () => {
    const requests: [string, number][] = []
    const shared = { consume: async (key: string, cost: number) => (requests.push([key, cost]) > 1 ? 1_500 : 0) }
    const one = await startApp({}, { rateLimiter: shared })
    expect((await one.execute('{ sessions(first: 1) { nodes { id } } }')).errors).toEqual([])
    expect((await one.execute('{ sessions(first: 1) { nodes { id } } }')).errors[0]?.extensions).toMatchObject({
      retryAfterSeconds: 2,
    })
    expect(requests.map(([, cost]) => cost)).toEqual([12, 12, 10])
    await one.close()
  })
})

test('fails open and reports an error if its store is unavailable', async () => {
  const away = new Error('connection refused')
  const reported: unknown[] = []
  const limiter = { consume: () => Promise.reject(away) }
  const open = await startApp({}, { rateLimiter: failOpen(limiter, error => reported.push(error)) })
  expect((await open.execute('{ __typename }')).errors).toEqual([])
  expect(reported).toEqual([away])
  await open.close()
})

test('a long value of an enum is refused without a comparison', async () => {
  const long = 'X'.repeat(256)
  const query = 'query ($filter: SessionFilter) { sessions(filter: $filter) { totalCount } }'
  const messages = async (status: unknown) =>
    (await app.execute(query, { filter: { statuses: [status] } })).errors.map(({ message }) => message)
  expect(await messages('EXPIRE')).toEqual([expect.stringMatching(/Did you mean/)])
  for (const status of [long, { [long]: long }]) {
    expect(await messages(status)).toEqual([expect.stringMatching(/^\$filter\.statuses\.0: /)])
    expect(await messages(status)).not.toEqual([expect.stringContaining('Did you mean')])
  }
  const literal = await app.execute(
    `{ sessions(filter: { statuses: [${'X'.repeat(255)}, "${long}"] }) { totalCount } }`,
  )
  expect(literal.errors.map(({ extensions }) => extensions.code)).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
    'GRAPHQL_VALIDATION_FAILED',
  ])
  expect((await app.execute(`{ ${long} }`)).errors).toMatchObject([
    { message: 'Expected names of at most 255 characters.', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ])
})

test('a page has at most 100 rows, and a list of ids at most 100 ids', async () => {
  const codes = async (query: string) => (await app.execute(query)).errors.map(({ extensions }) => extensions.code)
  const ids = (count: number) => `{ nodes(ids: [${repeat(count, () => '"x"').join()}]) { id } }`
  for (const fine of ['{ sessions(first: 100) { totalCount } }', ids(100)]) expect(await codes(fine)).toEqual([])
  for (const more of ['{ sessions(first: 101) { totalCount } }', ids(101)]) {
    expect(await codes(more)).toEqual(['INVALID_INPUT'])
  }
})

test('each limit is a setting', async () => {
  const set = await startApp({
    MAX_BODY_BYTES: '300',
    MAX_JSON_DEPTH: '3',
    MAX_TOKENS: '30',
    MAX_DEPTH: '2',
    MAX_ALIASES: '1',
    MAX_ROOT_FIELDS: '2',
    MAX_COST: '15',
  })
  const message = async (query: string, variables?: object) =>
    (await set.execute(query, variables as Record<string, unknown>)).errors[0]?.message
  expect(await message('{ providers { provider } }')).toBeUndefined()
  expect(await message('{ providers { provider } }', { text: 'x'.repeat(300) })).toContain('300 bytes')
  expect(await message('{ __typename }', { a: { b: {} } })).toContain('3 deep')
  expect(await message(`{ providers { ${'provider '.repeat(30)} } }`)).toContain('30 tokens')
  expect(await message('{ providers { health { state } } }')).toContain('2 deep')
  expect(await message('{ a: __typename b: __typename }')).toContain('1 alias')
  expect(await message('{ __typename __typename __typename }')).toContain('2 root fields')
  expect(await message('{ sessions(first: 99) { totalCount } b: sessions(first: 100) { totalCount } }')).toContain(
    'cost of at most 15',
  )
  await set.close()
})

test('a document is cached, unless it is long', () => {
  const cache = createDocumentCache<object>()
  const value = {}
  cache.set('{ __typename }', value)
  cache.set('x'.repeat(20_000), value)
  expect(cache.get('{ __typename }')).toBe(value)
  expect(cache.get('x'.repeat(20_000))).toBeUndefined()
  for (let at = 0; at < 300; at++) cache.set(`{ a${at} }`, value)
  expect(cache.get('{ __typename }')).toBeUndefined()
})
