import type { Plugin } from 'graphql-yoga'
import type { RequestScheduler } from '../admission/request-scheduler.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import type { RequestLimits } from '../limits.ts'
import { chargeOrRefuse, type RateLimiter, REQUEST_COST } from '../pipeline/rate-limit.ts'
import { costOfBody, readBody } from '../request/body.ts'
import type { Params } from '../request/graphql-params.ts'
import { assertHead, parseBodyOrBatch, parseQueryString } from '../request/parse-request.ts'
import { headOfRequest } from '../request/request-head.ts'

/** What a batch adds to the context of its operations. */
export interface WithBatch {
  readonly isBatch: true
}

/** Replaces Yoga's request parser by ours, which validates more strictly, and charges long bodies before they are parsed. */
export function useRequestParser(
  limits: RequestLimits,
  limiter: RateLimiter,
  scheduler: Pick<RequestScheduler, 'waitForSlice' | 'waitForTurn'>,
): Plugin<object, Partial<Authenticated>> {
  async function charge({ caller }: Partial<Authenticated>, cost: number): Promise<void> {
    if (caller && cost > 0) await chargeOrRefuse(limiter, caller, cost)
  }

  async function parseBody(request: Request, context: Partial<Authenticated>): Promise<Params | Params[]> {
    const body = await readBody(request.body, limits.maxBodyBytes)
    const cost = costOfBody(body)
    await charge(context, cost)
    await scheduler.waitForSlice()
    const params = parseBodyOrBatch(body, limits)
    // Others run before a long body is executed.
    if (cost > 0) await scheduler.waitForTurn()
    if (!Array.isArray(params)) return params
    // The request was charged for one operation.
    await charge(context, (params.length - 1) * REQUEST_COST)
    Object.assign(context, { isBatch: true } satisfies WithBatch)
    return params
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
