import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql'
import type { Context } from '../../src/context.ts'
import type { Caller, Scope } from '../../src/domain/access/caller.ts'
import { ForbiddenError } from '../../src/domain/errors.ts'
import {
  dependsOnArguments,
  describeRule,
  missingScopes,
  type Requirement,
  type Rule,
  ruleAbout,
} from './authorization.ts'
import { selectedPayloadFields } from './payload-selection.ts'

/** Checks each field's rule before the field's other resolvers run, and a subscription's before its stream opens. */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const decision = ruleOf(config)
    if (isPublic(decision)) return config
    const description = [config.description, describeRule(decision)].filter(text => text != null).join(' ')
    const extensions = { ...config.extensions, confidential: isConfidential(decision) }
    return { ...config, description, extensions }
  }

  override wrapResolve(resolver: Resolver, config: PothosOutputFieldConfig<Types>): Resolver {
    return config.kind === 'Subscription' ? resolver : authorized(ruleOf(config), resolver)
  }

  override wrapSubscribe(subscribe: Resolver | undefined, config: PothosOutputFieldConfig<Types>) {
    return subscribe && authorized(ruleOf(config), subscribe)
  }
}

type Resolver = GraphQLFieldResolver<unknown, object, object>

SchemaBuilder.registerPlugin('access', AccessPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      access: AccessPlugin<Types>
    }
  }
}

/** Throws for a field without a rule. */
function ruleOf<Types extends SchemaTypes>({ parentType, declaringType, name }: PothosOutputFieldConfig<Types>): Rule {
  const decision = ruleAbout(declaringType ? [parentType, declaringType] : [parentType], name)
  if (decision) return decision
  throw new Error(`${parentType}.${name} has no authorization rule: add one in schema/authorization/rules.ts`)
}

function isPublic(decision: Rule): boolean {
  return !dependsOnArguments(decision) && decision.clients && decision.scopes.length + decision.oneOf.length === 0
}

interface DeniedField {
  readonly path: string
  readonly scopes: readonly Scope[]
}

/** True for personal data and secrets. */
function isConfidential(decision: Rule): boolean {
  return !dependsOnArguments(decision) && decision.scopes.some(scope => CONFIDENTIAL_SCOPES.includes(scope))
}

const CONFIDENTIAL_SCOPES: readonly Scope[] = ['pii:read', 'session:access']

/** The resolver for callers who may select the field. */
function authorized(decision: Rule, resolver: Resolver): Resolver {
  if (isPublic(decision)) return resolver
  return (parent, args, context, info) => {
    // The builder has this context type, which the compiler cannot know in a plugin.
    const denied = findDenied(decision, args, context as Context, info)
    return denied.length === 0 ? resolver(parent, args, context, info) : forbid(context as Context, info, denied)
  }
}

/** The field, if it is denied. For a mutation otherwise the denied fields of its payload, so that it has no effects. */
function findDenied(
  decision: Rule,
  args: object,
  { caller }: Context,
  info: GraphQLResolveInfo,
): readonly DeniedField[] {
  const missing = missingScopes(toRequirement(decision, args, caller), caller)
  if (missing?.length !== 0) return [{ path: toFieldPath(info.path), scopes: missing ?? [] }]
  if (info.parentType.name !== 'Mutation') return NONE
  const path = toFieldPath(info.path)
  return selectedPayloadFields(info).flatMap(({ type, field, key }) => {
    const rule = ruleAbout([type], field)
    const missing = rule && missingScopes(toRequirement(rule, {}, caller), caller)
    return missing?.length === 0 || !rule ? [] : [{ path: `${path}.${key}`, scopes: missing ?? [] }]
  })
}

const NONE: readonly DeniedField[] = []

function toRequirement(rule: Rule, args: object, caller: Caller): Requirement {
  return dependsOnArguments(rule) ? rule.requirementOf(args, caller) : rule
}

/**
 * Reports one error per operation: throws it for the first denied field, and adds the paths of the others to it. An
 * incremental response has one error per denied field.
 */
function forbid(
  { incremental, deniedFields }: Context,
  info: GraphQLResolveInfo,
  denied: readonly DeniedField[],
): null {
  // The first error may already be sent with an earlier part of the response.
  const first = deniedFields.error === undefined
  const error = incremental ? new ForbiddenError() : (deniedFields.error ?? new ForbiddenError())
  for (const { path, scopes } of denied) error.add(path, scopes)
  if (incremental) throw error
  deniedFields.error = error
  if (first || info.parentType.name === 'Subscription') throw deniedFields.error
  return null
}

/** The path of a field without list indexes: a field is denied in all rows alike. */
function toFieldPath(path: GraphQLResolveInfo['path']): string {
  const keys: string[] = []
  for (let at: typeof path | undefined = path; at; at = at.prev) if (typeof at.key === 'string') keys.unshift(at.key)
  return keys.join('.')
}
