import { createHash } from 'node:crypto'
import { GraphQLError } from 'graphql'
import type { Caller } from '../../domain/access/caller.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import { failOpen, type RateLimiter } from '../pipeline/rate-limit.ts'
import { type IncomingConnection, readBearer } from './bearer.ts'
import { clientAddress, type IsTrustedProxy } from './client-address.ts'

export interface AuthenticatorOptions {
  readonly authentication: Pick<Authentication, 'authenticate'>
  readonly failedAuthLimiter: FailedAuthLimiter
  readonly isTrustedProxy: IsTrustedProxy
}

/** The response to a request without a valid key, or whose key cannot be looked up. */
export interface AuthFailure {
  readonly error: GraphQLError
  readonly init: ResponseInit
}

/**
 * Authenticates an `Authorization` header by API key or client token, and counts failed attempts by address. While the database
 * is unavailable, the failure is a 503.
 */
export function createAuthenticator({ authentication, failedAuthLimiter, isTrustedProxy }: AuthenticatorOptions) {
  return async (
    header: string | null,
    connection: IncomingConnection,
    requestId: string,
  ): Promise<Caller | AuthFailure> => {
    const token = readBearer(header, connection)
    let caller: Caller | undefined
    try {
      caller = token === undefined ? undefined : await authentication.authenticate(token)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'OVERLOADED') return unavailable(requestId, error)
      throw error
    }
    if (caller) return caller
    // A request without a key is not an attempt to guess one.
    const address = header === null ? undefined : clientAddress(connection, isTrustedProxy)
    const waitMs = address === undefined ? 0 : await failedAuthLimiter.count(address)
    return waitMs > 0 ? tooManyFailures(requestId, waitMs) : unauthenticated(requestId)
  }
}

function unauthenticated(requestId: string): AuthFailure {
  const message = 'Expected a header "Authorization: Bearer <API key>" with a valid key.'
  const extensions = { code: 'UNAUTHENTICATED', retryable: false, requestId }
  const headers = { 'www-authenticate': 'Bearer realm="sessiongraph"' }
  return { error: new GraphQLError(message, { extensions }), init: { status: 401, headers } }
}

function tooManyFailures(requestId: string, waitMs: number): AuthFailure {
  const retryAfterSeconds = Math.ceil(waitMs / 1_000)
  const message = `Too many requests with an invalid key from this address. Use a valid key, which is accepted at once, or retry after ${retryAfterSeconds} seconds.`
  const extensions = { code: 'RATE_LIMITED', retryable: true, retryAfterSeconds, requestId }
  const init = { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } }
  return { error: new GraphQLError(message, { extensions }), init }
}

const RETRY_AFTER_SECONDS = 1

function unavailable(requestId: string, { message, code, retryable }: DomainError): AuthFailure {
  const extensions = { code, retryable, retryAfterSeconds: RETRY_AFTER_SECONDS, requestId }
  const init = { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } }
  return { error: new GraphQLError(message, { extensions }), init }
}

export interface FailedAuthLimiter {
  /** Counts a failed attempt. Returns the milliseconds to wait if there were too many, else 0. */
  count(address: string): Promise<number>
}

/** An attacker can have any number of addresses: hashing them into buckets bounds the memory. */
const BUCKETS = 65_536

/** `limiter`: how many failed attempts a bucket may have per minute. */
export function createFailedAuthLimiter(limiter: RateLimiter, report: (error: unknown) => void): FailedAuthLimiter {
  // Without the limiter's store, a failed attempt gets a 401 in the place of a 429.
  const counted = failOpen(limiter, report)
  return { count: address => counted.consume(bucketOf(address), 1) }
}

function bucketOf(address: string): string {
  return String(createHash('sha256').update(address).digest().readUInt32BE() % BUCKETS)
}
