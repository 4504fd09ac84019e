import { GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { RowScheduler } from '../../domain/row-turns.ts'
import type { EventSink } from '../../services/events/event-sink.ts'
import type { AdmissionControl } from '../admission/admission-control.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { COST_PER_CALL, COST_PER_READ_EVENT, costBeyondEstimate } from '../document/cost.ts'
import { chargeCaller, chargeInFull, type RateLimiter, rateLimitedError } from '../pipeline/rate-limit.ts'
import type { WithWork } from '../plugins/document-plugins.ts'
import type { WithOperation } from '../plugins/use-context.ts'
import type { WithCallLog } from '../plugins/use-telemetry.ts'
import { streamFormat } from '../request/accepted-type.ts'
import { MULTIPART_STREAM } from './multipart.ts'
import {
  type ActiveSubscription,
  MAX_SUBSCRIPTIONS_PER_KEY,
  MAX_SUBSCRIPTIONS_PER_TOKEN,
  type SubscriptionRegistry,
} from './registry.ts'
import { EVENT_STREAM } from './sse.ts'
import { toStreamResponse } from './stream-response.ts'

export interface SubscriptionOptions {
  readonly streams: SubscriptionRegistry
  readonly admission: AdmissionControl
  readonly limiter: RateLimiter
  readonly rows: RowScheduler
}

/** Events that were read are charged together: a charge may be a call to Redis. */
const READS_PER_CHARGE = 20

/** Sends subscriptions as streams that a client can resume, with a maximum of open streams per key. */
export function useSubscriptions(
  options: SubscriptionOptions,
): Plugin<Authenticated & WithOperation & WithCallLog & WithWork> {
  const { streams, admission } = options

  return {
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const { caller, operation, request } = args.contextValue
      const stream = streams.open(caller, request)
      if (!stream) {
        setResultAndStopExecution({ errors: [tooManySubscriptions()] })
        return
      }
      request.signal.addEventListener('abort', () => stream.end(), { once: true })
      operation.stream = createEventSink(stream, options, args.contextValue)
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

function createEventSink(
  stream: ActiveSubscription,
  { limiter, rows }: SubscriptionOptions,
  { caller, work, callLog, operation }: Authenticated & WithOperation & WithCallLog & WithWork,
): EventSink {
  let charged = { calls: 0, errors: 0 }
  /** Events that were read and not charged. */
  let reads = 0
  /** The milliseconds to wait where the budget was too small for what was read. */
  let readsPaid = Promise.resolve(0)

  async function chargeReads(before: Promise<number>, cost: number): Promise<number> {
    const waitMs = await chargeInFull(limiter, caller, cost)
    return Math.max(await before, waitMs)
  }

  function assertPaidUntil(waitMs: number): void {
    if (waitMs > 0) throw budgetSpent(waitMs, stream.cursor)
  }

  return {
    ended: stream.ended,
    reached: stream.reached,
    turn: async () => {
      // Each wait is a new operation: a stream of many events is not the oldest one.
      await rows.open(work, () => false).wait(null)
    },
    countReads: events => {
      reads += events
      if (reads < READS_PER_CHARGE) return false
      readsPaid = chargeReads(readsPaid, reads * COST_PER_READ_EVENT)
      reads = 0
      return true
    },
    // For what the event selects, and for the provider calls and the errors of the events before it.
    charge: async () => {
      const spent = { calls: callLog.callCount, errors: operation.errorCount }
      const ofCalls = COST_PER_CALL * (spent.calls - charged.calls)
      const ofErrors = costBeyondEstimate(spent.errors - charged.errors)
      charged = spent
      assertPaidUntil(await chargeCaller(limiter, caller, Math.round(work + ofCalls) + ofErrors))
    },
    assertPaid: async () => assertPaidUntil(await readsPaid),
  }
}

/** `cursor`: where the client continues. It is undefined if that is where it began. */
function budgetSpent(waitMs: number, cursor: string | undefined): GraphQLError {
  const { message, extensions } = rateLimitedError(waitMs)
  return new GraphQLError(message, { extensions: { ...extensions, ...(cursor !== undefined && { cursor }) } })
}

function tooManySubscriptions(): GraphQLError {
  return new GraphQLError(
    `Too many open subscriptions: at most ${MAX_SUBSCRIPTIONS_PER_KEY} per API key and ${MAX_SUBSCRIPTIONS_PER_TOKEN} per client token. Close one first.`,
    {
      extensions: { code: 'RATE_LIMITED', retryable: true, http: { status: 429 } },
    },
  )
}
