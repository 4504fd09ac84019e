import type { Plugin } from 'graphql-yoga'
import type { IncomingConnection } from '../auth/bearer.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { toErrorResponse } from '../errors/http-error.ts'
import {
  budgetHeaders,
  chargeCaller,
  type RateLimiter,
  REQUEST_COST,
  rateLimitedError,
} from '../pipeline/rate-limit.ts'
import { costOfHead, setHeaders } from '../request/request-head.ts'

/**
 * Charges each authenticated request before its body is read, so that rejected requests use up the budget too. The rest of
 * an operation's cost is charged once it is known. Responses tell what is left.
 */
export function useRequestCharge(limiter: RateLimiter): Plugin<object, Authenticated> {
  return {
    onRequest: async ({ serverContext, endResponse, fetchAPI }) => {
      const { caller, requestId, req } = serverContext as Partial<Authenticated> & IncomingConnection
      if (!caller) return
      const waitMs = await chargeCaller(limiter, caller, REQUEST_COST + costOfHead(req?.rawHeaders ?? []))
      if (waitMs > 0) endResponse(toErrorResponse(rateLimitedError(waitMs), requestId ?? '', fetchAPI))
    },
    onResponse: ({ response, serverContext }) => {
      const { caller } = serverContext as Partial<Authenticated>
      if (caller) setHeaders(response.headers, budgetHeaders(limiter, caller))
    },
  }
}
