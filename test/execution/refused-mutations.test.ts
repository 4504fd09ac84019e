import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'
import { createRawClient, type RawClient } from '../harness/clients/raw-client.ts'
import { effectsIn, type MutationCase, mutationCases } from '../harness/documents/mutations.ts'

/** A mutation is executed, or it has no effect: every refusal comes before any provider call and any write. */

let app: TestApp
let registered: TestApp
let client: RawClient
let cases: readonly MutationCase[]
const tokens = { reader: '', revoked: '', spent: '' }
const spent = new Set<string>()

beforeAll(async () => {
  const budget = { consume: async (key: string) => (spent.has(key) ? 30_000 : 0) }
  app = await startApp(
    { MAX_BODY_BYTES: '20000', MAX_COST: '270', FAILED_AUTH_PER_MINUTE: '1000000' },
    { jobs: false, rateLimiter: budget, prepareAfter: 0 },
  )
  registered = await startApp({ TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: 'examples' }, { jobs: false })
  client = createRawClient(app.url)
  cases = await mutationCases(app)
  tokens.reader = (await withKey(app, { scopes: ['sessions:read', 'applicants:read', 'customers:read'] })).token
  const [revoked, poor] = [await withKey(app), await withKey(app)]
  await app.services.keys.revoke({ tenantId: 'dev' }, revoked.keyId)
  Object.assign(tokens, { revoked: revoked.token, spent: poor.token })
  spent.add(poor.keyId)
}, 60_000)
afterAll(async () => {
  client.close()
  await Promise.all([app.close(), registered.close()])
})

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
const SELECTION = '{ __typename }'

const documentOf = ({ field, inputType }: MutationCase, selection = SELECTION, more = '') =>
  `mutation M($input: ${inputType}!) { ${field}(input: $input) ${selection} ${more} }`

function posting(mutation: MutationCase, query: string, headers: object = {}, more: object = {}): Sent {
  const body = JSON.stringify({ query, variables: { input: mutation.input() }, ...more })
  return { headers: { ...HEADERS, ...headers }, body }
}

type Refusal = (mutation: MutationCase) => Sent

const by =
  (headers: Readonly<Record<string, string>>): Refusal =>
  mutation =>
    posting(mutation, documentOf(mutation), headers)
const accepting =
  (accept: string, selection?: string): Refusal =>
  mutation =>
    posting(mutation, documentOf(mutation, selection), { accept })
const selecting =
  (selection: string, more?: string): Refusal =>
  mutation =>
    posting(mutation, documentOf(mutation, selection, more))
const holding =
  (more: object): Refusal =>
  mutation =>
    posting(mutation, documentOf(mutation), {}, more)
const method =
  (name: string): Refusal =>
  mutation => ({ ...posting(mutation, documentOf(mutation)), method: name })
const bytes =
  (change: (body: string) => string | Uint8Array): Refusal =>
  mutation => {
    const sent = posting(mutation, documentOf(mutation))
    return { ...sent, body: change(String(sent.body)) }
  }
const repeat = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ')

const DEFERRED = '{ __typename ... @defer { __typename } }'
const DEFERRED_BY_FRAGMENT = '{ __typename ... on InvalidInputError { ...F @defer(label: "a") } }'
const STREAMED = '{ ... on InvalidInputError { issues @stream { message } } }'
const DEEP = `${'{ ... on SessionX { session '.repeat(20)}{ id }${' } }'.repeat(20)}`
const INLINE = `${'{ ... '.repeat(40)}{ __typename }${' }'.repeat(40)}`

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'by PUT': method('PUT'),
  'by DELETE': method('DELETE'),
  'by PATCH': method('PATCH'),
  'by OPTIONS': method('OPTIONS'),
  'by GET': mutation => {
    const search = new URLSearchParams({
      query: documentOf(mutation),
      variables: JSON.stringify({ input: mutation.input() }),
    })
    return { method: 'GET', path: `/graphql?${search}`, headers: { ...HEADERS, 'graphql-require-preflight': '1' } }
  },
  'at another URL': mutation => ({ ...posting(mutation, documentOf(mutation)), path: '/graphq' }),
  'without a key': by({ authorization: '' }),
  'with a wrong key': by({ authorization: 'Bearer nobody-knows-this-key' }),
  'with a key that was revoked': mutation => by({ authorization: `Bearer ${tokens.revoked}` })(mutation),
  'with a key that may only read': mutation => by({ authorization: `Bearer ${tokens.reader}` })(mutation),
  'with a key that has spent its budget': mutation => by({ authorization: `Bearer ${tokens.spent}` })(mutation),
  'as a form': by({ 'content-type': 'application/x-www-form-urlencoded' }),
  'as text': by({ 'content-type': 'text/plain' }),
  'as multipart': by({ 'content-type': 'multipart/form-data; boundary=x' }),
  'in another charset': by({ 'content-type': 'application/json; charset=utf-16' }),
  'with a Content-Encoding': by({ 'content-encoding': 'gzip' }),
  'accepting XML': accepting('application/xml'),
  'accepting XML, repeated': accepting('application/xml'),
  'accepting HTML': accepting('text/html'),
  'accepting a picture': accepting('image/png, image/*;q=0.5'),
  'accepting JSON in another charset': accepting('application/json;charset=utf-16'),
  'accepting what is no media type': accepting('json'),
  'in parts, accepting JSON': accepting('application/json', DEFERRED),
  'in parts, accepting a GraphQL response': accepting('application/graphql-response+json', DEFERRED),
  'in parts, accepting both': accepting('application/graphql-response+json, application/json;q=0.9', DEFERRED),
  'in parts, accepting XML': accepting('application/xml', DEFERRED),
  'in parts by a fragment, accepting JSON': mutation =>
    posting(mutation, `${documentOf(mutation, DEFERRED_BY_FRAGMENT)} fragment F on InvalidInputError { message }`, {
      accept: 'application/json',
    }),
  'in parts by a condition, accepting JSON': mutation =>
    posting(
      mutation,
      `mutation M($input: ${mutation.inputType}!, $is: Boolean = true) { ${mutation.field}(input: $input) { __typename ... @defer(if: $is) { __typename } } }`,
      { accept: 'application/json' },
    ),
  'in a stream of a list, accepting JSON': accepting('application/json', STREAMED),
  'in parts at the top': mutation =>
    posting(
      mutation,
      `mutation M($input: ${mutation.inputType}!) { ... @defer { ${mutation.field}(input: $input) { __typename } } }`,
      { accept: 'multipart/mixed' },
    ),
  'in a body that is too long': holding({ extensions: { padding: 'x'.repeat(20_000) } }),
  'in JSON that is nested too deep': bytes(body =>
    body.replace('{', `{"extensions":{"a":${'['.repeat(70)}${']'.repeat(70)}},`),
  ),
  'in JSON that ends early': bytes(body => body.slice(0, -1)),
  'in JSON with more behind it': bytes(body => `${body}x`),
  'in a batch': bytes(body => `[${body}]`),
  'in bytes that are no UTF-8': bytes(body =>
    Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xff]), Buffer.from('}')]),
  ),
  'with a null character': holding({ extensions: { a: '\0' } }),
  'with half of a character': bytes(body => body.replace('{', '{"extensions":{"a":"\\ud800"},')),
  'with an unknown API key': holding({ more: 1 }),
  'with variables that are a list': bytes(body => body.replace(/"variables":\{/, '"variables":[],"extensions":{')),
  'with the id of another document': holding({ documentId: '0'.repeat(64), query: null }),
  'nested too deep': selecting(DEEP),
  'nested too deep by inline fragments': selecting(INLINE),
  'with too many aliases': selecting(`{ ${repeat(31, at => `a${at}: __typename`)} }`),
  'with too many fields at the top': selecting(
    SELECTION,
    repeat(10, at => `a${at}: __typename`),
  ),
  'with too many tokens': selecting(`{ ${repeat(2_000, () => '__typename')} }`),
  'beside what costs too much': mutation =>
    posting(
      mutation,
      documentOf(
        mutation,
        SELECTION,
        repeat(8, at => `a${at}: ${mutation.field}(input: $input) ${SELECTION}`),
      ),
    ),
  'with an unknown field': selecting('{ __typename nothing }'),
  'beside an unknown mutation': selecting(SELECTION, 'nothing { id }'),
  'with a fragment without a definition': selecting('{ ...Nothing }'),
  'with a fragment in itself': mutation =>
    posting(mutation, `${documentOf(mutation, '{ ...F }')} fragment F on MutationError { ...F }`),
  'with an unknown directive': selecting('{ __typename @nothing }'),
  'with an unknown argument': mutation =>
    posting(mutation, documentOf(mutation).replace('input: $input', 'input: $input, more: 1')),
  'beside an invalid input': mutation =>
    posting(
      mutation,
      documentOf(mutation, SELECTION, `other: ${mutation.field}(input: { nothing: 1 }) { __typename }`),
    ),
  'with text behind the document': mutation => posting(mutation, `${documentOf(mutation)} }`),
  'with a document of the schema language beside it': mutation =>
    posting(mutation, `${documentOf(mutation)} type A { a: Int }`),
  'without its variable': holding({ variables: {} }),
  'with null for its variable': holding({ variables: { input: null } }),
  'with a variable of another type': holding({ variables: { input: [[1]] } }),
  'with an unknown input field': mutation =>
    posting(mutation, documentOf(mutation), {}, { variables: { input: { ...mutation.input(), nothing: 1 } } }),
  'with another variable that is invalid': mutation =>
    posting(
      mutation,
      `mutation M($input: ${mutation.inputType}!, $is: Boolean!) { ${mutation.field}(input: $input) { __typename @include(if: $is) } }`,
      {},
      {
        variables: { input: mutation.input(), is: 'yes' },
      },
    ),
  'with another variable that is missing': mutation =>
    posting(
      mutation,
      `mutation M($input: ${mutation.inputType}!, $is: Boolean!) { ${mutation.field}(input: $input) { __typename @include(if: $is) } }`,
    ),
  'by the name of another operation': holding({ operationName: 'Other' }),
  'as one of two operations without a name': mutation =>
    posting(mutation, `${documentOf(mutation)} query Q { __typename }`),
  'beside an operation without a name': mutation => posting(mutation, `${documentOf(mutation)} { __typename }`),
}

const HTTP_PATHS = {
  'over HTTP': async ({ method, path, headers, body }: Sent): Promise<ReportedOutcome> => {
    const { status, text } = await client.execute({ method, path, headers, body })
    return { status, text }
  },
  'by fetch': async ({ method = 'POST', path = '/graphql', headers, body }: Sent): Promise<ReportedOutcome> => {
    const answer = await app.app.fetch(`http://localhost${path}`, { method, headers, body })
    return { status: answer.status, text: await answer.text() }
  },
} as const

interface ReportedOutcome {
  readonly status: number
  readonly text: string
}

describe.each(Object.entries(HTTP_PATHS))('%s, every refused mutation has no effect', (_path, send) => {
  test.each(Object.entries(REFUSALS))('(%s)', async (_how, refusal) => {
    const before = await effectsIn(app)
    for (const mutation of cases) {
      const { status, text } = await send(refusal(mutation))
      expect([mutation.field, text]).toEqual([mutation.field, expect.stringContaining('"code":"')])
      expect([mutation.field, status, wasRefused(text, mutation)]).toEqual([mutation.field, expect.any(Number), true])
    }
    expect(await effectsIn(app)).toBe(before)
  })
})

/** Refused as a whole, or with null as its result: a mutation with a result was executed. */
function wasRefused(text: string, { field }: MutationCase): boolean {
  // A refusal may be the only part of a multipart response.
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)
  const { data, errors } = JSON.parse(json) as { data?: Record<string, unknown> | null; errors?: unknown[] }
  return (errors?.length ?? 0) > 0 && !data?.[field]
}

test('every mutation of the schema is tested, and has an effect if it is not refused', async () => {
  const { data } = await app.execute('{ __type(name: "Mutation") { fields { name } } }')
  const names: string[] = data.__type.fields.map(({ name }: { name: string }) => name)
  expect(cases.map(({ field }) => field).sort()).toEqual(names.sort())
  for (const send of Object.values(HTTP_PATHS)) {
    for (const mutation of cases) {
      const before = await effectsIn(app)
      const { status, text } = await send(posting(mutation, documentOf(mutation)))
      const reported = JSON.parse(text).data[mutation.field].__typename
      expect([mutation.field, status, reported]).toEqual([mutation.field, 200, expect.stringContaining('Payload')])
      // A client token requires an existing session.
      if (mutation.field !== 'createClientToken') expect(await effectsIn(app)).not.toBe(before)
    }
  }
})

test('a document with an unused @defer is answered in one response', async () => {
  for (const send of Object.values(HTTP_PATHS)) {
    for (const mutation of cases) {
      const query = `mutation M($input: ${mutation.inputType}!, $is: Boolean = true) {
        ${mutation.field}(input: $input) { ... @defer(if: $is) { __typename } ... @defer(if: false) { __typename } } }`
      const variables = { input: mutation.input(), is: false }
      const { status, text } = await send(posting(mutation, query, { accept: 'application/json' }, { variables }))
      expect([mutation.field, status, JSON.parse(text).data[mutation.field]]).toEqual([
        mutation.field,
        200,
        expect.any(Object),
      ])
    }
  }
})

test('a mutation with @defer is answered incrementally', async () => {
  for (const send of Object.values(HTTP_PATHS)) {
    for (const mutation of cases) {
      for (const accept of ['multipart/mixed', 'text/event-stream', '*/*', 'application/json, multipart/mixed']) {
        const { status, text } = await send(posting(mutation, documentOf(mutation, DEFERRED), { accept }))
        expect([mutation.field, accept, status]).toEqual([mutation.field, accept, 200])
        expect(text).toContain('Payload')
      }
    }
  }
})

test('with trusted documents enforced, no other mutation has an effect', async () => {
  const others = await mutationCases(app)
  const before = await effectsIn(registered)
  for (const mutation of others) {
    const { headers, body } = posting(mutation, documentOf(mutation))
    const answer = await registered.app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
    expect(await answer.text()).toContain('DOCUMENT_NOT_TRUSTED')
    expect(
      (await registered.execute(documentOf(mutation), { input: mutation.input() })).errors[0]?.extensions.code,
    ).toBe('DOCUMENT_NOT_TRUSTED')
  }
  expect(await effectsIn(registered)).toBe(before)
})

/** A list field of the record in a mutation's payload. The other payloads have no fields with arguments. */
const LISTS: Readonly<Record<string, readonly [payload: string, record: string, list: string]>> = {
  cancelSession: ['CancelSessionPayload', 'session', 'timeline'],
  createApplicant: ['CreateApplicantPayload', 'applicant', 'attempts'],
  createCustomer: ['CreateCustomerPayload', 'customer', 'sessions'],
  createSession: ['CreateSessionPayload', 'session', 'attempts'],
  linkApplicant: ['LinkApplicantPayload', 'applicant', 'sessions'],
  linkCustomer: ['LinkCustomerPayload', 'customer', 'sessions'],
  linkSession: ['LinkSessionPayload', 'session', 'timeline'],
}

interface BadPage {
  readonly page: string
  /** The argument that is refused; by default `first`. */
  readonly path?: string
  readonly variables?: string
  /** The selection of the mutation, from the payload's type and its selection. */
  readonly select?: (payload: string, selection: string) => string
  /** A fragment F replaces the selection. */
  readonly isFragment?: true
}

/** The text and the position of the bad argument. */
const BAD_PAGES: Readonly<Record<string, BadPage>> = {
  'as a literal': { page: 'first: -1' },
  'as a variable': { page: 'first: $bad', variables: '$bad: Int' },
  'as the default of a variable': { page: 'first: $worse', variables: '$worse: Int = 101' },
  'in a fragment': { page: 'first: -1', select: () => '{ __typename ...F }', isFragment: true },
  'where it is included': {
    page: 'first: 101',
    variables: '$yes: Boolean = true',
    select: (payload, selection) => `{ ... on ${payload} @include(if: $yes) { ${selection} } }`,
  },
  'where two exclude each other': { page: 'first: 1, last: 1', path: 'last' },
  'in parts': {
    page: 'first: -1',
    select: (payload, selection) => `{ __typename ... on ${payload} @defer { ${selection} } }`,
  },
}

const inline = (payload: string, selection: string) => `{ __typename ... on ${payload} { ${selection} } }`

function selectingPage(
  { field, inputType }: MutationCase,
  { page, variables = '', select = inline, isFragment }: BadPage,
) {
  const [payload = '', record, list] = LISTS[field] ?? []
  const selection = `${record} { good: ${list}(first: 1) { totalCount } bad: ${list}(${page}) { totalCount } }`
  const fragment = isFragment ? `fragment F on ${payload} { ${selection} }` : ''
  return `mutation M($input: ${inputType}! ${variables}) { ${field}(input: $input) ${select(payload, selection)} } ${fragment}`
}

describe.each(Object.entries(HTTP_PATHS))('%s, a mutation has no effect if in its selection', (_path, send) => {
  test.each(Object.entries(BAD_PAGES))('an argument is refused (%s)', async (_how, badPage) => {
    const before = await effectsIn(app)
    for (const mutation of cases.filter(({ field }) => field in LISTS)) {
      const variables = { input: mutation.input(), bad: -1 }
      const headers = { accept: 'application/json, multipart/mixed;q=0.9' }
      const { text } = await send(posting(mutation, selectingPage(mutation, badPage), headers, { variables }))
      expect([mutation.field, wasRefused(text, mutation)]).toEqual([mutation.field, true])
      expect(text).toContain('"code":"INVALID_INPUT"')
      expect(text).toContain(`"path":["${badPage.path ?? 'first'}"]`)
    }
    expect(await effectsIn(app)).toBe(before)
  })

  test('an argument would be refused, but its field is skipped', async () => {
    for (const mutation of cases.filter(({ field }) => field in LISTS)) {
      const select = (payload: string, selection: string) =>
        `{ __typename ... on ${payload} @include(if: false) { ${selection} } }`
      const { text } = await send(posting(mutation, selectingPage(mutation, { page: 'first: -1', select })))
      expect(JSON.parse(text).data[mutation.field]).toEqual({ __typename: LISTS[mutation.field]?.[0] })
    }
  })
})

describe('a mutation of a disconnected client is not started', () => {
  test('on the fast path', async () => {
    const before = await effectsIn(app)
    for (const mutation of cases) {
      const left = new AbortController()
      left.abort()
      const { headers, body } = posting(mutation, documentOf(mutation))
      const sent = { ...headers, 'content-length': String(Buffer.byteLength(String(body))) }
      const posted = Object.assign(Readable.from([Buffer.from(String(body))]), {
        method: 'POST',
        headers: sent,
        rawHeaders: [],
      })
      await app.app.handlePost(posted, left, {})
    }
    expect(await effectsIn(app)).toBe(before)
  })

  test('through Yoga', async () => {
    const before = await effectsIn(app)
    for (const mutation of cases) {
      for (const selection of [SELECTION, DEFERRED]) {
        const { headers, body } = posting(mutation, documentOf(mutation, selection))
        const request = { method: 'POST', headers, body, signal: AbortSignal.abort() }
        const execute = async () => app.app.fetch('http://localhost/graphql', request)
        await execute().catch(() => {})
      }
    }
    expect(await effectsIn(app)).toBe(before)
  })

  test('in the middle of its body, even if the received part is complete', async () => {
    const before = await effectsIn(app)
    for (const mutation of cases) {
      const { headers, body } = posting(mutation, documentOf(mutation))
      const named = { host: 'localhost', ...headers, 'content-length': String(Buffer.byteLength(String(body)) + 9) }
      const head = Object.entries(named).map(([name, value]) => `${name}: ${value}\r\n`)
      const socket = await client.open()
      socket.end(`POST /graphql HTTP/1.1\r\n${head.join('')}\r\n${body}`)
      await new Promise(resolve => socket.once('close', resolve).resume())
    }
    expect(await effectsIn(app)).toBe(before)
  })
})
