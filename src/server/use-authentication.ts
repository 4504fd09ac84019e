import type { Plugin } from 'graphql-yoga'
import type { Caller } from '../domain/caller.ts'
import type { Arrived } from './bearer.ts'
import { createEntrance, type EntranceOptions } from './entrance.ts'
import { REQUEST_ID_HEADER, toRequestId } from './request-id.ts'

/** What the door knows of a request that it let in. */
export interface Admitted {
  readonly caller: Caller
  readonly requestId: string
  readonly startedAt: Date
}

export interface AuthenticationDoor extends EntranceOptions {
  readonly path: string
  readonly now: () => Date
}

/**
 * Lets in who holds a key or a client token, before anything of the request is parsed. Bad ones are counted by address;
 * a good one is let in whatever others of its address did, so that nobody can lock a company out.
 */
export function useAuthentication({ path, now, ...options }: AuthenticationDoor): Plugin<object, Admitted> {
  const enter = createEntrance(options)
  return {
    onRequest: async ({ request, url, serverContext, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method === 'OPTIONS') return
      const requestId = toRequestId(request.headers.get(REQUEST_ID_HEADER))
      const caller = await enter(request, serverContext as Arrived, requestId)
      if (!('error' in caller)) {
        Object.assign(serverContext, { caller, requestId, startedAt: now() } satisfies Admitted)
        return
      }
      Object.assign(serverContext, { requestId })
      endResponse(fetchAPI.Response.json({ errors: [caller.error] }, caller.init))
    },
  }
}
