import { readFileSync } from 'node:fs'
import { buildSchema as fromSdl, printSchema } from 'graphql'
import { describe, expect, it } from 'vitest'
import { buildSchema } from '../../schema/index.ts'
import { registry } from '../../src/providers/registry.ts'
import { demandsOf, promisesOf, undescribed } from '../harness/documents/schema-facts.ts'
import { disagreements, inputCycles } from '../harness/documents/schema-rules.ts'

const schema = await buildSchema(registry)

function readSdl(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

describe('the printed schema', () => {
  it('is the schema that the server builds', () => {
    const printed = readSdl('../../schema/schema.graphql').trimEnd()
    expect(printed, 'schema/schema.graphql is out of date: npm run schema').toBe(printSchema(schema).trimEnd())
  })
})

describe('the contract of names', () => {
  const contract = fromSdl(readSdl('./schema-contract.graphql'))

  it('is implemented: every type, field, argument, default, enum value and union member is as written', () => {
    expect(promisesOf(contract).length).toBeGreaterThan(500)
    expect(lacking(promisesOf(contract), promisesOf(schema))).toEqual([])
  })

  it('is not tightened: nothing is required that the contract does not require', () => {
    const isPromised = (demand: string) => contract.getType(demand.split('.')[0] ?? '') !== undefined
    expect(lacking(demandsOf(schema).filter(isPromised), demandsOf(contract))).toEqual([])
  })

  const promised = `
    union Pet = Cat | Dog
    enum Mood { GOOD BAD }
    interface Named { name: String! }
    type Cat implements Named { name: String! }
    type Dog { age: Int }
    input By @oneOf { id: ID name: String }
    type Query { pet(by: By, first: Int = 20, mood: Mood = GOOD): Pet }`

  it.each([
    ['a type', 'Dog', 'Hound', 'GraphQLObjectType Dog'],
    ['a field', 'age: Int', 'years: Int', 'Dog.age: Int'],
    ['a type of a field', 'age: Int', 'age: Float', 'Dog.age: Int'],
    ['a nullability', 'type Cat implements Named { name: String! }', 'type Cat { name: String }', 'Cat.name: String!'],
    ['an interface', 'Cat implements Named', 'Cat', 'Cat implements Named'],
    ['an enum value', 'GOOD BAD', 'GOOD', 'Mood.BAD'],
    ['a union member', 'Cat | Dog', 'Cat', 'Pet may be Dog'],
    ['an argument', 'first: Int = 20, ', '', 'Query.pet(first): Int = 20'],
    ['a default', 'Int = 20', 'Int = 10', 'Query.pet(first): Int = 20'],
    ['a default of an enum', 'Mood = GOOD', 'Mood = BAD', 'Query.pet(mood): Mood = GOOD'],
    ['a oneOf', '@oneOf', '', 'By @oneOf'],
    ['an input field', 'name: String }\n    type Query', '}\n    type Query', 'By.name: String'],
  ])('is broken by the loss of %s', (_what, from, to, missing) => {
    expect(promised).toContain(from)
    const changed = fromSdl(promised.replaceAll(from, to))
    expect(lacking(promisesOf(fromSdl(promised)), promisesOf(changed)).join('\n')).toContain(missing)
  })

  it('is tightened by a new required argument', () => {
    const changed = promised.replace('first: Int = 20', 'first: Int = 20, after: ID!')
    expect(lacking(demandsOf(fromSdl(changed)), demandsOf(fromSdl(promised)))).toEqual(['Query.pet(after)'])
  })
})

describe('every schema', () => {
  it('describes each type, field, argument, input field and enum value', () => {
    expect(undescribed(schema)).toEqual([])
    expect(undescribed(fromSdl('type Query { a(b: Int): E } input I { c: Int } enum E { D }'))).toEqual([
      'Query',
      'Query.a',
      'Query.a(b)',
      'I',
      'I.c',
      'E',
      'E.D',
    ])
  })

  it('has no union whose members disagree about a common field', () => {
    expect(disagreements(schema)).toEqual([])
    const sdl = 'union U = A | B | C  type A { x: Int }  type B { y: Int }  type C { x: Int! y: Int }'
    expect(disagreements(fromSdl(sdl))).toEqual(['U: A.x is Int, but C.x is Int!'])
  })

  it('has no input type that contains itself, directly or indirectly', () => {
    expect(inputCycles(schema)).toEqual([])
    expect(inputCycles(fromSdl('input A { b: [B!] }  input B { a: A c: C }  input C { x: Int }'))).toEqual([
      'A > B > A',
      'B > A > B',
    ])
  })
})

function lacking(wanted: readonly string[], there: readonly string[]): string[] {
  const known = new Set(there)
  return wanted.filter(each => !known.has(each))
}
