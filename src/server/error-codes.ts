import { GraphQLError } from 'graphql'
import {
  DomainError,
  type ErrorCode,
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

/** The same error with a code, where it has none yet. */
export function coded(error: GraphQLError, code: ErrorCode): GraphQLError {
  const { nodes, source, positions, path, originalError } = error
  const extensions = { code, ...error.extensions }
  return new GraphQLError(error.message, { nodes, source, positions, path, originalError, extensions })
}
