import { API_KEY } from '../app/test-app.ts'
import type { RawRequest } from '../clients/raw-client.ts'
import type { RichData } from './rich-data.ts'
import { operation } from './worst-requests.ts'

/** A request that may differ each time. */
export interface SmallRequest {
  readonly name: string
  readonly next: () => RawRequest
}

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
const STREAM_HEADERS = { ...HEADERS, accept: 'text/event-stream' }
const repeat = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ')
const FIELDS = 'id status outcome provider providerId createdAt updatedAt externalId'
const CREATE =
  'mutation ($i: CreateSessionInput!) { createSession(input: $i) { __typename ... on CreateSessionPayload { session { id } } } }'
const BY_ID = 'query ($id: ID!) { session(by: { id: $id }) { id status } }'

/** The smallest requests of each kind: known and new documents, refusals, mutations, provider calls, streams that are refused. */
export function smallRequests({ sessionIds, customerId }: RichData): SmallRequest[] {
  let count = 0
  const unique = () => `u${count++}`
  const id = () => sessionIds[count++ % sessionIds.length]
  const stream = (query: string): RawRequest => ({ ...operation(query), headers: STREAM_HEADERS })
  const kinds: Record<string, () => RawRequest> = {
    'the smallest': () => operation('{ __typename }'),
    'one session': () => operation(BY_ID, { id: id() }),
    'a page': () => operation(`{ sessions(first: 20) { nodes { ${FIELDS} } } }`),
    'a query over GET': () => ({ method: 'GET', path: '/graphql?query=%7B__typename%7D', headers: HEADERS }),
    'the smallest new document': () => operation(`{ ${unique()}: __typename }`),
    'a new document of one session': () => operation(`{ ${unique()}: session(by: { id: "${id()}" }) { id status } }`),
    'a new document of a page': () => operation(`{ ${unique()}: sessions(first: 20) { nodes { ${FIELDS} } } }`),
    'a new document of 200 fields': () =>
      operation(`{ ${unique()}: session(by: { id: "${id()}" }) { ${'id status '.repeat(100)} } }`),
    'a new document of 900 fields': () =>
      operation(`{ ${unique()}: session(by: { id: "${id()}" }) { ${'id status '.repeat(450)} } }`),
    'a new document of many fragments': () =>
      operation(
        `{ ${unique()}: __typename ${repeat(60, at => `...F${at}`)} } ${repeat(60, at => `fragment F${at} on Query { __typename }`)}`,
      ),
    'a new document of pages': () =>
      operation(`{ ${unique()}: __typename ${repeat(9, at => `s${at}: sessions(first: 0) { nodes { id } }`)} }`),
    'a new document with a syntax error': () => operation(`{ ${unique()}`),
    'a new document with an unknown field': () => operation(`{ ${unique()} }`),
    'a new document with 20 unknown fields': () => operation(`{ ${repeat(20, unique)} }`),
    'a new document with a literal of another type': () =>
      operation(`{ ${unique()}: sessions(first: "x") { nodes { id } } }`),
    'a new document that is too complex': () =>
      operation(
        `{ ${unique()}: sessions(first: 100) { nodes { customer { sessions(first: 100) { nodes { id } } } } } }`,
      ),
    'an unknown field': () => operation('{ unknown }'),
    'a syntax error': () => operation('{'),
    'an invalid variable': () => operation(BY_ID, { id: {} }),
    'a record that is missing': () => operation(BY_ID, { id: 'x' }),
    '100 ids of no record': () =>
      operation('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(100).fill('x') }),
    'a body of no JSON': () => ({ headers: HEADERS, body: '{' }),
    'a body without a document': () => ({ headers: HEADERS, body: '{}' }),
    'a body of another type': () => ({ headers: { ...HEADERS, 'content-type': 'text/plain' }, body: 'x' }),
    'another method': () => ({ method: 'PUT', headers: HEADERS, body: 'x' }),
    'a create': () =>
      operation(CREATE, { i: { idempotencyKey: unique(), externalId: unique(), session: { kayle: {} } } }),
    'a repeated create': () => operation(CREATE, { i: { idempotencyKey: 'same', session: { kayle: {} } } }),
    'an invalid create': () => operation(CREATE, { i: { idempotencyKey: '', session: { kayle: {} } } }),
    'a link': () =>
      operation('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { __typename } }', {
        i: { sessionId: sessionIds[1], customerId: count++ % 2 === 0 ? customerId : null },
      }),
    'a read at the provider': () =>
      operation('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }', {
        id: id(),
      }),
    'attempts at the provider': () =>
      operation(
        'query ($id: ID!) { session(by: { id: $id }) { attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } } }',
        { id: id() },
      ),
    'one type': () =>
      operation('{ __type(name: "Session") { fields { name description args { name } type { name } } } }'),
    'a stream that is refused': () => stream('subscription { sessionUpdated(id: "x") { session { id } } }'),
    'a stream of a new document that is refused': () =>
      stream(`subscription { ${unique()}: sessionUpdated(id: "x") { session { id } } }`),
    'a stream with a syntax error': () => stream('subscription {'),
  }
  return Object.entries(kinds).map(([name, next]) => ({ name, next }))
}
