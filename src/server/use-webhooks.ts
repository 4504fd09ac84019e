import type { Plugin } from 'graphql-yoga'
import type { Inbox } from '../services/inbox.ts'

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
        const body = await readBounded(request)
        if (!body) return answer(413)
        const reception = await inbox.receive(provider.toUpperCase(), endpoint, {
          headers: flatten(request.headers),
          body,
        })
        answer(STATUSES[reception])
      } catch (error) {
        report(error)
        answer(503, { 'retry-after': RETRY_AFTER_SECONDS })
      }
    },
  }
}

const STATUSES = { STORED: 204, FORGED: 401, UNKNOWN_ENDPOINT: 404 } as const

/** The body, undefined where it is too long; reading stops there. */
async function readBounded(request: Request): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function flatten(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers.entries()].map(([name, value]) => [name.toLowerCase(), value]))
}
