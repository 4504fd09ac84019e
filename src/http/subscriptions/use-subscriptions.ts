import { GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { AdmissionControl } from '../admission/admission-control.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { COST_PER_CALL, costBeyondEstimate } from '../document/cost.ts'
import { chargeOrRefuse, type RateLimiter } from '../pipeline/rate-limit.ts'
import type { WithWork } from '../plugins/document-plugins.ts'
import type { WithOperation } from '../plugins/use-context.ts'
import type { WithCallLog } from '../plugins/use-telemetry.ts'
import { streamFormat } from '../request/accepted-type.ts'
import { MULTIPART_STREAM } from './multipart.ts'
import { MAX_SUBSCRIPTIONS_PER_KEY, MAX_SUBSCRIPTIONS_PER_TOKEN, type SubscriptionRegistry } from './registry.ts'
import { EVENT_STREAM } from './sse.ts'
import { toStreamResponse } from './stream-response.ts'

/** Sends subscriptions as streams that a client can resume, with a maximum of open streams per key. */
export function useSubscriptions(
  streams: SubscriptionRegistry,
  admission: AdmissionControl,
  limiter: RateLimiter,
): Plugin<Authenticated & WithOperation & WithCallLog & WithWork> {
  /** Charges an event for what it selects, and for the provider calls and the errors of the events before it. */
  function createEventCharge({
    caller,
    work,
    callLog,
    operation,
  }: Authenticated & WithOperation & WithCallLog & WithWork) {
    let charged = { calls: 0, errors: 0 }
    return async () => {
      const spent = { calls: callLog.callCount, errors: operation.errorCount }
      const ofCalls = COST_PER_CALL * (spent.calls - charged.calls)
      const ofErrors = costBeyondEstimate(spent.errors - charged.errors)
      charged = spent
      await chargeOrRefuse(limiter, caller, Math.round(work + ofCalls) + ofErrors)
    }
  }

  return {
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const { caller, operation, request } = args.contextValue
      const stream = streams.open(caller, request)
      if (!stream) {
        setResultAndStopExecution({ errors: [tooManySubscriptions()] })
        return
      }
      request.signal.addEventListener('abort', () => stream.end(), { once: true })
      const charge = createEventCharge(args.contextValue)
      operation.stream = { ended: stream.ended, reached: stream.reached, charge }
    },
    onResultProcess: ({ request, result, resultProcessor, setResultProcessor, serverContext }) => {
      const stream = streams.of(request)
      if (!stream) return
      if (!isAsyncIterable(result) || !resultProcessor) stream.end()
      else {
        // Admission control counts requests of node:http, which Yoga's server context has.
        admission.release((serverContext as { readonly req?: object }).req)
        const isMultipart = streamFormat(request.headers.get('accept')) === 'MULTIPART'
        const writer = isMultipart ? MULTIPART_STREAM : EVENT_STREAM
        setResultProcessor((_result, fetchAPI) => toStreamResponse(result, stream, writer, fetchAPI), '*/*')
      }
    },
  }
}

function tooManySubscriptions(): GraphQLError {
  return new GraphQLError(
    `Too many open subscriptions: at most ${MAX_SUBSCRIPTIONS_PER_KEY} per API key and ${MAX_SUBSCRIPTIONS_PER_TOKEN} per client token. Close one first.`,
    {
      extensions: { code: 'RATE_LIMITED', retryable: true, http: { status: 429 } },
    },
  )
}
