import { parse, validate } from 'graphql'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildSchema } from '../../schema/index.ts'
import { type AnalyzeOperation, createOperationAnalyzer } from '../../src/http/document/operation-analysis.ts'
import { registry } from '../../src/providers/registry.ts'

let schema: Awaited<ReturnType<typeof buildSchema>>
let analyze: AnalyzeOperation
beforeAll(async () => {
  schema = await buildSchema(registry)
  analyze = createOperationAnalyzer(schema)
})

function analysisOf(query: string, operationName?: string) {
  const document = parse(query)
  expect(validate(schema, document)).toEqual([])
  const analysis = analyze(document, operationName)
  if (!analysis) throw new Error('Expected an operation.')
  return analysis
}

describe('a session field that is encrypted at rest', () => {
  const selects = (query: string, variables = {}) => analysisOf(query).selectsEncryptedField(variables)

  test.each([
    ['directly', '{ sessions { nodes { metadata } } }'],
    ['under an alias', '{ sessions { nodes { id: metadata } } }'],
    ['in a fragment', '{ sessions { nodes { ...f } } } fragment f on Session { access { hostedUrl } }'],
    ['in an inline fragment of an interface', '{ node(id: "x") { ... on Session { details { __typename } } } }'],
    ['through an edge', '{ sessions { edges { node { redirectUrl } } } }'],
  ])('is selected %s', (_how, query) => {
    expect(selects(query)).toBe(true)
  })

  test.each([
    ['an argument, a comment or a string that has its name', '{ applicant(by: { id: "metadata" }) { id } } # details'],
    ['an alias that has its name', '{ sessions { nodes { metadata: id details: status } } }'],
    ['a field of that name of another type', '{ customers { nodes { metadata details { __typename } } } }'],
    [
      'a fragment of another operation',
      'query a { __typename } query b { ...f } fragment f on Query { sessions { nodes { metadata } } }',
    ],
    ['a selection that is always skipped', '{ sessions { nodes { metadata @skip(if: true) } } }'],
  ])('is not selected by %s', (_what, query) => {
    expect(analysisOf(query, query.includes('query a') ? 'a' : undefined).selectsEncryptedField({})).toBe(false)
  })

  test('depends on the variables of @skip and @include, and on their defaults', () => {
    const query =
      'query ($on: Boolean! = true) { sessions { nodes { ...f @include(if: $on) } } } fragment f on Session { metadata }'
    expect(selects(query)).toBe(true)
    expect(selects(query, { on: false })).toBe(false)
    expect(selects(query, { on: 'no boolean' })).toBe(false)
  })
})

describe('the live cursor', () => {
  const selects = (query: string, variables = {}) => analysisOf(query).selectsLiveCursor(variables)

  test('is selected of a page and of a session', () => {
    expect(selects('{ sessions { liveCursor } }')).toBe(true)
    expect(selects('{ sessions { nodes { position: liveCursor } } }')).toBe(true)
  })

  test('is not selected by an alias that has its name', () => {
    expect(selects('{ sessions { liveCursor: totalCount } }')).toBe(false)
  })

  test('is selected under @skip if its variable allows', () => {
    const query = 'query ($off: Boolean!) { sessions { totalCount ... @skip(if: $off) { liveCursor } } }'
    expect(selects(query, { off: false })).toBe(true)
    expect(selects(query, { off: true })).toBe(false)
  })
})
