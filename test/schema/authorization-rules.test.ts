import { type GraphQLObjectType, isIntrospectionType, isNonNullType, isObjectType } from 'graphql'
import { expect, test } from 'vitest'
import {
  ANY_API_KEY,
  defineRule,
  dependsOnArguments,
  INHERIT,
  missingScopes,
  type Rule,
  ruleAbout,
  ruleFor,
  scoped,
} from '../../schema/authorization/authorization.ts'
import { buildSchema } from '../../schema/index.ts'
import { registry } from '../../src/providers/registry.ts'

const schema = await buildSchema(registry, 'on')
const objects = Object.values(schema.getTypeMap())
  .filter(isObjectType)
  .filter(type => !isIntrospectionType(type))
const ROOTS = ['Query', 'Mutation', 'Subscription']

function fieldsOf(type: GraphQLObjectType) {
  return Object.values(type.getFields()).map(field => ({
    name: `${type.name}.${field.name}`,
    field,
    decision: ruleAbout([type.name, ...type.getInterfaces().map(({ name }) => name)], field.name),
  }))
}

test('every field of every object has an authorization rule', () => {
  const fields = objects.flatMap(fieldsOf)
  expect(fields.length).toBeGreaterThan(250)
  expect(fields.filter(({ decision }) => !decision).map(({ name }) => name)).toEqual([])
})

test('no rule is about an unknown field', () => {
  const there = new Set(
    Object.values(schema.getTypeMap()).flatMap(type =>
      'getFields' in type ? Object.keys(type.getFields()).map(field => `${type.name}.${field}`) : [],
    ),
  )
  expect([...ruleFor().keys()].filter(name => !there.has(name))).toEqual([])
})

test('a field that can be denied is nullable, so that a denial nulls one field', () => {
  const refusable = objects
    .flatMap(fieldsOf)
    .filter(({ decision }) => decision && decision !== INHERIT && !isFree(decision))
    .filter(({ name }) => !name.startsWith('Subscription.'))
    // The federation specification requires these two to be non-null.
    .filter(({ name }) => !['Query._entities', 'Query._service'].includes(name))
    // Such a mutation is denied as a whole, before it has effects.
    .filter(({ name }) => !/^Create\w+Payload\./.test(name))
  expect(refusable.length).toBeGreaterThan(40)
  expect(refusable.filter(({ field }) => isNonNullType(field.type)).map(({ name }) => name)).toEqual([])
})

test('no root field is public', () => {
  const open = objects.filter(({ name }) => ROOTS.includes(name)).flatMap(fieldsOf)
  expect(open.filter(({ decision }) => decision && isFree(decision)).map(({ name }) => name)).toEqual([])
})

test('no mutation and no list is open to a client token', () => {
  const client = {
    tenantId: 'dev',
    keyId: 'k',
    costPerMinute: null,
    scopes: new Set<never>(),
    subject: { externalId: 'u' },
    expiresAt: null,
  }
  const open = objects
    .filter(({ name }) => ROOTS.includes(name))
    .flatMap(fieldsOf)
    .filter(({ decision }) => {
      const args = { id: 'x', ids: [], representations: [], filter: {}, externalId: 'u' }
      const rule = decision ?? ANY_API_KEY
      const need = dependsOnArguments(rule) ? rule.requirementOf(args, client) : rule
      return missingScopes(need, client) !== undefined
    })
    .map(({ name }) => name)
    .filter(name => !['Query.person', 'Query._entities'].includes(name))
  expect(open.sort()).toEqual(['Query.session', 'Subscription.personUpdated', 'Subscription.sessionUpdated'])
})

test('no score is open to a client token', () => {
  const scores = objects.flatMap(fieldsOf).filter(({ field }) => /score$/i.test(field.name))
  expect(scores.length).toBeGreaterThan(3)
  const open = scores.filter(({ decision }) => !decision || dependsOnArguments(decision) || decision.clients)
  expect(open.map(({ name }) => name)).toEqual([])
})

test('a field cannot have two rules', () => {
  expect(() => defineRule('Session', [INHERIT, ['id']])).toThrow('Session.id has two authorization rules.')
})

test('a key lacks the scopes it was not given, and a token all that are not for tokens', () => {
  const scopes = new Set(['pii:read'] as const)
  const key = { tenantId: 'dev', keyId: 'k', scopes, costPerMinute: null, subject: null, expiresAt: null }
  expect(missingScopes(scoped('pii:read', 'admin'), key)).toEqual(['admin'])
  expect(missingScopes(ANY_API_KEY, key)).toEqual([])
  expect(missingScopes(ANY_API_KEY, { ...key, subject: { externalId: 'u' } })).toBeUndefined()
})

function isFree(decision: Rule): boolean {
  return !dependsOnArguments(decision) && decision.clients && decision.scopes.length + decision.oneOf.length === 0
}
