import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
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

/** Passes each field's rule to Pothos' scope-auth plugin, which checks it before the field's other resolvers run. */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { parentType, declaringType, name } = config
    const types = [parentType, ...(declaringType ? [declaringType] : [])]
    const decision = ruleAbout(types, name)
    if (!decision)
      throw new Error(`${parentType}.${name} has no authorization rule: add one in schema/authorization/rules.ts`)
    if (isPublic(decision)) return config
    const description = [config.description, describeRule(decision)].filter(text => text != null).join(' ')
    const pothosOptions = { ...config.pothosOptions, ...withRequirement(decision) }
    // Each field kind has its own options type, and the compiler cannot tell which one this object is.
    const extensions = { ...config.extensions, confidential: isConfidential(decision) }
    return { ...config, description, extensions, pothosOptions } as typeof config
  }
}

SchemaBuilder.registerPlugin('access', AccessPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      access: AccessPlugin<Types>
    }
  }
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

function withRequirement(decision: Rule) {
  return {
    authScopes: (_parent: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
      findDenied(decision, args, context, info).length === 0,
    unauthorizedResolver: (_parent: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
      forbid(context, info, findDenied(decision, args, context, info)),
  }
}

/** The field, if it is denied. For a mutation otherwise the denied fields of its payload, so that it has no effects. */
function findDenied(
  decision: Rule,
  args: object,
  { caller }: Context,
  info: GraphQLResolveInfo,
): readonly DeniedField[] {
  const path = toFieldPath(info.path)
  const missing = missingScopes(toRequirement(decision, args, caller), caller)
  if (missing?.length !== 0) return [{ path, scopes: missing ?? [] }]
  if (info.parentType.name !== 'Mutation') return []
  return selectedPayloadFields(info).flatMap(({ type, field, key }) => {
    const rule = ruleAbout([type], field)
    const missing = rule && missingScopes(toRequirement(rule, {}, caller), caller)
    return missing?.length === 0 || !rule ? [] : [{ path: `${path}.${key}`, scopes: missing ?? [] }]
  })
}

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
