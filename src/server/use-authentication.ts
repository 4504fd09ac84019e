import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Authenticate, Caller } from '../security/api-keys.ts'
import { toRequestId } from './request-id.ts'

/** What the door knows of a request that it let in. */
export interface Admitted {
  readonly caller: Caller
  readonly requestId: string
  readonly startedAt: Date
}

/** Lets in who holds a key, before anything of the request is parsed. `exempt` paths are open. */
export function useAuthentication(authenticate: Authenticate, path: string, now: () => Date): Plugin<object, Admitted> {
  return {
    onRequest: ({ request, url, serverContext, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method === 'OPTIONS') return
      const requestId = toRequestId(request.headers)
      const caller = authenticate(readBearer(request.headers.get('authorization')))
      if (caller) Object.assign(serverContext, { caller, requestId, startedAt: now() } satisfies Admitted)
      else {
        Object.assign(serverContext, { requestId })
        endResponse(fetchAPI.Response.json({ errors: [unauthenticated(requestId)] }, UNAUTHENTICATED))
      }
    },
  }
}

const UNAUTHENTICATED = { status: 401, headers: { 'www-authenticate': 'Bearer realm="sessiongraph"' } }

function readBearer(header: string | null): string {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? ''
}

function unauthenticated(requestId: string): GraphQLError {
  return new GraphQLError('Expected a header "Authorization: Bearer <API key>" with a valid key.', {
    extensions: { code: 'UNAUTHENTICATED', retryable: false, requestId },
  })
}
