import { type DocumentNode, GraphQLObjectType, type GraphQLSchema, Kind, parse, print, validate, visit } from 'graphql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildSchema } from '../../schema/index.ts'
import { loadDocuments } from '../../src/app/documents.ts'
import { registry } from '../../src/providers/registry.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

const schema = await buildSchema(registry)
const examples = loadDocuments()

describe('example operations', () => {
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  it('are one file with one operation each', () => {
    expect(examples.length).toBeGreaterThanOrEqual(5)
    for (const { name, query } of examples) expect(operationsIn(parse(query)), name).toHaveLength(1)
  })

  it.each(examples)('$name is valid', ({ query }) => {
    expect(validate(schema, parse(query))).toEqual([])
  })

  it.each(examples)('$name runs unchanged on a server where at most the first has run', async ({ name, query }) => {
    if (name === '05-person') await app.execute(examples[0]?.query ?? '')
    const { status, errors, data } = await app.execute(query)
    expect(status).toBe(200)
    expect(errors).toEqual([])
    expect(Object.values(data)).not.toContain(null)
  })

  it('run one after the other, each with its result and never with an error result', async () => {
    for (const { name, query } of examples) {
      const { errors, data } = await app.execute(withTypenames(query))
      expect(errors, name).toEqual([])
      expect(typenamesIn(data).length, name).toBeGreaterThan(1)
      expect(errorsIn(schema, data), name).toEqual([])
    }
  })

  it('show the error result if there is one', async () => {
    const query = examples.find(({ name }) => name.startsWith('01'))?.query ?? ''
    const { data } = await app.execute(withTypenames(query.replace('date_of_birth', 'no_such_claim')))
    expect(errorsIn(schema, data)).toEqual(['InvalidInputError'])
  })

  it('create one session however often the create is sent', async () => {
    const query = examples.find(({ name }) => name.startsWith('01'))?.query ?? ''
    const first = await app.execute(query)
    const second = await app.execute(query)
    expect(first.data.createSession).toMatchObject({ __typename: 'CreateSessionPayload', replayed: false })
    expect(second.data.createSession).toEqual({ ...first.data.createSession, replayed: true })
    const sent = await app.sandbox('KAYLE').requests()
    expect(sent.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('read the sessions that the previous examples created, with their linked records', async () => {
    for (const { query } of examples.filter(({ name }) => /^0[13]/.test(name))) await app.execute(query)
    const { data } = await app.execute(examples.find(({ name }) => name.startsWith('02'))?.query ?? '')
    const providers: string[] = data.sessions.nodes.map((node: { provider: string }) => node.provider)
    expect(providers.sort()).toEqual(['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'])
  })
})

function operationsIn(document: DocumentNode) {
  return document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
}

/** The operation with __typename in every selection. */
function withTypenames(query: string): string {
  const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const
  return print(
    visit(parse(query), {
      SelectionSet: ({ selections, ...rest }) => ({ ...rest, selections: [typename, ...selections] }),
    }),
  )
}

function typenamesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = '__typename' in value ? [String(value.__typename)] : []
  return [...own, ...Object.values(value).flatMap(typenamesIn)]
}

function errorsIn(schema: GraphQLSchema, value: unknown): string[] {
  return typenamesIn(value).filter(name => {
    const type = schema.getType(name)
    return type instanceof GraphQLObjectType && type.getInterfaces().some(({ name }) => name === 'MutationError')
  })
}
