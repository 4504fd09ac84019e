import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Inbox } from '../services/inbox.ts'
import { askedByRequest } from './asked.ts'
import { checkLength, readBody } from './body.ts'
import type { RefusalOptions } from './refusal.ts'

const PATH = /^\/webhooks\/([a-z]{1,40})\/([A-Za-z0-9_-]{1,64})$/
const MAX_BODY_BYTES = 256 * 1024
const RETRY_AFTER_SECONDS = '5'

/**
 * `POST /webhooks/{provider}/{endpoint}`: what providers tell us. 204 stored, or here already · 401 signature bad, missing
 * or too old · 404 no such endpoint · 405 · 413 · 503 could not be stored, send it again.
 */
export function useWebhooks(inbox: Inbox, report: (error: unknown) => void): Plugin {
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (!url.pathname.startsWith('/webhooks/')) return
      const answer = (status: number, headers?: Record<string, string>) =>
        endResponse(new fetchAPI.Response(null, { status, headers }))
      const [, provider, endpoint] = PATH.exec(url.pathname) ?? []
      if (!provider || !endpoint) return answer(404)
      if (request.method !== 'POST') return answer(405, { allow: 'POST' })
      try {
        checkLength(askedByRequest(request), MAX_BODY_BYTES)
        const body = Buffer.from(await readBody(request.body, MAX_BODY_BYTES))
        const reception = await inbox.receive(provider.toUpperCase(), endpoint, {
          headers: flatten(request.headers),
          body,
        })
        answer(STATUSES[reception])
      } catch (error) {
        const refusal = asRefusal(error)
        if (refusal) return answer(refusal.status, { ...refusal.headers })
        report(error)
        answer(503, { 'retry-after': RETRY_AFTER_SECONDS })
      }
    },
  }
}

const STATUSES = { STORED: 204, FORGED: 401, UNKNOWN_ENDPOINT: 404 } as const

/** What a body was refused with. Its sender hears it before the connection is closed. */
function asRefusal(error: unknown): RefusalOptions | undefined {
  return error instanceof GraphQLError ? (error.extensions.http as RefusalOptions) : undefined
}

function flatten(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers.entries()].map(([name, value]) => [name.toLowerCase(), value]))
}
