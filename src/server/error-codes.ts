import { GraphQLError } from 'graphql'
import {
  DomainError,
  ERROR_CODES,
  type ErrorCode,
  ForbiddenError,
  InvalidInputError,
  isRetryable,
  ProviderError,
  ProviderNotFoundError,
  ProviderRejectedError,
  UnsupportedError,
} from '../domain/errors.ts'

/** What a client sees of an error: our sentence and a code. What is unexpected becomes INTERNAL_ERROR. */
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
  if (graphqlError && !original) return coded(graphqlError, 'BAD_REQUEST')
  return new GraphQLError('Something went wrong here. The request id tells us what.', {
    ...at,
    extensions: { code: 'INTERNAL_ERROR', retryable: false },
  })
}

/** The error that a resolver threw, under what the executor wrapped around it. */
function findOriginal(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error
  return error.originalError === undefined ? undefined : findOriginal(error.originalError)
}

function extensionsOf(error: DomainError): Record<string, unknown> {
  return {
    code: error.code,
    retryable: isRetryable(error),
    ...(error instanceof ForbiddenError && { scopes: error.scopes, paths: error.paths }),
    ...(error instanceof InvalidInputError && { issues: error.issues }),
    ...(error instanceof UnsupportedError && { provider: error.provider, capability: error.capability }),
    ...(error instanceof ProviderNotFoundError && { provider: error.provider, operation: error.operation }),
    ...(error instanceof ProviderError && {
      provider: error.provider,
      operation: error.operation,
      ...(error.retryAfterSeconds !== null && { retryAfter: error.retryAfterSeconds }),
    }),
    ...(error instanceof ProviderRejectedError && { providerCode: error.providerCode }),
  }
}

/** The same error with one of our codes, without what a parser quotes of the text it was given. */
export function coded(error: GraphQLError, otherwise: ErrorCode): GraphQLError {
  const { nodes, source, positions, path, originalError } = error
  // Those of compiled operations have none.
  const { originalError: _quoted, ...extensions } = error.extensions ?? {}
  return new GraphQLError(withoutValues(error.message), {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions: { ...extensions, code: codeOf(error) ?? otherwise },
  })
}

const DOOR_CODES: ReadonlyMap<unknown, ErrorCode> = new Map([
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
])

function codeOf({ extensions }: GraphQLError): ErrorCode | undefined {
  const { status } = (extensions?.http ?? {}) as { status?: unknown }
  return DOOR_CODES.get(status) ?? ERROR_CODES.find(code => code === extensions?.code)
}

/** graphql's messages about a document quote the values that stand in it: places and types stay, values go. */
function withoutValues(message: string): string {
  return message
    .replace(/\b(BlockString|Float|Int|String) "[\s\S]*"/, '$1')
    .replace(/^(Expected value of type "[^"]*"), found [\s\S]*$/, '$1.')
    .replace(/^(.* cannot represent .*?value): [\s\S]*$/, '$1.')
    .replace(/^Value "[\s\S]*?" does not exist in/, 'A value does not exist in')
}
