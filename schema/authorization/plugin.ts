import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../../src/context.ts'
import { ForbiddenError } from '../../src/domain/errors.ts'
import {
  dependsOnArguments,
  describeRule,
  missingScopes,
  type Requirement,
  type Rule,
  ruleAbout,
} from './authorization.ts'

/** Passes each field's rule to Pothos' scope-auth plugin, which checks it before the field's other resolvers run. */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { parentType, declaringType, name } = config
    const types = [parentType, ...(declaringType ? [declaringType] : [])]
    const decision = ruleAbout(types, name)
    if (!decision)
      throw new Error(
        `${parentType}.${name} has no decision about who may select it: schema/authorization/authorization.ts`,
      )
    if (isPublic(decision)) return config
    const description = [config.description, describeRule(decision)].filter(text => text != null).join(' ')
    const pothosOptions = { ...config.pothosOptions, ...withRequirement(decision) }
    // Each field kind has its own options type, and the compiler cannot tell which one this object is.
    return { ...config, description, pothosOptions } as typeof config
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

function withRequirement(decision: Rule) {
  const needOf = (args: object, { caller }: Context): Requirement =>
    dependsOnArguments(decision) ? decision.requirementOf(args, caller) : decision
  return {
    authScopes: (_parent: unknown, args: object, context: Context) =>
      missingScopes(needOf(args, context), context.caller)?.length === 0,
    unauthorizedResolver: (_parent: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
      forbid(context, info, missingScopes(needOf(args, context), context.caller) ?? []),
  }
}

/**
 * Reports one error per operation: throws it for the first denied field, and adds the paths of the others to it. An
 * incremental response has one error per denied field.
 */
function forbid({ incremental, deniedFields }: Context, info: GraphQLResolveInfo, scopes: readonly string[]): null {
  const path = toFieldPath(info.path)
  // The first error may already be sent with an earlier part of the response.
  if (incremental) throw new ForbiddenError().add(path, scopes)
  const first = deniedFields.error === undefined
  deniedFields.error ??= new ForbiddenError()
  deniedFields.error.add(path, scopes)
  if (first || info.parentType.name === 'Subscription') throw deniedFields.error
  return null
}

/** The path of a field without list indexes: a field is denied in all rows alike. */
function toFieldPath(path: GraphQLResolveInfo['path']): string {
  const keys: string[] = []
  for (let at: typeof path | undefined = path; at; at = at.prev) if (typeof at.key === 'string') keys.unshift(at.key)
  return keys.join('.')
}
