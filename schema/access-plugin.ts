import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../src/context.ts'
import { ForbiddenError } from '../src/domain/errors.ts'
import { type Decision, decisionAbout, lacking, type Need } from './access.ts'

/** Hands each field's decision to the plugin that carries it out, before anything else of the field runs. */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { parentType, declaringType, name } = config
    const types = [parentType, ...(declaringType ? [declaringType] : [])]
    const decision = decisionAbout(types, name)
    if (!decision) throw new Error(`${parentType}.${name} has no decision about who may select it: schema/access.ts`)
    if (isFree(decision)) return config
    // The kinds of fields have options of their own each, so that the whole is none of them to the compiler.
    return { ...config, pothosOptions: { ...config.pothosOptions, ...carriedOut(decision) } } as typeof config
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

function isFree(decision: Decision): boolean {
  return typeof decision !== 'function' && decision.clients && decision.scopes.length + decision.oneOf.length === 0
}

function carriedOut(decision: Decision) {
  const needOf = (args: object, { caller }: Context): Need =>
    typeof decision === 'function' ? decision(args, caller) : decision
  return {
    authScopes: (_parent: unknown, args: object, context: Context) =>
      lacking(needOf(args, context), context.caller)?.length === 0,
    unauthorizedResolver: (_parent: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
      refuse(context, info, lacking(needOf(args, context), context.caller) ?? []),
  }
}

/** Null, and one error an operation: the first refusal is thrown, the others are told in it. Of one in parts each is. */
function refuse({ inParts, refusals }: Context, info: GraphQLResolveInfo, scopes: readonly string[]): null {
  const path = toFieldPath(info.path)
  // What was thrown may have been sent with an earlier part, where nothing more can be told.
  if (inParts) throw new ForbiddenError().add(path, scopes)
  const first = refusals.error === undefined
  refusals.error ??= new ForbiddenError()
  refusals.error.add(path, scopes)
  if (first || info.parentType.name === 'Subscription') throw refusals.error
  return null
}

/** The path of a field without the places of rows: it is refused in all of them alike. */
function toFieldPath(path: GraphQLResolveInfo['path']): string {
  const keys: string[] = []
  for (let at: typeof path | undefined = path; at; at = at.prev) if (typeof at.key === 'string') keys.unshift(at.key)
  return keys.join('.')
}
