import type { Plugin } from 'graphql-yoga'
import type { Caller } from '../../domain/access/caller.ts'
import type { Reader } from '../../domain/row-turns.ts'
import { REQUEST_ID_HEADER, toRequestId } from '../request/request-head.ts'
import { type AuthenticatorOptions, createAuthenticator } from './authenticator.ts'
import type { IncomingConnection } from './bearer.ts'

/** What an authenticated request adds to the context. */
export interface Authenticated {
  readonly caller: Caller
  readonly requestId: string
  /** The read sequence number when the request arrived. */
  readonly since: number
  /** The client of a WebSocket. */
  readonly reader?: Reader
}

export interface AuthenticationOptions extends AuthenticatorOptions {
  readonly path: string
  /** The current read sequence number. */
  readonly sequence: () => number
}

/**
 * Authenticates each GraphQL request before its body is parsed. A valid key is accepted even from an address with too many
 * failed attempts, so that an attacker cannot lock out a company that shares the address.
 */
export function useAuthentication({
  path,
  sequence,
  ...options
}: AuthenticationOptions): Plugin<object, Authenticated> {
  const authenticate = createAuthenticator(options)
  return {
    onRequest: async ({ request, url, serverContext, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method === 'OPTIONS') return
      const since = sequence()
      const requestId = toRequestId(request.headers.get(REQUEST_ID_HEADER))
      const header = request.headers.get('authorization')
      const caller = await authenticate(header, serverContext as IncomingConnection, requestId)
      if (!('error' in caller)) {
        Object.assign(serverContext, { caller, requestId, since } satisfies Authenticated)
        return
      }
      Object.assign(serverContext, { requestId })
      endResponse(fetchAPI.Response.json({ errors: [caller.error] }, caller.init))
    },
  }
}
