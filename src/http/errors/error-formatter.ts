import { GraphQLError } from 'graphql'

/** Adds the request id to an error and, without `suggestions`, removes "Did you mean …". */
export type FormatError = (error: GraphQLError, requestId: string | undefined) => GraphQLError

export function createErrorFormatter(suggestions: boolean): FormatError {
  const publicMessage = (error: GraphQLError) => (suggestions ? error.message : withoutSuggestion(error.message))
  return (error, requestId) => withRequestId(error, publicMessage(error), requestId)
}

function withoutSuggestion(message: string): string {
  return message.replace(/ Did you mean [\s\S]*$/, '')
}

function withRequestId(error: GraphQLError, message: string, requestId: string | undefined): GraphQLError {
  const { nodes, source, positions, path, originalError, extensions } = error
  // A resolver's error has a path in the response; locations are for errors of the document.
  const location = path ? undefined : { nodes, source, positions }
  return new GraphQLError(message, {
    ...location,
    path,
    originalError,
    extensions: { retryable: false, ...extensions, requestId },
  })
}

const MAX_CHARACTERS = 1_000
const MAX_NAME_CHARACTERS = 64
const NAMES = new RegExp(`\\w{${MAX_NAME_CHARACTERS + 1},}`, 'g')

/** Truncates a message and the names in it, so that it repeats little of the input. Takes linear time. */
export function truncateInput(message: string): string {
  const cut = message.length > MAX_CHARACTERS ? `${message.slice(0, MAX_CHARACTERS)}…` : message
  return cut.replace(NAMES, name => `${name.slice(0, MAX_NAME_CHARACTERS)}…`)
}
