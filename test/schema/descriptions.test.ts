import {
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { describeRule, ruleAbout } from '../../schema/authorization/authorization.ts'
import { buildSchema } from '../../schema/index.ts'
import { registry } from '../../src/providers/registry.ts'
import { descriptionsOf, ownTypes } from '../harness/documents/schema-facts.ts'

const schema = await buildSchema(registry)
const types = ownTypes(schema)

/** The output types for which clients generate code. */
const outputs = types.filter(type => isObjectType(type) || isInterfaceType(type))

describe('descriptions', () => {
  test('are sentences, without bare question words', () => {
    const bare = /^(?:where|which|when|how|what|who|whose|why)(?: (?:it is|one|far))?\.?$/i
    expect(descriptionsOf(schema).filter(([, text]) => bare.test(text ?? '') || !/[.:]$/.test(text ?? ''))).toEqual([])
  })

  test('use the standard terms and no private ones', () => {
    const words = /\b(?:the caller|caller's|our store|our id|we |told|tells|asked|nobody|verbatim)\b/i
    expect(descriptionsOf(schema).filter(([, text]) => words.test(text ?? ''))).toEqual([])
  })

  test('name the scope of each field that requires one', () => {
    const missing = outputs.flatMap(type => {
      const owners = [type.name, ...type.getInterfaces().map(({ name }) => name)]
      return Object.values(type.getFields()).flatMap(({ name, description }) => {
        const rule = ruleAbout(owners, name)
        const sentence = rule && describeRule(rule)
        return sentence && !description?.endsWith(sentence) ? [`${type.name}.${name}: ${sentence}`] : []
      })
    })
    expect(missing).toEqual([])
    expect(schema.getType('Applicant')).toMatchObject({
      _fields: { email: { description: expect.stringContaining('`pii:read`') } },
    })
  })

  test('announce for each enum of results that values are added, and how to handle an unknown one', () => {
    const returned = new Set(
      outputs.flatMap(type => Object.values(type.getFields()).map(field => getNamedType(field.type))),
    )
    const enums = types.filter(isEnumType).filter(type => returned.has(type))
    const closed = enums.filter(type => !/Values are added: (?:treat|show)/.test(type.description ?? ''))
    expect(enums.length).toBeGreaterThan(10)
    expect(closed.map(({ name }) => name)).toEqual([])
  })

  test('of our scalars have their specification', () => {
    expect(types.filter(isScalarType).filter(type => !type.specifiedByURL)).toEqual([])
  })
})

/** apollo-ios and apollo-kotlin rename these types; in TypeScript an import would hide a global of the same name. */
const RESERVED_TYPES = [
  ...['Any', 'DataDict', 'DocumentType', 'Fragments', 'FragmentContainer', 'ParentType', 'Protocol', 'Schema'],
  ...['Selection', 'Self', 'String', 'Bool', 'Float', 'Int', 'Double', 'ID', 'Type', 'Error', 'Operation'],
  ...['Array', 'Date', 'Event', 'Exact', 'InputMaybe', 'Map', 'Maybe', 'Object', 'Promise', 'Record', 'Scalars', 'Set'],
]

describe('generated code', () => {
  test('needs to rename no type, in Swift, Kotlin or TypeScript', () => {
    const own = types.filter(type => !['Query', 'Mutation', 'Subscription'].includes(type.name))
    expect(own.filter(({ name }) => RESERVED_TYPES.includes(name))).toEqual([])
    expect(collisions(types.map(({ name }) => name))).toEqual([])
  })

  test('has no two members of one type that differ only in case', () => {
    expect(types.flatMap(type => collisions(membersOf(type)).map(name => `${type.name}.${name}`))).toEqual([])
    expect(collisions(['IN_PROGRESS', 'inProgress'])).toEqual(['inProgress'])
  })
})

function membersOf(type: GraphQLNamedType): string[] {
  if (isEnumType(type)) return type.getValues().map(({ name }) => name)
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? Object.keys(type.getFields()) : []
}

/** The names that equal another name in camel case. */
function collisions(names: readonly string[]): string[] {
  const plain = names.map(name => name.replaceAll('_', '').toLowerCase())
  return names.filter((_, index) => plain.indexOf(plain[index] ?? '') < index)
}
