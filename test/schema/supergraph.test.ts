import { readFileSync } from 'node:fs'
import { composeServices } from '@apollo/composition'
import { buildSchema, isInputObjectType, parse } from 'graphql'
import { describe, expect, test } from 'vitest'

const SUBGRAPH = readFileSync(new URL('../../schema/subgraph.graphql', import.meta.url), 'utf8')
const CLIENTS = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')

/** The schema composed with another subgraph, whose types are in `sdl`. */
function composeBeside(sdl: string) {
  const theirs = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ["@key", "@shareable"])
    type Query { other: ID }
    ${sdl}`
  return composeServices([
    { name: 'sessiongraph', url: 'http://localhost:4000/graphql', typeDefs: parse(SUBGRAPH) },
    { name: 'other', url: 'http://localhost:4002/graphql', typeDefs: parse(theirs) },
  ])
}

describe('a supergraph', () => {
  test('keeps @oneOf on each input that has it', () => {
    const oneOf = Object.values(buildSchema(CLIENTS).getTypeMap()).filter(
      type => isInputObjectType(type) && type.isOneOf,
    )
    const { supergraphSdl = '', errors } = composeBeside('')
    expect(errors).toBeUndefined()
    expect(oneOf.length).toBeGreaterThan(8)
    for (const { name } of oneOf) expect(supergraphSdl).toMatch(new RegExp(`input ${name}\\s[^{]*@oneOf`))
  })

  test.each(['Session', 'Customer'])('merges a %s of another subgraph without an error or a hint', name => {
    const {
      supergraphSdl = '',
      errors,
      hints,
    } = composeBeside(`type ${name} @key(fields: "id") { id: ID! device: ID }`)
    expect(errors).toBeUndefined()
    expect(hints?.filter(hint => hint.toString().includes(name))).toEqual([])
    const merged = supergraphSdl.slice(supergraphSdl.indexOf(`type ${name} `))
    expect(merged.slice(0, merged.indexOf('}'))).toContain('device: ID @join__field(graph: OTHER)')
  })

  test.each([
    ['a field that is not shareable', 'type Customer { id: ID! email: String }', 'Customer.email'],
    ['a PageInfo that is not shareable', 'type PageInfo { hasNextPage: Boolean! }', 'PageInfo'],
    [
      'an enum of the same name in inputs and results',
      'enum Provider { GOOGLE }  extend type Query { by(p: Provider): Provider }',
      'Provider',
    ],
  ])('does not compose with %s', (_what, sdl, name) => {
    expect(composeBeside(sdl).errors?.map(String).join()).toContain(name)
  })
})
