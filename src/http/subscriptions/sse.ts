import type { ExecutionResult } from 'graphql'
import type { FetchAPI } from 'graphql-yoga'
import type { ActiveSubscription, CloseReason } from './registry.ts'

export const HEARTBEAT_MS = 15_000

type Result = ExecutionResult & { readonly hasNext?: boolean }

/**
 * Results as server-sent events, in the distinct connections mode of GraphQL over SSE. `id` is the cursor of an event, which
 * an EventSource sends as Last-Event-ID when it reconnects.
 */
export function toEventStream(
  results: AsyncIterable<Result>,
  stream: ActiveSubscription,
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
      const beat = () => controller.enqueue(encoder.encode(':\n\n'))
      // Some clients wait for the first byte.
      beat()
      heartbeat = setInterval(() => (controller.desiredSize ?? 0) > 0 && beat(), HEARTBEAT_MS)
      // `pull` does not run for a stream that ends while nobody reads it.
      stream.ended.addEventListener('abort', () => clearInterval(heartbeat), { once: true })
    },
    pull: async controller => {
      const { value, done } = await iterator.next().catch(closeFrame)
      if (value) controller.enqueue(encoder.encode(toNext(value, stream.cursor)))
      if (!done) return
      controller.enqueue(encoder.encode(stream.reason ? CLOSE_FRAMES[stream.reason] : COMPLETE))
      controller.close()
      onDisconnect()
    },
    cancel: async () => {
      onDisconnect()
      await iterator.return?.()
    },
  })
  return new Response(body, { status: 200, headers: HEADERS })
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would buffer events.
  'x-accel-buffering': 'no',
}

const COMPLETE = 'event: complete\ndata:\n\n'

/** On shutdown there is no `complete` event, so that the client reconnects and resumes after its last event id. */
const CLOSE_FRAMES: Readonly<Record<CloseReason, string>> = {
  CLOSING: `retry: 250\nevent: next\ndata: ${JSON.stringify({
    errors: [
      {
        message: 'Server is shutting down. Reconnect with the id of the last event.',
        extensions: { code: 'OVERLOADED', reason: 'CLOSING', retryable: true },
      },
    ],
  })}\n\n`,
  KEY_OVER: `event: next\ndata: ${JSON.stringify({
    errors: [
      {
        message: 'The API key or client token for this stream has expired or was revoked.',
        extensions: { code: 'UNAUTHENTICATED', reason: 'KEY_OVER', retryable: false },
      },
    ],
  })}\n\n${COMPLETE}`,
}

/** An incremental result has its cursor on the last part only. */
function toNext(result: Result, cursor: string | undefined): string {
  const id = cursor === undefined || result.hasNext ? '' : `id: ${cursor}\n`
  return `event: next\n${id}data: ${JSON.stringify(result)}\n\n`
}

/** The executor turns errors into results: only a client disconnect is thrown here. */
function closeFrame(): IteratorReturnResult<undefined> {
  return { value: undefined, done: true }
}
