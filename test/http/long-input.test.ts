import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient, type RawClient } from '../harness/clients/raw-client.ts'

/** No error message repeats a long value, wherever it is sent. */

let app: TestApp
let client: RawClient
beforeAll(async () => {
  app = await startApp({ FAILED_AUTH_PER_MINUTE: '1000000' }, { jobs: false })
  client = createRawClient(app.url)
})
afterAll(async () => {
  client.close()
  await app.close()
})

/** As long as a name that was once repeated as a whole. */
const LONG = 'x'.repeat(60_000)
/** The maximum length of a repeated value in a response. */
const MOST_REPEATED = 'x'.repeat(300)
const MOST_OF_A_MESSAGE = 1_200
const MOST_OF_AN_ANSWER = 20_000

const SESSIONS = 'query ($filter: SessionFilter) { sessions(filter: $filter) { totalCount } }'
const CREATE =
  'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename ... on MutationError { code message } ... on InvalidInputError { issues { path message } } } }'

const DOCUMENTS: Readonly<Record<string, string>> = {
  'a field': `{ ${LONG} }`,
  'a field of a field': `{ sessions { ${LONG} } }`,
  'a field below a leaf': `{ __typename { ${LONG} } }`,
  'an alias': `{ ${LONG}: __typename }`,
  'an alias of what fails': `{ ${LONG}: session(by: { id: "nobody" }) { id } }`,
  'an alias of what conflicts': `{ ${LONG}: __typename ${LONG}: providers { provider } }`,
  'an argument': `{ sessions(${LONG}: 1) { totalCount } }`,
  'a directive': `{ __typename @${LONG} }`,
  'an argument of a directive': `{ __typename @include(if: true, ${LONG}: 1) }`,
  'a fragment': `{ ...${LONG} }`,
  'a fragment that is not used': `{ __typename } fragment ${LONG} on Query { __typename }`,
  'a fragment in itself': `{ ...${LONG} } fragment ${LONG} on Query { ...${LONG} }`,
  'a fragment twice': `{ ...${LONG} } ${`fragment ${LONG} on Query { __typename } `.repeat(2)}`,
  'the type of a fragment': `{ ... on ${LONG} { id } }`,
  'an operation twice': `query ${LONG} { __typename } query ${LONG} { __typename }`,
  'a variable': `query ($${LONG}: Int) { __typename }`,
  'a variable that is not there': `{ sessions(first: $${LONG}) { totalCount } }`,
  'a variable that is required': `query ($${LONG}: Int!) { sessions(first: $${LONG}) { totalCount } }`,
  'a variable of another type': `query ($${LONG}: Boolean) { sessions(first: $${LONG}) { totalCount } }`,
  'the type of a variable': `query ($a: ${LONG}) { sessions(first: $a) { totalCount } }`,
  'the default of a variable': `query ($a: Int = "${LONG}") { sessions(first: $a) { totalCount } }`,
  'an enum value': `{ sessions(orderBy: ${LONG}) { totalCount } }`,
  'an enum value in upper case': `{ sessions(orderBy: ${LONG.toUpperCase()}) { totalCount } }`,
  'a text for an enum value': `{ sessions(orderBy: "${LONG}") { totalCount } }`,
  'a text for a number': `{ sessions(first: "${LONG}") { totalCount } }`,
  'a number': `{ sessions(first: ${'9'.repeat(60_000)}) { totalCount } }`,
  'a name for a text': `{ sessions(after: ${LONG}) { totalCount } }`,
  'a text for an object': `{ sessions(filter: "${LONG}") { totalCount } }`,
  'a list for a text': `{ sessions(after: ["${LONG}"]) { totalCount } }`,
  'a key of an input': `{ sessions(filter: { ${LONG}: 1 }) { totalCount } }`,
  'a key of an input twice': `{ _entities(representations: [{ ${LONG}: 1, ${LONG}: 1 }]) { __typename } }`,
  'an object for a number': `{ sessions(first: { ${LONG}: "${LONG}" }) { totalCount } }`,
  'a block of text': `{ sessions(first: """${LONG}""") { totalCount } }`,
  'a string in an invalid place': `{ "${LONG}" }`,
  'a name in an invalid place': `{ sessions(first: 1 ${LONG}) { totalCount } }`,
  'a name at the beginning': `${LONG} { __typename }`,
  'an escape': `{ sessions(after: "\\u{${'0'.repeat(60_000)}}") { totalCount } }`,
  'a text that does not end': `{ sessions(after: "${LONG}`,
  'a number followed by a name': `{ sessions(first: 1${LONG}) { totalCount } }`,
  'a comment': `{ #${LONG}\n`,
  'an id': `{ session(by: { id: "${LONG}" }) { id } }`,
  ids: `{ nodes(ids: ["${LONG}", "${LONG}"]) { id } }`,
  'a cursor': `{ sessions(after: "${LONG}") { totalCount } }`,
  'the name of a person': `{ person(externalId: "${LONG}") { externalId } }`,
  'the id of a provider': `{ session(by: { atProvider: { provider: KAYLE, providerId: "${LONG}" } }) { id } }`,
  'the name of a type': `{ __type(name: "${LONG}") { name } }`,
  'a directive on a definition': `query @${LONG} { __typename }`,
  'a definition of the schema language': `type ${LONG} { a: Int }`,
}

const BODIES: Readonly<Record<string, object>> = {
  'the name of the operation': { query: '{ __typename }', operationName: LONG },
  'the name of one of two operations': { query: 'query a { __typename } query b { __typename }', operationName: LONG },
  'the id of a document': { documentId: LONG },
  'the hash of a document': { extensions: { persistedQuery: { version: 1, sha256Hash: LONG } } },
  'a key of the body': { query: '{ __typename }', [LONG]: 1 },
  'a key of a variable': { query: SESSIONS, variables: { filter: { [LONG]: 1 } } },
  'a key of a variable that is no name': { query: SESSIONS, variables: { filter: { [`a b ${LONG}`]: 1 } } },
  'an undeclared variable': { query: SESSIONS, variables: { [LONG]: 1 } },
  'an enum value in a variable': { query: SESSIONS, variables: { filter: { statuses: [LONG] } } },
  'an enum value in upper case in a variable': {
    query: SESSIONS,
    variables: { filter: { statuses: [LONG.toUpperCase()] } },
  },
  'a moment in a variable': { query: SESSIONS, variables: { filter: { createdAfter: LONG } } },
  'an object in a variable': { query: SESSIONS, variables: { filter: { externalId: { [LONG]: LONG } } } },
  'a thousand keys of a variable': {
    query: SESSIONS,
    variables: {
      filter: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`key${at}${'x'.repeat(50)}`, at])),
    },
  },
  'a thousand values in a variable': {
    query: SESSIONS,
    variables: { filter: { status: Array.from({ length: 1_000 }, (_, at) => `VALUE_${at}`) } },
  },
  'an input field of a mutation': {
    query: CREATE,
    variables: { input: { idempotencyKey: 'a', session: { [LONG]: {} } } },
  },
  'an idempotency key': { query: CREATE, variables: { input: { idempotencyKey: LONG, session: { kayle: {} } } } },
  'an external id': {
    query: CREATE,
    variables: { input: { idempotencyKey: 'a', externalId: LONG, session: { kayle: {} } } },
  },
  'a key of metadata': {
    query: CREATE,
    variables: { input: { idempotencyKey: 'a', metadata: { [LONG]: 1 }, session: { kayle: {} } } },
  },
  'an address': {
    query: CREATE,
    variables: { input: { idempotencyKey: 'a', session: { kayle: { redirectUrl: `https://${LONG}` } } } },
  },
  'a claim': {
    query: CREATE,
    variables: {
      input: {
        idempotencyKey: 'a',
        session: { kayle: { shareFields: [{ key: LONG, required: true, reason: LONG }] } },
      },
    },
  },
  'an id of an applicant': {
    query: CREATE,
    variables: {
      input: {
        idempotencyKey: 'a',
        applicantId: LONG,
        session: { personr: { applicant: { applicantProviderId: LONG } } },
      },
    },
  },
}

const ACCEPTS = [
  'application/json',
  'application/graphql-response+json',
  'multipart/mixed',
  'text/event-stream',
  'application/xml',
]

function post(body: string, headers: Readonly<Record<string, string>> = {}) {
  return client.execute({
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
    body,
  })
}

function expectShort(text: string): void {
  expect(text.toLowerCase().includes(MOST_REPEATED)).toBe(false)
  expect(text.includes('9'.repeat(300))).toBe(false)
  expect(text.length).toBeLessThan(MOST_OF_AN_ANSWER)
  for (const [, message] of text.matchAll(/"message":"((?:[^"\\]|\\.)*)"/g)) {
    expect(message?.length).toBeLessThan(MOST_OF_A_MESSAGE)
  }
}

describe('a long value is not repeated in an error:', () => {
  test.each(Object.entries(DOCUMENTS))('%s in a document', async (_what, query) => {
    // The last validation rule is not the first to reach it.
    for (const accept of [...ACCEPTS, ...ACCEPTS.slice(0, 2)]) {
      const { text } = await post(JSON.stringify({ query }), { accept })
      expectShort(text)
    }
  })

  test.each(Object.entries(BODIES))('%s', async (_what, body) => {
    for (const accept of [...ACCEPTS, ...ACCEPTS.slice(0, 2)]) {
      const { text } = await post(JSON.stringify(body), { accept })
      expect(text).toMatch(/"code":"|"data":|event: /)
      expectShort(text)
    }
  })

  test.each(['GET', 'POST'])('a URL, by %s', async method => {
    const long = 'x'.repeat(9_000)
    const headers = {
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
      'graphql-require-preflight': '1',
    }
    const body = method === 'POST' ? '{}' : undefined
    const paths = [
      `/${long}`,
      `/graphql/${long}`,
      `/graphql?query=${long}`,
      `/graphql?query={__typename}&operationName=${long}`,
      `/graphql?query={__typename}&variables=${long}`,
      `/graphql?query={${long}}`,
      `/graphql?${long}=1`,
      `/webhooks/${long}/${long}`,
      `/webhooks/kayle/${long}`,
      `/console/${long}`,
      `/console/api/${long}`,
      `/console/api/sessions?${long}=${long}`,
      `/console/api/sessions/${long}`,
      `/console/api/operations/${long}/settle`,
    ]
    for (const path of paths) expectShort((await client.execute({ method, path, headers, body })).text)
  })

  test('a header', async () => {
    const long = 'x'.repeat(9_000)
    for (const name of [
      'accept',
      'content-type',
      'content-encoding',
      'authorization',
      'origin',
      'x-request-id',
      'traceparent',
      'last-event-id',
      'host',
    ]) {
      for (const value of [long, `Bearer ${long}`, `application/${long}`, `application/json;charset=${long}`]) {
        const { text, headers } = await post('{"query":"{ nothing }"}', { [name]: value })
        expectShort(text)
        expectShort(JSON.stringify(headers))
      }
    }
  })
})

test('names may be as long as code generators make them', async () => {
  const name = 'x'.repeat(255)
  const query = `query ${name}($${name}: Boolean!) { ${name}: __typename ...${name} @include(if: $${name}) } fragment ${name} on Query { __typename }`
  const { data, errors } = await app.execute(query, { [name]: true })
  expect(errors).toEqual([])
  expect(data).toEqual({ [name]: 'Query', __typename: 'Query' })
  expect((await app.execute(`{ ${name}x: __typename }`)).errors).toMatchObject([
    { message: 'Expected names of at most 255 characters.', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ])
})
