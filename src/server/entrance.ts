import { GraphQLError } from 'graphql'
import type { Caller } from '../domain/caller.ts'
import type { Authentication } from '../services/authentication.ts'
import { type Arrived, readBearer, toAddress } from './bearer.ts'
import type { Guesses } from './guesses.ts'

export interface EntranceOptions {
  readonly authentication: Pick<Authentication, 'authenticate'>
  readonly guesses: Guesses
}

/** What is said to whom no key of ours lets in. */
export interface TurnedAway {
  readonly error: GraphQLError
  readonly init: ResponseInit
}

/** Tells who asks, by key or client token; who is turned away is told so, and counted where it guesses. */
export function createEntrance({ authentication, guesses }: EntranceOptions) {
  return async (request: Request, arrived: Arrived, requestId: string): Promise<Caller | TurnedAway> => {
    const token = readBearer(request.headers.get('authorization'), arrived)
    const caller = token === undefined ? undefined : await authentication.authenticate(token)
    if (caller) return caller
    // Who sends no key guesses none.
    const address = request.headers.has('authorization') ? toAddress(arrived) : undefined
    const waitMs = address === undefined ? 0 : await guesses.count(address)
    return waitMs > 0 ? tooMany(requestId, waitMs) : unauthenticated(requestId)
  }
}

function unauthenticated(requestId: string): TurnedAway {
  const message = 'Expected a header "Authorization: Bearer <API key>" with a valid key.'
  const extensions = { code: 'UNAUTHENTICATED', retryable: false, requestId }
  const headers = { 'www-authenticate': 'Bearer realm="sessiongraph"' }
  return { error: new GraphQLError(message, { extensions }), init: { status: 401, headers } }
}

function tooMany(requestId: string, waitMs: number): TurnedAway {
  const retryAfter = Math.ceil(waitMs / 1_000)
  const message = 'Too many bad keys came from your address. A good one is let in all the same.'
  const extensions = { code: 'RATE_LIMITED', retryable: true, retryAfter, requestId }
  const init = { status: 429, headers: { 'retry-after': String(retryAfter) } }
  return { error: new GraphQLError(message, { extensions }), init }
}
