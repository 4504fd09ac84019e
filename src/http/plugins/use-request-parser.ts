import type { Plugin } from 'graphql-yoga'
import type { Authenticated } from '../auth/use-authentication.ts'
import type { RequestLimits } from '../limits.ts'
import { chargeCaller, type RateLimiter, rateLimitedError } from '../pipeline/rate-limit.ts'
import { BODY_BYTES_PER_COST, readBody } from '../request/body.ts'
import { assertHead, parsePostBody, parseQueryString } from '../request/parse-request.ts'
import { headOfRequest } from '../request/request-head.ts'

/** Replaces Yoga's request parser by ours, which validates more strictly, and charges long bodies before they are parsed. */
export function useRequestParser(limits: RequestLimits, limiter: RateLimiter): Plugin<object, Partial<Authenticated>> {
  async function parseBody(request: Request, { caller }: Partial<Authenticated>) {
    const body = await readBody(request.body, limits.maxBodyBytes)
    const cost = Math.floor(body.length / BODY_BYTES_PER_COST)
    const waitMs = caller && cost > 0 ? await chargeCaller(limiter, caller, cost) : 0
    if (waitMs > 0) throw rateLimitedError(waitMs)
    return parsePostBody(body, limits)
  }

  return {
    onRequestParse: ({ request, setRequestParser, serverContext }) => {
      const head = headOfRequest(request)
      assertHead(head, limits)
      setRequestParser(async () =>
        head.method === 'GET' ? parseQueryString(head, limits) : parseBody(request, serverContext),
      )
    },
  }
}
