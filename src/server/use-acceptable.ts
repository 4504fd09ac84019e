import { isAsyncIterable, type Plugin, processRegularResult } from 'graphql-yoga'
import { refuse } from './refusal.ts'

/** Says in JSON what Yoga says with an empty 406: that we have no answer in any of the media types asked for. */
export function useAcceptable(): Plugin {
  return {
    onResultProcess: async ({ result, resultProcessor, setResult, setResultProcessor }) => {
      if (resultProcessor) return
      setResultProcessor(processRegularResult, 'application/json')
      if (isAsyncIterable(result)) {
        await result[Symbol.asyncIterator]().return?.()
        setResult({ errors: [notAcceptable('"text/event-stream", or "multipart/mixed" for @defer')] })
      } else if (Array.isArray(result) || !result.errors) {
        setResult({ errors: [notAcceptable('"application/json" or "application/graphql-response+json"')] })
      }
    },
  }
}

function notAcceptable(types: string) {
  return refuse('BAD_REQUEST', `Expected a header "accept" with ${types}.`, { status: 406 })
}
