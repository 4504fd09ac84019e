import { GraphQLError } from 'graphql'

/** What a client is told of an error: with the id of its request, and without `suggestions` not what the schema has instead. */
export type ErrorTeller = (error: GraphQLError, requestId: string | undefined) => GraphQLError

export function createErrorTeller(suggestions: boolean): ErrorTeller {
  const said = (error: GraphQLError) => (suggestions ? error.message : withoutSuggestion(error.message))
  return (error, requestId) => withRequestId(error, said(error), requestId)
}

function withoutSuggestion(message: string): string {
  return message.replace(/ Did you mean [\s\S]*$/, '')
}

function withRequestId(error: GraphQLError, message: string, requestId: string | undefined): GraphQLError {
  const { nodes, source, positions, path, originalError, extensions } = error
  // The path says where an answer lacks something. A place in the document would be told only where it was not compiled.
  const place = path ? undefined : { nodes, source, positions }
  return new GraphQLError(message, {
    ...place,
    path,
    originalError,
    extensions: { retryable: false, ...extensions, requestId },
  })
}
