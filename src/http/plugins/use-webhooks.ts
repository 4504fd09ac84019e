import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Inbox } from '../../services/webhooks/webhook-inbox.ts'
import type { HttpErrorOptions } from '../errors/http-error.ts'
import { assertLength, readBody } from '../request/body.ts'
import { headOfRequest } from '../request/request-head.ts'

const PATH = /^\/webhooks\/([a-z]{1,40})\/([A-Za-z0-9_-]{1,64})$/
const MAX_BODY_BYTES = 256 * 1024
const RETRY_AFTER_SECONDS = '5'

/**
 * `POST /webhooks/{provider}/{endpoint}`. 204 stored, or received before · 401 signature invalid, missing or too old · 404
 * unknown endpoint · 405 · 413 · 503 not stored, or the account is not connected on this instance: the provider retries.
 */
export function useWebhooks(inbox: Inbox, report: (error: unknown) => void): Plugin {
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (!url.pathname.startsWith('/webhooks/')) return
      const respond = (status: number, headers?: Record<string, string>) =>
        endResponse(new fetchAPI.Response(null, { status, headers }))
      const [, provider, endpointId] = PATH.exec(url.pathname) ?? []
      if (!provider || !endpointId) return respond(404)
      if (request.method !== 'POST') return respond(405, { allow: 'POST' })
      try {
        // Before the body is read, so that a sender without an endpoint keeps no request open.
        const endpoint = await inbox.endpointOf(provider.toUpperCase(), endpointId)
        if (!endpoint) return respond(404, { connection: 'close' })
        assertLength(headOfRequest(request), MAX_BODY_BYTES)
        const body = Buffer.from(await readBody(request.body, MAX_BODY_BYTES))
        const reception = await inbox.receive(endpoint, { headers: flatten(request.headers), body })
        if (reception === 'NOT_CONNECTED') return respond(503, { 'retry-after': RETRY_AFTER_SECONDS })
        respond(STATUSES[reception])
      } catch (error) {
        const rejected = toHttpError(error)
        if (rejected) return respond(rejected.status, { ...rejected.headers })
        report(error)
        respond(503, { 'retry-after': RETRY_AFTER_SECONDS })
      }
    },
  }
}

const STATUSES = { STORED: 204, INVALID_SIGNATURE: 401, UNKNOWN_ENDPOINT: 404 } as const

/** The error of a body that was rejected, for the response. */
function toHttpError(error: unknown): HttpErrorOptions | undefined {
  return error instanceof GraphQLError ? (error.extensions.http as HttpErrorOptions) : undefined
}

function flatten(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers.entries()].map(([name, value]) => [name.toLowerCase(), value]))
}
