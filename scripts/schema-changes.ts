import { CriticalityLevel, diff, validate } from '@graphql-inspector/core'
import { DangerousChangeType, findDangerousChanges as findAllDangerous, type GraphQLSchema, Source } from 'graphql'

/** The differences between the released schema and the current one, for clients with existing documents. */
export interface SchemaChange {
  /** The coordinate, such as `Session.note` or `Query.session.by`. */
  readonly path: string
  readonly message: string
}

/** Changes that can break an existing document. */
export async function findBreakingChanges(released: GraphQLSchema, present: GraphQLSchema): Promise<SchemaChange[]> {
  const changes = await diff(released, present)
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = '', message }) => ({ path, message }))
}

/** The patterns of graphql-js's messages, with the parts of the coordinate. Optional inputs endanger no document. */
const DANGEROUS: readonly (readonly [DangerousChangeType, RegExp, string])[] = [
  [DangerousChangeType.VALUE_ADDED_TO_ENUM, /^(\w+) was added to enum type (\w+)/, '$2.$1'],
  [DangerousChangeType.TYPE_ADDED_TO_UNION, /^(\w+) was added to union type (\w+)/, '$2.$1'],
  [DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED, /^(\w+) added to interfaces implemented by (\w+)/, '$2.$1'],
  [DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE, /^(\w+\.\w+) arg (\w+) has changed defaultValue/, '$1.$2'],
]

/** Changes after which existing documents stay valid, but a client may receive what it does not know. */
export function findDangerousChanges(released: GraphQLSchema, present: GraphQLSchema): SchemaChange[] {
  return findAllDangerous(released, present).flatMap(({ type, description: message }) => {
    const [, pattern, coordinate] = DANGEROUS.find(([known]) => known === type) ?? []
    const [matched] = (pattern && message.match(pattern)) ?? []
    return pattern && coordinate && matched ? [{ path: matched.replace(pattern, coordinate), message }] : []
  })
}

/**
 * The reasons against a release: a breaking or dangerous change that CHANGELOG.md does not declare, or a declared one that
 * is none. Empty if the schema can be released.
 */
export async function findUndeclared(
  released: GraphQLSchema,
  present: GraphQLSchema,
  changelog: string,
): Promise<string[]> {
  return [
    ...compare('breaking', await findBreakingChanges(released, present), declaredUnder('Breaking', changelog)),
    ...compare('dangerous', findDangerousChanges(released, present), declaredUnder('Dangerous', changelog)),
  ]
}

function compare(kind: string, changes: readonly SchemaChange[], declared: readonly string[]): string[] {
  return [
    ...changes
      .filter(({ path }) => !declared.includes(path))
      .map(({ path, message }) => `${path} is a ${kind} change that CHANGELOG.md does not declare: ${message}`),
    ...declared
      .filter(path => !changes.some(change => change.path === path))
      .map(path => `${path} is declared as ${kind} in CHANGELOG.md, but is not a ${kind} change.`),
  ]
}

/** The coordinates at the start of the items under `### Breaking` or `### Dangerous` in the Unreleased section. */
export function declaredUnder(heading: 'Breaking' | 'Dangerous', changelog: string): string[] {
  const [, unreleased = ''] = /^## Unreleased$(.*?)(?=^## |(?![\s\S]))/ms.exec(changelog) ?? []
  const part = unreleased.split(/^### /m).find(section => section.startsWith(`${heading}\n`)) ?? ''
  return [...part.matchAll(/^- `([^`]+)`:/gm)].map(([, path = '']) => path)
}

/** The errors of documents under a schema, by document name. A deprecated field counts as an error. */
export function findInvalid(
  schema: GraphQLSchema,
  documents: readonly { readonly name: string; readonly query: string }[],
): string[] {
  const sources = documents.map(({ name, query }) => new Source(query, name))
  return validate(schema, sources).flatMap(({ source, errors, deprecated }) =>
    [...errors, ...deprecated].map(error => `${source.name}: ${error.message}`),
  )
}
