import type { GraphQLParams } from 'graphql-yoga'
import { badRequest } from '../errors/http-error.ts'

/** The parameters of a request. `documentId` replaces `query` for a trusted document. */
export interface Params extends GraphQLParams {
  readonly documentId?: string
}

const KEYS = new Set(['query', 'operationName', 'variables', 'extensions', 'documentId'])

/** Validates the parameters of a request. Null counts as absent. */
export function parseParams(value: unknown): Params {
  if (Array.isArray(value)) throw badRequest('Expected one operation, not an array: this server accepts no batches.')
  if (!isObject(value)) throw badRequest('Expected a JSON object with a "query".')
  const given = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
  if (Object.keys(given).some(key => !KEYS.has(key))) {
    throw badRequest(`Expected no other keys than ${[...KEYS].map(key => `"${key}"`).join(', ')}.`)
  }
  for (const key of ['query', 'operationName', 'documentId']) {
    if (given[key] !== undefined && typeof given[key] !== 'string')
      throw badRequest(`Expected "${key}" to be a string.`)
  }
  for (const key of ['variables', 'extensions']) {
    if (given[key] !== undefined && !isObject(given[key])) throw badRequest(`Expected "${key}" to be an object.`)
  }
  if (given.query === undefined && documentIdOf(given) === undefined) {
    throw badRequest('Expected "query" to be a string.')
  }
  return given
}

/** Validates the parameters of a request that may be a batch of at most `maxSize` operations. */
export function parseParamsOrBatch(value: unknown, maxSize: number): Params | Params[] {
  if (!Array.isArray(value) || maxSize <= 1) return parseParams(value)
  if (value.length === 0 || value.length > maxSize) {
    throw badRequest(`Expected a batch of 1 to ${maxSize} operations, not ${value.length}.`)
  }
  return value.map(parseParams)
}

/** The SHA-256 of the document, from `documentId` or `extensions.persistedQuery`. */
export function documentIdOf({ documentId, extensions }: Params): string | undefined {
  if (documentId !== undefined) return documentId
  const persisted: unknown = extensions?.persistedQuery
  const hash = isObject(persisted) ? persisted.sha256Hash : undefined
  return typeof hash === 'string' ? hash : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
