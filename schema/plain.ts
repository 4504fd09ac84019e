import type { GraphQLResolveInfo } from 'graphql'

/** The fields of a session that what is sealed is opened for. */
const SEALED = /\b(access|details|metadata|redirectUrl)\b/

/** True where an operation asks for nothing sealed: to do so, its document would have to name it somewhere. */
export function isPlain({ operation }: GraphQLResolveInfo): boolean {
  const text = operation.loc?.source.body
  return text !== undefined && !SEALED.test(text)
}
