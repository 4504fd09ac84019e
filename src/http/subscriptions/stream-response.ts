import type { ExecutionResult } from 'graphql'
import type { FetchAPI } from 'graphql-yoga'
import type { ActiveSubscription, CloseReason } from './registry.ts'

export const HEARTBEAT_MS = 15_000

export type StreamResult = ExecutionResult & { readonly hasNext?: boolean }

/** How the results of a subscription are written. */
export interface StreamWriter {
  readonly contentType: string
  /** Written before everything else. */
  readonly opening: string
  readonly heartbeat: string
  /** `cursor`: that of the event. */
  next(result: StreamResult, cursor: string | undefined): string
  /** `reason`: why the server closed the stream; undefined if it is complete. */
  end(reason: CloseReason | undefined): string
}

/** The response of a subscription. */
export function toStreamResponse(
  results: AsyncIterable<StreamResult>,
  stream: ActiveSubscription,
  writer: StreamWriter,
  { Response, ReadableStream }: FetchAPI,
) {
  const iterator = results[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let heartbeat: NodeJS.Timeout | undefined
  const onDisconnect = () => {
    clearInterval(heartbeat)
    stream.end()
  }
  const body = new ReadableStream<Uint8Array>({
    start: controller => {
      const beat = () => controller.enqueue(encoder.encode(writer.heartbeat))
      controller.enqueue(encoder.encode(writer.opening))
      // Some clients wait for the first byte.
      beat()
      heartbeat = setInterval(() => (controller.desiredSize ?? 0) > 0 && beat(), HEARTBEAT_MS)
      // `pull` does not run for a stream that ends while nobody reads it.
      stream.ended.addEventListener('abort', () => clearInterval(heartbeat), { once: true })
    },
    pull: async controller => {
      const { value, done } = await iterator.next().catch(endOfResults)
      if (value) controller.enqueue(encoder.encode(writer.next(value, stream.cursor)))
      if (!done) return
      controller.enqueue(encoder.encode(writer.end(stream.reason)))
      controller.close()
      onDisconnect()
    },
    cancel: async () => {
      onDisconnect()
      await iterator.return?.()
    },
  })
  return new Response(body, { status: 200, headers: { 'content-type': writer.contentType, ...HEADERS } })
}

const HEADERS = {
  'cache-control': 'no-cache, no-transform',
  // nginx would buffer events.
  'x-accel-buffering': 'no',
}

/** The executor turns errors into results: only a client disconnect is thrown here. */
function endOfResults(): IteratorReturnResult<undefined> {
  return { value: undefined, done: true }
}

/** The errors of a stream that the server closed. */
export const CLOSE_ERRORS: Readonly<Record<CloseReason, object>> = {
  CLOSING: {
    message: 'Server is shutting down. Reconnect with the id of the last event.',
    extensions: { code: 'OVERLOADED', reason: 'CLOSING', retryable: true },
  },
  KEY_OVER: {
    message:
      'The API key or client token for this stream has expired or was revoked. Subscribe again with a valid one.',
    extensions: { code: 'UNAUTHENTICATED', reason: 'KEY_OVER', retryable: false },
  },
}
