import type { Client, CombinedError } from '@urql/core'
import { NetworkError } from 'graphql-sse'
import { pipe, toAsyncIterable } from 'wonka'
import type { CreateSessionInput, FollowSessionSubscription, ReadSessionQuery } from './graphql/graphql.ts'
import { CreateSession, FollowSession, ReadSession } from './operations.ts'

export type Session = NonNullable<ReadSessionQuery['session']>
export type Update = FollowSessionSubscription['sessionUpdated']

/** Creates a session. With an `idempotencyKey` that was used before, it returns the session of the first time. */
export async function createSession(client: Client, input: CreateSessionInput) {
  const { data, error } = await client.mutation(CreateSession, { input })
  const result = data?.createSession
  if (!result) throw error ?? new Error('No response.')
  if (result.__typename === 'CreateSessionPayload') return result.session
  // Every other member is a MutationError, also one that is added to the schema later.
  throw new Error(`${result.code}: ${result.message}`)
}

/** Reads all of a session in one call. Undefined if there is no such session. */
export async function readSession(client: Client, id: string): Promise<Session | undefined> {
  const { data, error } = await client.query(ReadSession, { id }, { requestPolicy: 'network-only' })
  // A field that cannot be read is null, beside the data that could be read.
  if (!data) throw error ?? new Error('No response.')
  return data.session ?? undefined
}

const RECONNECT_AFTER_MS = 500

/**
 * The updates of a session after a cursor, until the caller leaves the loop. A lost connection is opened again after the
 * last update, so that none is missed or repeated. Throws the errors that another attempt cannot change.
 */
export async function* follow(client: Client, id: string, after: string): AsyncGenerator<Update, never> {
  let cursor = after
  while (true) {
    for await (const { data, error } of pipe(
      client.subscription(FollowSession, { id, after: cursor }),
      toAsyncIterable,
    )) {
      if (error && isFinal(error)) throw error
      if (!data) break
      cursor = data.sessionUpdated.cursor
      yield data.sessionUpdated
    }
    await new Promise(resolve => setTimeout(resolve, RECONNECT_AFTER_MS))
  }
}

/** Of an expired key or an invalid cursor, for example; not of a broken connection or a server that restarts. */
function isFinal({ graphQLErrors, networkError }: CombinedError): boolean {
  if (graphQLErrors.length > 0) return graphQLErrors.some(({ extensions }) => extensions.retryable === false)
  const status = networkError instanceof NetworkError ? networkError.response?.status : undefined
  return status !== undefined && status >= 400 && status < 500 && status !== 429
}
