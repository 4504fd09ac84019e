import type { Seeded } from './seed.ts'

/** A measured case: a document and its requests. Each request of a cell is for another session or page. */

export interface Cell {
  readonly name: string
  readonly message: string
  /** JSON bodies. `__KEY__` is replaced by a unique text for each request. */
  readonly bodies: readonly string[]
  /** The number of list items in one response. */
  readonly items: number
  /** True if providers are called, so that their latency matters. */
  readonly live: boolean
}

const SESSION = 'id provider providerId status outcome externalId createdAt updatedAt'
const NOW = 'freshness: { maxAgeSeconds: 0 }'

const read = (session: string, related: string) =>
  `{
  ${SESSION}
  attempts${related} { nodes { id providerId kind status failureCode riskScore createdAt } }
  customer${related} { id providerId email name createdAt }
  applicant${related} { id providerId status outcome providerStatus createdAt }
}`.replace('{', `${session} {`)

const DOCUMENTS = {
  ping: 'query ping { __typename }',
  one: `query one($id: ID!) { ${read(`session(by: { id: $id }, ${NOW})`, `(${NOW})`)} }`,
  stored: `query stored($id: ID!) { ${read('session(by: { id: $id })', '')} }`,
  lookup: `query lookup($providerId: String!) {
    session(by: { atProvider: { provider: KAYLE, providerId: $providerId } }) { ${SESSION} }
  }`,
  list: `query list($first: Int!, $after: String) {
    sessions(first: $first, after: $after) {
      nodes { ${SESSION} attempts { nodes { id providerId kind status failureCode riskScore createdAt } }
        customer(${NOW}) { id providerId email name createdAt sync { stale } } }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  local: `query local($first: Int!, $after: String) {
    sessions(first: $first, after: $after) { nodes { ${SESSION} } pageInfo { hasNextPage endCursor } }
  }`,
  filtered: `query filtered($first: Int!, $after: String) {
    sessions(first: $first, after: $after, filter: { statuses: [COMPLETED], providers: [KAYLE] }) {
      nodes { ${SESSION} } pageInfo { hasNextPage endCursor }
    }
  }`,
  create: `mutation create($key: String!) {
    createSession(input: { idempotencyKey: $key, externalId: "user-1", session: { kayle: {
      redirectUrl: "https://app.example.com/done"
      shareFields: [{ key: "date_of_birth", required: true, reason: "To check that you are of age" }]
    } } }) {
      __typename
      ... on CreateSessionPayload { replayed session { id provider providerId status outcome externalId access { hostedUrl } } }
    }
  }`,
} as const

export type CellName = keyof typeof DOCUMENTS
export const CELLS = Object.keys(DOCUMENTS) as CellName[]
export const LIST_SIZES = [1, 10, 50, 100]

const body = (operationName: CellName, variables: object) =>
  JSON.stringify({ query: DOCUMENTS[operationName].replace(/\s+/g, ' '), operationName, variables })

export function createCells({ ids, providerIds, cursors }: Seeded): Record<CellName, Cell> {
  const pages = (name: CellName, live: boolean, message: string) => toPages({ cursors }, name, 50, live, message)
  const each = (name: CellName, live: boolean, message: string): Cell => {
    const bodies =
      name === 'lookup' ? providerIds.map(providerId => body(name, { providerId })) : ids.map(id => body(name, { id }))
    return { name, message, bodies, items: 1, live }
  }
  return {
    ping: { name: 'ping', message: '`{ __typename }`', bodies: [body('ping', {})], items: 1, live: false },
    one: each('one', true, 'a session, its attempts, customer and applicant, all read at their providers (3 calls)'),
    stored: each('stored', false, 'the same with the default freshness: from the store'),
    list: pages(
      'list',
      true,
      '50 sessions with attempts from the store, their 10 customers read at their provider (10 calls)',
    ),
    create: {
      name: 'create',
      message: 'a session at Kayle: journal, call, record (2 durable commits)',
      bodies: [body('create', { key: '__KEY__' })],
      items: 1,
      live: true,
    },
    local: pages('local', false, '50 sessions from the store'),
    filtered: pages('filtered', false, '50 sessions of one status and provider from the store'),
    lookup: each('lookup', false, "a stored session by its provider's id"),
  }
}

/** Pages of a list at different positions, including the first page. */
export function toPages(
  { cursors }: Pick<Seeded, 'cursors'>,
  name: CellName,
  first: number,
  live = true,
  message = `${first} sessions`,
): Cell {
  const starts = [null, ...cursors.slice(0, -2 * first)]
  return { name, message, bodies: starts.map(after => body(name, { first, after })), items: first, live }
}
