import type { Plugin } from 'graphql-yoga'
import { httpError } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'
import { readBody } from '../request/body.ts'
import { assertHead, parsePostBody, parseQueryString } from '../request/parse-request.ts'
import { headOfRequest } from '../request/request-head.ts'

/** Replaces Yoga's request parser by ours, which validates more strictly. */
export function useRequestParser(limits: RequestLimits): Plugin {
  return {
    onRequestParse: ({ request, setRequestParser }) => {
      const head = headOfRequest(request)
      assertHead(head, limits)
      setRequestParser(async () =>
        head.method === 'GET'
          ? parseQueryString(head, limits)
          : parsePostBody(await readBody(request.body, limits.maxBodyBytes), limits),
      )
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      if (args.contextValue.request.method === 'GET') setResultAndStopExecution({ errors: [mutationOverGetError()] })
    },
  }
}

function mutationOverGetError() {
  return httpError('METHOD_NOT_ALLOWED', 'Expected POST: GET is for queries only.', {
    status: 405,
    headers: { allow: 'POST' },
  })
}
