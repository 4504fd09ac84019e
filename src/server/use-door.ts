import type { Plugin } from 'graphql-yoga'
import { askedByRequest } from './asked.ts'
import { readBody } from './body.ts'
import { checkHead, readPosted, readSearch } from './door.ts'
import type { DoorLimits } from './limits.ts'
import { refuse } from './refusal.ts'

/** Puts our own door before Yoga's: what it would parse by itself, it gets checked and parsed. */
export function useDoor(limits: DoorLimits): Plugin {
  return {
    onRequestParse: ({ request, setRequestParser }) => {
      const asked = askedByRequest(request)
      checkHead(asked, limits)
      setRequestParser(async () =>
        asked.method === 'GET'
          ? readSearch(asked, limits)
          : readPosted(await readBody(request.body, limits.maxBodyBytes), limits),
      )
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      if (args.contextValue.request.method === 'GET') setResultAndStopExecution({ errors: [notByGet()] })
    },
  }
}

function notByGet() {
  return refuse('METHOD_NOT_ALLOWED', 'Expected POST: a GET is for a query.', {
    status: 405,
    headers: { allow: 'POST' },
  })
}
