import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadDocuments } from '../../src/app/documents.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

const SECRET = 'nobodyknowsme'
const UUID = /^[0-9a-f-]{36}$/

interface Body {
  readonly data?: Record<string, unknown> | null
  readonly errors?: readonly {
    readonly message: string
    readonly locations?: readonly object[]
    readonly path?: readonly string[]
    readonly extensions: Record<string, unknown>
  }[]
}

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

function request(init: RequestInit = {}, path = '/graphql', at = app): Promise<Response> {
  const headers = {
    authorization: `Bearer ${API_KEY}`,
    ...(init.method === 'GET' ? { 'graphql-require-preflight': 'true' } : { 'content-type': 'application/json' }),
    ...init.headers,
  }
  return Promise.resolve(at.app.fetch(`http://localhost${path}`, { ...init, headers }))
}

async function post(body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await request({ method: 'POST', body: text, headers })
  const answer = await response.text()
  return { status: response.status, text: answer, body: JSON.parse(answer) as Body }
}

function query(text: string): string {
  return `/graphql?query=${encodeURIComponent(text)}`
}

describe('without a valid key', () => {
  test.each([
    ['no header', {}],
    ['a wrong key', { authorization: 'Bearer sg_dev_key_of_somebody_else' }],
    ['a part of the key', { authorization: `Bearer ${API_KEY.slice(0, -1)}` }],
    ['more than the key', { authorization: `Bearer ${API_KEY}x` }],
    ['an empty key', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${API_KEY}` }],
    ['the key alone', { authorization: API_KEY }],
  ])('(%s) everything is refused with 401 and UNAUTHENTICATED', async (_what, headers) => {
    for (const init of [{ method: 'POST', body: '{"query":"{ providers { provider } }"}' }, { method: 'GET' }]) {
      const url = `http://localhost${init.method === 'GET' ? query('{ __typename }') : '/graphql'}`
      const response = await app.app.fetch(url, {
        ...init,
        headers: { 'content-type': 'application/json', ...headers },
      })
      const body = (await response.json()) as Body

      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('Bearer')
      expect(body.data).toBeUndefined()
      expect(body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', retryable: false } }])
      expect(body.errors?.[0]?.extensions.requestId).toMatch(UUID)
      expect(JSON.stringify(body)).not.toContain(API_KEY.slice(0, -1))
    }
  })

  test('the document is not parsed', async () => {
    const response = await app.app.fetch('http://localhost/graphql', { method: 'POST', body: '{ not json' })

    expect(response.status).toBe(401)
  })

  test('/healthz is answered, and / redirects to /graphql', async () => {
    const [alive, bare] = [await app.app.fetch('http://localhost/livez'), await app.app.fetch('http://localhost/')]

    expect([alive.status, await alive.text()]).toEqual([200, 'ok\n'])
    expect([bare.status, bare.headers.get('location')]).toEqual([302, './graphql'])
  })
})

test('with a valid key the response has data, whatever the case of the scheme', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const { status, body } = await post({ query: '{ __typename }' }, { authorization: `${scheme} ${API_KEY}` })
    expect([status, body]).toEqual([200, { data: { __typename: 'Query' } }])
  }
})

describe('an invalid operation', () => {
  const create = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }'
  const lookup = 'query ($id: ID!) { session(by: { id: $id }) { id } }'
  const filter = 'query ($filter: SessionFilter) { sessions(filter: $filter) { nodes { id } } }'

  test.each([
    ['that is no GraphQL', { query: '{ sessions( }' }, 'GRAPHQL_PARSE_FAILED'],
    ['that is empty', { query: ' ' }, 'GRAPHQL_PARSE_FAILED'],
    ['with a field that does not exist', { query: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'with an argument that does not exist',
      { query: '{ providers(a: 1) { provider } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['without the fields of an object', { query: '{ providers }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['with an unused variable', { query: 'query ($a: Int) { __typename }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'with two keys of a one-of',
      { query: '{ session(by: { id: "1", provider: null }) { id } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['without a variable that it needs', { query: lookup }, 'BAD_REQUEST'],
    ['with null for one that it needs', { query: lookup, variables: { id: null } }, 'BAD_REQUEST'],
    ['with a variable of another type', { query: lookup, variables: { id: [SECRET] } }, 'BAD_REQUEST'],
    ['with an unknown enum value', { query: filter, variables: { filter: { providers: [SECRET] } } }, 'BAD_REQUEST'],
    ['with a bad time', { query: filter, variables: { filter: { createdAfter: SECRET } } }, 'BAD_REQUEST'],
    ['with an unknown input field', { query: filter, variables: { filter: { colour: SECRET } } }, 'BAD_REQUEST'],
    [
      'with no key of a one-of',
      { query: create, variables: { input: { idempotencyKey: SECRET, session: {} } } },
      'BAD_REQUEST',
    ],
    [
      'with two keys of a one-of in its variables',
      { query: create, variables: { input: { idempotencyKey: SECRET, session: { kayle: {}, yorlet: null } } } },
      'BAD_REQUEST',
    ],
    [
      'with a text for a number',
      {
        query: create,
        variables: {
          input: { idempotencyKey: 'a', session: { verilock: { profileId: 'a', expiresInSeconds: SECRET } } },
        },
      },
      'BAD_REQUEST',
    ],
  ])('(%s) is refused with its code, without repeating the request', async (_what, operation, code) => {
    const { status, text, body } = await post(operation, { accept: 'application/graphql-response+json' })

    expect(status).toBe(400)
    expect(body.data).toBeUndefined()
    expect(body.errors?.length).toBeGreaterThan(0)
    for (const error of body.errors ?? []) expect(error.extensions).toMatchObject({ code, retryable: false })
    expect(text).not.toContain(SECRET)
  })

  test.each([
    ['a parse error', `{ session(by: "${SECRET}" "${SECRET}") }`, 'GRAPHQL_PARSE_FAILED'],
    ['a parse error in a block', `{ session(by: ) """${SECRET}""" }`, 'GRAPHQL_PARSE_FAILED'],
    ['a string in an invalid place', `{ sessions """${SECRET}""" }`, 'GRAPHQL_PARSE_FAILED'],
    ['a text for a number', `{ sessions(first: "${SECRET}") { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a text for an enum', `{ sessions(orderBy: "${SECRET}") { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a name for an enum', `{ sessions(orderBy: ${SECRET}) { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a name for a text', `{ sessions(after: ${SECRET}) { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a list for a text', `{ sessions(after: ["${SECRET}"]) { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a text for an object', `{ sessions(filter: "${SECRET}") { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['a bad time', `{ sessions(filter: { createdAfter: "${SECRET}" }) { totalCount } }`, 'GRAPHQL_VALIDATION_FAILED'],
  ])('(%s in the document itself) is refused without repeating values', async (_what, text, code) => {
    const answer = await post({ query: text })

    expect(answer.body.errors?.[0]?.extensions).toMatchObject({ code })
    expect(answer.text).not.toContain(SECRET)
  })

  test('has an error for each invalid variable, with its path', async () => {
    const input = {
      idempotencyKey: 1,
      externalId: {},
      session: { kayle: { shareFields: [{ key: 'a', required: SECRET }] } },
    }

    const { text, body } = await post({ query: create, variables: { input } })

    const positions = (body.errors ?? []).map(({ message }) => message.split(':')[0])
    expect(positions.sort()).toEqual([
      '$input.externalId',
      '$input.idempotencyKey',
      '$input.session.kayle.shareFields.0',
      '$input.session.kayle.shareFields.0.required',
    ])
    expect(text).not.toContain(SECRET)
  })

  test.each([
    ['no JSON', `{ ${SECRET}`],
    ['a JSON text', '"text"'],
    ['a list', '[{ "query": "{ __typename }" }]'],
    ['no query', '{}'],
    ['a query that is no text', '{ "query": 1 }'],
    ['variables that are no object', `{ "query": "{ __typename }", "variables": "${SECRET}" }`],
    ['two operations and no name', '{ "query": "query A { __typename } query B { __typename }" }'],
    ['a name of no operation', `{ "query": "query A { __typename }", "operationName": "${SECRET}" }`],
  ])('(%s) is a BAD_REQUEST', async (_what, sent) => {
    const { status, text, body } = await post(sent, { accept: 'application/graphql-response+json' })

    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST', retryable: false } }])
    expect(text).not.toContain(SECRET)
  })

  test('has a request id, as every error has', async () => {
    const sent = [{ query: '{' }, { query: '{ nothing }' }, { query: lookup }, '{ not json', '[]', { query: 1 }]
    const answers = await Promise.all(sent.map(each => post(each)))

    for (const { body } of answers) expect(body.errors?.[0]?.extensions.requestId).toMatch(UUID)
    const ids = answers.map(({ body }) => body.errors?.[0]?.extensions.requestId)
    expect(new Set(ids).size).toBe(sent.length)
  })
})

test('an unexpected error is masked, and the other data is returned', async () => {
  const broken = await startApp()
  Object.assign(broken.services.accounts, {
    list: () => {
      throw new TypeError(`cannot read ${SECRET} of undefined at /home/somebody/db.ts`)
    },
  })
  const { data, errors } = await broken.execute('{ __typename providers { provider } sessions { totalCount } }')
  await broken.close()

  expect(data).toEqual({ __typename: 'Query', providers: null, sessions: { totalCount: 0 } })
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ path: ['providers'], extensions: { code: 'INTERNAL_ERROR', retryable: false } })
  expect(errors[0]?.extensions.requestId).toMatch(UUID)
  expect(JSON.stringify(errors)).not.toMatch(new RegExp(`${SECRET}|TypeError|stack|\\.ts`))
})

describe('over GET', () => {
  test('a query is answered, with its variables', async () => {
    const text = 'query ($first: Int) { sessions(first: $first) { nodes { id } } }'
    const path = `${query(text)}&variables=${encodeURIComponent('{"first":1}')}`

    const response = await request({ method: 'GET' }, path)

    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ data: { sessions: { nodes: [] } } })
  })

  test('a mutation is refused without an effect', async () => {
    const input = 'input: { idempotencyKey: "by-get", session: { kayle: {} } }'

    const response = await request({ method: 'GET' }, query(`mutation { createSession(${input}) { __typename } }`))
    const body = (await response.json()) as Body

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(body.errors).toMatchObject([{ extensions: { code: 'METHOD_NOT_ALLOWED' } }])
    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })
})

test.each(['PUT', 'DELETE', 'PATCH'])('%s is refused with 405', async method => {
  const response = await request({ method, body: '{"query":"{ __typename }"}' })
  const { errors } = (await response.json()) as Body

  expect(response.status).toBe(405)
  expect(errors).toMatchObject([{ extensions: { code: 'METHOD_NOT_ALLOWED', requestId: expect.stringMatching(UUID) } }])
})

test('a body of another media type is refused with 415', async () => {
  const response = await request({
    method: 'POST',
    body: '{"query":"{ __typename }"}',
    headers: { 'content-type': 'text/plain' },
  })

  expect(response.status).toBe(415)
})

describe('GraphiQL', () => {
  let page = ''

  beforeAll(async () => {
    const response = await app.app.fetch('http://localhost/graphql', { headers: { accept: 'text/html' } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    page = await response.text()
  })

  test('is served for a browser request, with the examples as tabs and the development key', () => {
    const options = JSON.parse(/renderYogaGraphiQL\([^{]*(\{.*\}),\s*\);/.exec(page.slice(-50_000))?.[1] ?? '{}')

    const headers = JSON.stringify({ authorization: `Bearer ${API_KEY}` }, null, 2)
    expect(options).toMatchObject({ title: 'sessiongraph', headers })
    expect(options.defaultTabs.slice(0, loadDocuments().length)).toEqual(
      loadDocuments().map(({ query }) => ({ query, headers })),
    )
    expect(options.defaultTabs.length).toBeGreaterThanOrEqual(4)
  })

  test('loads nothing from other hosts', () => {
    const markup = page.replace(/<script\b[^>]*>[\s\S]*?<\/script>/g, script =>
      script.slice(0, script.indexOf('>') + 1),
    )
    const addresses = [...markup.matchAll(/\b(?:src|href)\s*=\s*["']?([^"'\s>]+)/g)].map(([, address = '']) => address)

    expect(addresses.filter(address => /^(https?:)?\/\//.test(address))).toEqual([])
    expect(page).not.toMatch(/(\bimport\s*\(?|\bfrom|\burl\(|\bfetch\()\s*["'`](https?:)?\/\//)
    expect(page).not.toMatch(/unpkg\.com|jsdelivr\.net|cdnjs\.|esm\.sh|googleapis\.com|gstatic\.com|githubusercontent/)
  })
})

test('the examples are the files that the README shows', () => {
  for (const { name, query } of loadDocuments()) {
    const text = readFileSync(new URL(`../../examples/${name}.graphql`, import.meta.url), 'utf8')
    expect(query).toBe(text)
  }
})
