import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from './config.ts'
import type { HttpSettings } from './http-settings.ts'
import { packageRoot } from './package.ts'

/** An operation of examples/: shown in the README, opened as a tab in GraphiQL, executed by the tests. */
export interface NamedDocument {
  /** The file's name without its ending. */
  readonly name: string
  readonly query: string
}

/** The operations of a folder in the order of their names. A relative one is sought beside package.json. */
export function loadDocuments(directory = 'examples'): readonly NamedDocument[] {
  const folder = resolve(packageRoot(), directory)
  const files = readdirSync(folder).filter(file => file.endsWith('.graphql'))
  return files
    .sort()
    .map(file => ({ name: file.replace('.graphql', ''), query: readFileSync(join(folder, file), 'utf8') }))
}

/** The tabs of GraphiQL: the examples, and those that need another operation or variables. */
export function loadExampleTabs(): readonly (NamedDocument & { readonly variables?: string })[] {
  const more = loadDocuments('examples/graphiql').map(document => {
    const file = resolve(packageRoot(), 'examples/graphiql', `${document.name}.json`)
    return existsSync(file) ? { ...document, variables: readFileSync(file, 'utf8').trim() } : document
  })
  return [...loadDocuments(), ...more]
}

/** None where the setting is off. Throws ConfigError if the folder has none. */
export function loadTrustedDocuments(
  settings: Pick<HttpSettings, 'TRUSTED_DOCUMENTS' | 'TRUSTED_DOCUMENTS_DIR'>,
): readonly NamedDocument[] {
  if (settings.TRUSTED_DOCUMENTS === 'off') return []
  const problem = new ConfigError(['TRUSTED_DOCUMENTS_DIR: Expected a readable folder with files *.graphql.'])
  try {
    const documents = loadDocuments(settings.TRUSTED_DOCUMENTS_DIR)
    if (documents.length > 0) return documents
  } catch (error) {
    problem.cause = error
  }
  throw problem
}

/** The names of the operations of these documents. */
export function operationNames(documents: readonly NamedDocument[]): ReadonlySet<string> {
  const named = /^(?:query|mutation|subscription)\s+(\w+)/gm
  return new Set(documents.flatMap(({ query }) => [...query.matchAll(named)].map(([, name = '']) => name)))
}
