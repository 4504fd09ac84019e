import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql'
import type { Context } from '../../src/context.ts'
import type { Freshness } from '../../src/domain/records/sync.ts'

/**
 * A `freshness` argument that is omitted or null is that of the nearest field above that has one. Fields are related by their
 * paths in the response, so aliases, fragments and lists make no difference.
 */
class FreshnessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { args }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (!('freshness' in args)) return resolver
    return (parent, given, context, info) =>
      // The builder has this context type, which the compiler cannot know in a plugin.
      resolver(parent, withFreshness(given, context as Context, info.path), context, info)
  }
}

SchemaBuilder.registerPlugin('freshness', FreshnessPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      freshness: FreshnessPlugin<Types>
    }
  }
}

/** The stored record, whatever its age. */
const STORED: Freshness = { maxAgeSeconds: Number.MAX_SAFE_INTEGER, onError: 'SERVE_STALE' }

interface GivenArguments {
  readonly freshness?: Freshness | null
}

type Path = GraphQLResolveInfo['path']

function withFreshness(args: GivenArguments, context: Context, path: Path): GivenArguments {
  if (context.storedOnly) return { ...args, freshness: STORED }
  const { freshness } = args
  if (freshness) {
    context.givenFreshness ??= new WeakMap()
    context.givenFreshness.set(path, freshness)
    return args
  }
  const inherited = context.givenFreshness && findAbove(context.givenFreshness, path)
  return inherited ? { ...args, freshness: inherited } : args
}

/** The executor creates one path object for each field, and the paths below refer to it. */
function findAbove(given: WeakMap<object, Freshness>, { prev }: Path): Freshness | undefined {
  for (let above = prev; above; above = above.prev) {
    const freshness = given.get(above)
    if (freshness) return freshness
  }
  return undefined
}
