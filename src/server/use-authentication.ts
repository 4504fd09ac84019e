import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Caller } from '../domain/caller.ts'
import type { Authentication } from '../services/authentication.ts'
import { type Arrived, readBearer, toAddress } from './bearer.ts'
import type { Guesses } from './guesses.ts'
import { toRequestId } from './request-id.ts'

/** What the door knows of a request that it let in. */
export interface Admitted {
  readonly caller: Caller
  readonly requestId: string
  readonly startedAt: Date
}

export interface AuthenticationDoor {
  readonly authentication: Pick<Authentication, 'authenticate'>
  readonly guesses: Guesses
  readonly path: string
  readonly now: () => Date
}

/**
 * Lets in who holds a key or a client token, before anything of the request is parsed. Bad ones are counted by address;
 * a good one is let in whatever others of its address did, so that nobody can lock a company out.
 */
export function useAuthentication({
  authentication,
  guesses,
  path,
  now,
}: AuthenticationDoor): Plugin<object, Admitted> {
  return {
    onRequest: async ({ request, url, serverContext, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method === 'OPTIONS') return
      const requestId = toRequestId(request.headers)
      const arrived = serverContext as Arrived
      const token = readBearer(request.headers.get('authorization'), arrived)
      const caller = token === undefined ? undefined : await authentication.authenticate(token)
      if (caller) {
        Object.assign(serverContext, { caller, requestId, startedAt: now() } satisfies Admitted)
        return
      }
      Object.assign(serverContext, { requestId })
      // Who sends no key guesses none.
      const address = request.headers.has('authorization') ? toAddress(arrived) : undefined
      const waitMs = address === undefined ? 0 : await guesses.count(address)
      const [error, init] = waitMs > 0 ? tooMany(requestId, waitMs) : unauthenticated(requestId)
      endResponse(fetchAPI.Response.json({ errors: [error] }, init))
    },
  }
}

function unauthenticated(requestId: string): [GraphQLError, ResponseInit] {
  const message = 'Expected a header "Authorization: Bearer <API key>" with a valid key.'
  const extensions = { code: 'UNAUTHENTICATED', retryable: false, requestId }
  const headers = { 'www-authenticate': 'Bearer realm="sessiongraph"' }
  return [new GraphQLError(message, { extensions }), { status: 401, headers }]
}

function tooMany(requestId: string, waitMs: number): [GraphQLError, ResponseInit] {
  const retryAfter = Math.ceil(waitMs / 1_000)
  const message = 'Too many bad keys came from your address. A good one is let in all the same.'
  const extensions = { code: 'RATE_LIMITED', retryable: true, retryAfter, requestId }
  return [new GraphQLError(message, { extensions }), { status: 429, headers: { 'retry-after': String(retryAfter) } }]
}
