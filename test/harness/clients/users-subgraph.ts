import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema, graphql } from 'graphql'

/** A hand-written subgraph of another team: it has users and its own Node, and extends Session and Person. */

const SDL = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ["@key", "@shareable"])

  interface Node { id: ID! }
  type Query {
    user(id: ID!): User
    users: UserConnection!
    node(id: ID!): Node @shareable
  }
  type User implements Node @key(fields: "id") { id: ID! name: String! person: Person latest: Session }
  type UserConnection { nodes: [User!]! pageInfo: PageInfo! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Person @key(fields: "externalId") { externalId: String! user: User }
  type Session @key(fields: "id") { id: ID! note: String }
`

/** Definitions that a federation library would add. */
const ADDED = /* GraphQL */ `
  directive @link(url: String!, import: [String!]) on SCHEMA
  directive @key(fields: String!) on OBJECT
  directive @shareable on OBJECT | FIELD_DEFINITION
  scalar _Any
  union _Entity = Person | Session | User
  type _Service { sdl: String! }
  extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }
`

export interface User {
  readonly id: string
  readonly name: string
  readonly sessionId?: string
}

export interface UsersSubgraph {
  readonly url: string
  readonly sdl: string
  close(): Promise<void>
}

export async function startUsersSubgraph(users: readonly User[]): Promise<UsersSubgraph> {
  const schema = buildSchema(SDL + ADDED)
  const find = (id: string | undefined) => toUser(users.find(user => user.id === id))
  const rootValue = {
    _service: { sdl: SDL },
    _entities: ({ representations }: { representations: readonly Record<string, string>[] }) =>
      representations.map(({ __typename, id, externalId }) => {
        if (__typename === 'Person') return { __typename, externalId, user: find(externalId) }
        return __typename === 'Session' ? toSession(id) : find(id)
      }),
    user: ({ id }: { id: string }) => find(id),
    users: { nodes: users.map(toUser), pageInfo: { hasNextPage: false, hasPreviousPage: false } },
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { query, variables } = JSON.parse(Buffer.concat(chunks).toString())
    const result = await graphql({ schema, rootValue, source: query, variableValues: variables })
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result))
  })
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/graphql`,
    sdl: SDL,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function toSession(id: string | undefined) {
  return { __typename: 'Session', id, note: `note on ${id}` }
}

/** The id of its user is the externalId of our person. */
function toUser(user: User | undefined) {
  if (!user) return null
  return {
    ...user,
    __typename: 'User',
    person: { __typename: 'Person', externalId: user.id },
    latest: user.sessionId ? toSession(user.sessionId) : null,
  }
}
