import type { ExecutionResult } from 'graphql'
import type { FetchAPI } from 'graphql-yoga'
import type { EndReason, Stream } from './streams.ts'

export const HEARTBEAT_MS = 15_000

type Result = ExecutionResult & { readonly hasNext?: boolean }

/**
 * Results as server-sent events, in the distinct connections mode of GraphQL over SSE. Each carries the cursor of its
 * event as `id`, which an EventSource sends back as Last-Event-ID when it connects again.
 */
export function toEventStream(results: AsyncIterable<Result>, stream: Stream, { Response, ReadableStream }: FetchAPI) {
  const iterator = results[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let heartbeat: NodeJS.Timeout | undefined
  const leave = () => {
    clearInterval(heartbeat)
    stream.end()
  }
  const body = new ReadableStream<Uint8Array>({
    start: controller => {
      const beat = () => controller.enqueue(encoder.encode(':\n\n'))
      // Some clients take the answer as begun with its first byte only.
      beat()
      heartbeat = setInterval(() => (controller.desiredSize ?? 0) > 0 && beat(), HEARTBEAT_MS)
      // A stream that was ended while nobody reads it has no use for a timer either.
      stream.ended.addEventListener('abort', () => clearInterval(heartbeat), { once: true })
    },
    pull: async controller => {
      const { value, done } = await iterator.next().catch(ended)
      if (value) controller.enqueue(encoder.encode(toNext(value, stream.cursor)))
      if (!done) return
      controller.enqueue(encoder.encode(stream.reason ? FAREWELLS[stream.reason] : COMPLETE))
      controller.close()
      leave()
    },
    cancel: async () => {
      leave()
      await iterator.return?.()
    },
  })
  return new Response(body, { status: 200, headers: HEADERS })
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // A proxy that buffers would hold events back.
  'x-accel-buffering': 'no',
}

const COMPLETE = 'event: complete\ndata:\n\n'

/** A stream that a closing server ends is not complete: its client connects again, and goes on after the last id it got. */
const FAREWELLS: Readonly<Record<EndReason, string>> = {
  CLOSING: `retry: 250\nevent: next\ndata: ${JSON.stringify({
    errors: [
      {
        message: 'This server stops now. Connect again with the id of the last event.',
        extensions: { code: 'OVERLOADED', reason: 'CLOSING', retryable: true },
      },
    ],
  })}\n\n`,
  KEY_OVER: `event: next\ndata: ${JSON.stringify({
    errors: [
      {
        message: 'The key or the token of this stream is over.',
        extensions: { code: 'UNAUTHENTICATED', reason: 'KEY_OVER', retryable: false },
      },
    ],
  })}\n\n${COMPLETE}`,
}

/** What came in parts was seen when its last part was. */
function toNext(result: Result, cursor: string | undefined): string {
  const id = cursor === undefined || result.hasNext ? '' : `id: ${cursor}\n`
  return `event: next\n${id}data: ${JSON.stringify(result)}\n\n`
}

/** Errors were made results before; what is thrown here is that the client went away. */
function ended(): IteratorReturnResult<undefined> {
  return { value: undefined, done: true }
}
