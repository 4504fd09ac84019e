import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readDoc } from '../harness/docs/docs.ts'

/** The fragments and queries of a Relay app. */
const COMPONENTS = /* GraphQL */ `
  fragment Row_session on Session @refetchable(queryName: "RowRefetchQuery") {
    provider
    status
  }

  fragment Attempts_session on Session
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" })
  @refetchable(queryName: "AttemptsPaginationQuery") {
    attempts(first: $first, after: $after) @connection(key: "Attempts_attempts") {
      edges { node { id status } }
    }
  }

  fragment List_sessions on Query
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    filter: { type: "SessionFilter" }
  )
  @refetchable(queryName: "ListPaginationQuery") {
    sessions(first: $first, after: $after, filter: $filter) @connection(key: "List_sessions", filters: ["filter"]) {
      edges { node { id ...Row_session ...Attempts_session } }
    }
  }

  fragment Back_sessions on Query
  @argumentDefinitions(last: { type: "Int", defaultValue: 10 }, before: { type: "String" })
  @refetchable(queryName: "BackPaginationQuery") {
    sessions(last: $last, before: $before) @connection(key: "Back_sessions") {
      edges { node { id } }
    }
  }

  fragment Person_person on Person {
    nextAction { kind url session { ...Row_session } }
    sessions(first: 10) @connection(key: "Person_sessions") {
      edges { node { id ...Row_session } }
    }
  }

  query ScreenQuery($externalId: String!) {
    ...List_sessions
    person(externalId: $externalId) { ...Person_person }
  }

  mutation CancelMutation($input: CancelSessionInput!) {
    cancelSession(input: $input) {
      ... on CancelSessionPayload { session { id status } }
      ... on MutationError { code message }
    }
  }

  subscription LiveSubscription($id: ID!, $after: String) {
    sessionUpdated(id: $id, after: $after) { cursor session { id ...Row_session } }
  }
`

const compiler = findCompiler()
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-'))
})
beforeEach(context => {
  context.skip(!compiler, 'relay-compiler is not installed, or has no binary for this machine')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('relay-compiler accepts the schema: nodes are refetched, connections paginate forward and backward', async () => {
  await compile(readDoc('schema/schema.graphql'))
  const artifacts = await readdir(join(folder, '__generated__'))
  expect(artifacts).toEqual(
    expect.arrayContaining([
      'BackPaginationQuery.graphql.js',
      'ListPaginationQuery.graphql.js',
      'RowRefetchQuery.graphql.js',
    ]),
  )
  const refetch = await readFile(join(folder, '__generated__', 'RowRefetchQuery.graphql.js'), 'utf8')
  expect(refetch).toContain('node(id: $id)')
})

test.each([
  ['a list that is no connection', /edges: \[SessionEdge!\]!/, 'rows: [SessionEdge!]!', 'edges'],
  ['a node that cannot be refetched', /(type Session )implements Node/, '$1', 'Row_session'],
])('and finds %s', async (_what, from, to, reported) => {
  const sdl = readDoc('schema/schema.graphql')
  expect(sdl).toMatch(from)
  await expect(compile(sdl.replace(from, to))).rejects.toThrow(reported)
})

async function compile(sdl: string): Promise<void> {
  await writeFile(join(folder, 'schema.graphql'), sdl)
  await writeFile(
    join(folder, 'Screen.js'),
    documentsOf(COMPONENTS)
      .map(text => `graphql\`${text}\``)
      .join('\n'),
  )
  const config = { src: folder, schema: join(folder, 'schema.graphql'), language: 'javascript' }
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(config))
  await promisify(execFile)(compiler ?? '', [join(folder, 'relay.config.json')], { timeout: 20_000 })
}

/** Relay requires that the name of a document begins with that of its file. */
function documentsOf(text: string): string[] {
  return text.split(/\n(?= {2}(?:fragment|query|mutation|subscription) )/).filter(part => part.trim() !== '')
}

function findCompiler(): string | null {
  try {
    return createRequire(import.meta.url)('relay-compiler') as string | null
  } catch {
    return null
  }
}
