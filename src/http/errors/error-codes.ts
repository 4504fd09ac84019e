import { GraphQLError } from 'graphql'
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts'
import {
  DomainError,
  ForbiddenError,
  InvalidInputError,
  ProviderError,
  ProviderNotFoundError,
  ProviderRejectedError,
  providerCodeOf,
  UnsupportedError,
} from '../../domain/errors.ts'
import { truncateInput } from './error-formatter.ts'

export const INTERNAL_ERROR_MESSAGE = 'Internal error. Quote the request ID when contacting support.'

/** The error for the client: our message and code. An unexpected error becomes INTERNAL_ERROR without its message. */
export function toClientError(error: unknown): GraphQLError {
  const graphqlError = error instanceof GraphQLError ? error : undefined
  const original = findOriginal(error)
  const at = graphqlError && {
    nodes: graphqlError.nodes,
    source: graphqlError.source,
    positions: graphqlError.positions,
    path: graphqlError.path,
  }
  if (original instanceof DomainError) {
    return new GraphQLError(original.message, { ...at, extensions: extensionsOf(original) })
  }
  if (graphqlError && !original) return withErrorCode(graphqlError, 'BAD_REQUEST')
  return new GraphQLError(INTERNAL_ERROR_MESSAGE, {
    ...at,
    extensions: { code: 'INTERNAL_ERROR', retryable: false },
  })
}

/** The error that a resolver threw, inside the executor's GraphQLErrors. */
function findOriginal(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error
  return error.originalError === undefined ? undefined : findOriginal(error.originalError)
}

function extensionsOf(error: DomainError): Record<string, unknown> {
  const providerCode = providerCodeOf(error)
  return {
    code: error.code,
    retryable: error.retryable,
    ...(error instanceof ForbiddenError && { scopes: error.scopes, paths: error.paths }),
    ...(error instanceof InvalidInputError && { issues: error.issues }),
    ...(error instanceof UnsupportedError && { provider: error.provider, capability: error.capability }),
    ...(error instanceof ProviderNotFoundError && { provider: error.provider, operation: error.operation }),
    ...(error instanceof ProviderError && {
      provider: error.provider,
      operation: error.operation,
      ...(error.retryAfterSeconds !== null && { retryAfterSeconds: error.retryAfterSeconds }),
    }),
    ...((providerCode !== null || error instanceof ProviderRejectedError) && { providerCode }),
  }
}

/** The same error with one of our codes, and without the values that graphql quotes from the document. */
export function withErrorCode(error: GraphQLError, fallback: ErrorCode): GraphQLError {
  const { nodes, source, positions, path, originalError } = error
  const { originalError: _quoted, ...extensions } = error.extensions
  return new GraphQLError(stripValues(error.message), {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions: { ...extensions, code: codeOf(error) ?? fallback },
  })
}

const HTTP_CODES: ReadonlyMap<unknown, ErrorCode> = new Map([
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
])

function codeOf({ extensions }: GraphQLError): ErrorCode | undefined {
  const { status } = (extensions?.http ?? {}) as { status?: unknown }
  return HTTP_CODES.get(status) ?? ERROR_CODES.find(code => code === extensions?.code)
}

/** graphql's messages about a document quote its values, which can be personal data. Locations, types and short names stay. */
function stripValues(message: string): string {
  return truncateInput(message)
    .replace(/\b(BlockString|Float|Int|String) ".*$/s, '$1')
    .replace(/(?<=^|: )(Expected value of type "[^"]*"), found .*$/s, '$1.')
    .replace(/ cannot represent ([^:]*value): .*$/s, ' cannot represent $1.')
    .replace(/ has invalid value .*$/s, ' has an invalid value.')
}
