import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Inbox } from '../../services/webhooks/webhook-inbox.ts'
import { httpError, toErrorResponse } from '../errors/http-error.ts'
import { assertLength, readBody } from '../request/body.ts'
import { headOfRequest } from '../request/request-head.ts'

const PATH = /^\/webhooks\/([a-z]{1,40})\/([A-Za-z0-9_-]{1,64})$/
const MAX_BODY_BYTES = 256 * 1024
const RETRY_AFTER_SECONDS = 5

/**
 * `POST /webhooks/{provider}/{endpoint}`. 204 stored, or received before · 401 signature invalid, missing or too old · 404
 * unknown endpoint · 405 · 413 · 503 not stored, or the account is not connected on this instance: the provider retries.
 */
export function useWebhooks(inbox: Inbox, report: (error: unknown) => void): Plugin {
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (!url.pathname.startsWith('/webhooks/')) return
      const refuse = (error: GraphQLError) => endResponse(toErrorResponse(error, undefined, fetchAPI))
      const [, provider, endpointId] = PATH.exec(url.pathname) ?? []
      if (!provider || !endpointId) return refuse(unknownEndpoint())
      if (request.method !== 'POST') return refuse(methodNotAllowed())
      try {
        // Before the body is read, so that a sender without an endpoint keeps no request open.
        const endpoint = await inbox.endpointOf(provider.toUpperCase(), endpointId)
        if (!endpoint) return refuse(unknownEndpoint())
        assertLength(headOfRequest(request), MAX_BODY_BYTES)
        const body = Buffer.from(await readBody(request.body, MAX_BODY_BYTES))
        const reception = await inbox.receive(endpoint, { headers: flatten(request.headers), body })
        if (reception === 'STORED') return endResponse(new fetchAPI.Response(null, { status: 204 }))
        refuse(REFUSALS[reception]())
      } catch (error) {
        if (error instanceof GraphQLError) return refuse(error)
        report(error)
        refuse(notStored())
      }
    },
  }
}

const REFUSALS = {
  INVALID_SIGNATURE: () =>
    httpError('UNAUTHENTICATED', 'Expected a valid and recent signature of the provider.', { status: 401 }),
  UNKNOWN_ENDPOINT: unknownEndpoint,
  NOT_CONNECTED: notStored,
} as const

function unknownEndpoint(): GraphQLError {
  const headers = { connection: 'close' }
  return httpError('NOT_FOUND', 'No webhook endpoint has this path. Check the URL with `sessiongraph webhooks list`.', {
    status: 404,
    headers,
  })
}

function methodNotAllowed(): GraphQLError {
  return httpError('BAD_REQUEST', 'Expected a webhook by POST.', { status: 405, headers: { allow: 'POST' } })
}

function notStored(): GraphQLError {
  const message = 'The webhook was not stored. Send it again.'
  return httpError('OVERLOADED', message, { status: 503, retryAfterSeconds: RETRY_AFTER_SECONDS })
}

function flatten(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers.entries()].map(([name, value]) => [name.toLowerCase(), value]))
}
