import { CriticalityLevel, diff, validate } from '@graphql-inspector/core'
import { type GraphQLSchema, Source } from 'graphql'

/** What differs between the released schema and the present one, for those whose documents have to go on working. */
export interface SchemaChange {
  /** The coordinate, such as `Session.note` or `Query.session.by`. */
  readonly path: string
  readonly message: string
}

/** The changes after which a document that worked may not work any more. */
export async function findBreakingChanges(released: GraphQLSchema, present: GraphQLSchema): Promise<SchemaChange[]> {
  const changes = await diff(released, present)
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = '', message }) => ({ path, message }))
}

/**
 * What keeps the present schema from being released as it is: a breaking change that CHANGELOG.md does not declare, or a
 * declared one that is none. Empty: it may be released.
 */
export async function findUndeclared(
  released: GraphQLSchema,
  present: GraphQLSchema,
  changelog: string,
): Promise<string[]> {
  const breaking = await findBreakingChanges(released, present)
  const declared = declaredBreaking(changelog)
  return [
    ...breaking
      .filter(({ path }) => !declared.includes(path))
      .map(({ path, message }) => `${path} breaks documents, and CHANGELOG.md does not declare it: ${message}`),
    ...declared
      .filter(path => !breaking.some(change => change.path === path))
      .map(path => `${path} is declared as breaking in CHANGELOG.md, and breaks nothing.`),
  ]
}

/** The coordinates that stand first in the items under `### Breaking` of the part that is not released yet. */
export function declaredBreaking(changelog: string): string[] {
  const [, unreleased = ''] = /^## Unreleased$(.*?)(?=^## |(?![\s\S]))/ms.exec(changelog) ?? []
  const [, breaking = ''] = /^### Breaking$(.*?)(?=^### |(?![\s\S]))/ms.exec(unreleased) ?? []
  return [...breaking.matchAll(/^- `([^`]+)`:/gm)].map(([, path = '']) => path)
}

/** What is wrong with documents under a schema, each by its name. A field that is deprecated is wrong too. */
export function findInvalid(
  schema: GraphQLSchema,
  documents: readonly { readonly name: string; readonly query: string }[],
): string[] {
  const sources = documents.map(({ name, query }) => new Source(query, name))
  return validate(schema, sources).flatMap(({ source, errors, deprecated }) =>
    [...errors, ...deprecated].map(error => `${source.name}: ${error.message}`),
  )
}
