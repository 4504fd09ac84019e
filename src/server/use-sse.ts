import { GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Gate } from './gate.ts'
import { toEventStream } from './sse.ts'
import { STREAMS_PER_KEY, type Stream, type Streams } from './streams.ts'
import type { Admitted } from './use-authentication.ts'

/** Sends what subscriptions give as server-sent events that a client can resume, so many at a time for each key. */
export function useSse(streams: Streams, gate: Gate): Plugin<Admitted & { readonly stream?: Stream }> {
  const opened = new WeakMap<Request, Stream>()

  return {
    onSubscribe: ({ args, extendContext, setResultAndStopExecution }) => {
      const { caller, request } = args.contextValue
      const stream = streams.open(caller)
      if (!stream) {
        setResultAndStopExecution({ errors: [tooMany()] })
        return
      }
      opened.set(request, stream)
      request.signal.addEventListener('abort', () => stream.end(), { once: true })
      extendContext({ stream })
    },
    onResultProcess: ({ request, result, resultProcessor, setResultProcessor, serverContext }) => {
      const stream = opened.get(request)
      if (!stream) return
      if (!isAsyncIterable(result) || !resultProcessor) stream.end()
      else {
        // Behind node's own server the context has its request, which is what was counted.
        gate.release((serverContext as { readonly req?: object }).req)
        setResultProcessor((_result, fetchAPI) => toEventStream(result, stream, fetchAPI), 'text/event-stream')
      }
    },
  }
}

function tooMany(): GraphQLError {
  return new GraphQLError(`Expected at most ${STREAMS_PER_KEY} streams at a time. End one first.`, {
    extensions: { code: 'RATE_LIMITED', retryable: true, http: { status: 429 } },
  })
}
