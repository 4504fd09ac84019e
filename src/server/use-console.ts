import type { FetchAPI, Plugin } from 'graphql-yoga'
import { type Caller, holderOf } from '../domain/caller.ts'
import { DomainError, type ErrorCode } from '../domain/errors.ts'
import type { Arrived } from './bearer.ts'
import { readBody } from './body.ts'
import type { Budget } from './budget.ts'
import { createEntrance, type EntranceOptions } from './entrance.ts'
import { toClientError } from './error-codes.ts'
import { decodeText, parseJson } from './json-text.ts'
import { refuse, toRefusalResponse } from './refusal.ts'
import { REQUEST_ID_HEADER, toRequestId } from './request-id.ts'

export const CONSOLE_PATH = '/console'
const QUESTIONS = `${CONSOLE_PATH}/api`
const MAX_BODY_BYTES = 4_096
const MAX_JSON_DEPTH = 4

/** What stands behind the door. */
export interface ConsoleRoom {
  /** A file of the page by its name, '' for the page itself. */
  file(name: string): { readonly body: Uint8Array; readonly type: string; readonly tag: string } | undefined
  /** Undefined where there is nothing to ask. Throws DomainError. */
  ask(
    question: {
      readonly method: string
      readonly path: string
      readonly search: URLSearchParams
      readonly body: unknown
    },
    operator: { readonly tenantId: string; readonly keyId: string },
  ): Promise<object | undefined>
}

export interface ConsoleDoor extends EntranceOptions {
  readonly console: ConsoleRoom
  readonly budget: Budget
  readonly report: (error: unknown) => void
}

/**
 * `/console`: a page that anybody may load and that holds nothing; `/console/api/…`: what it asks, for an administrator's
 * key in the header and its tenant alone. Each question costs the key one.
 */
export function useConsole({ console, budget, report, ...options }: ConsoleDoor): Plugin {
  const enter = createEntrance(options)

  async function answer(request: Request, url: URL, arrived: Arrived, fetchAPI: FetchAPI): Promise<Response> {
    const requestId = toRequestId(request.headers.get(REQUEST_ID_HEADER))
    const caller = await enter(request, arrived, requestId)
    if ('error' in caller) return fetchAPI.Response.json({ errors: [caller.error] }, caller.init)
    try {
      return fetchAPI.Response.json(await ask(request, url, caller))
    } catch (error) {
      const refusal = toRefusal(error)
      if (refusal.extensions.code === 'INTERNAL_ERROR') report(error)
      return toRefusalResponse(refusal, requestId, fetchAPI)
    }
  }

  async function ask(request: Request, { pathname, searchParams }: URL, caller: Caller): Promise<object> {
    if (caller.subject || !caller.scopes.has('admin')) throw forbidden()
    const waitMs = await budget.spend(holderOf(caller), 1)
    if (waitMs > 0) throw spent(waitMs)
    const { method } = request
    const path = pathname.slice(QUESTIONS.length)
    const body = method === 'POST' ? await readJson(request) : undefined
    const found = await console.ask({ method, path, search: searchParams, body }, caller)
    if (!found) throw refuse('NOT_FOUND', 'There is nothing at this address.', { status: 404 })
    return found
  }

  return {
    onRequest: async ({ request, url, serverContext, endResponse, fetchAPI }) => {
      const { pathname } = url
      if (pathname.startsWith(`${QUESTIONS}/`)) {
        return endResponse(await answer(request, url, serverContext as Arrived, fetchAPI))
      }
      if (pathname !== CONSOLE_PATH && !pathname.startsWith(`${CONSOLE_PATH}/`)) return
      // From below it, the page would not find its files.
      if (pathname === `${CONSOLE_PATH}/`) return endResponse(moved(fetchAPI))
      const file = console.file(pathname.slice(CONSOLE_PATH.length + 1))
      if (!file || !['GET', 'HEAD'].includes(request.method)) return
      // Kept by the browser, which asks each time whether it is still the same: there is nobody in it.
      const headers = { 'cache-control': 'no-cache', etag: file.tag, 'content-security-policy': POLICY }
      if (request.headers.get('if-none-match')?.includes(file.tag)) {
        return endResponse(new fetchAPI.Response(null, { status: 304, headers }))
      }
      const typed = { ...headers, 'content-type': file.type }
      endResponse(new fetchAPI.Response(Buffer.from(file.body), { headers: typed }))
    },
  }
}

/** Its own files run and it asks us; nothing stands in the page itself, and nobody else is asked. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

async function readJson(request: Request): Promise<unknown> {
  const text = decodeText(await readBody(request.body, MAX_BODY_BYTES))
  return text === '' ? undefined : parseJson(text, MAX_JSON_DEPTH, 'the body')
}

function moved({ Response }: FetchAPI): Response {
  return new Response(null, { status: 308, headers: { location: CONSOLE_PATH } })
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  INTERNAL_ERROR: 500,
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
}

/** What is no fault of ours nor of who asked is the provider's. */
const PROVIDER_STATUS = 502

function toRefusal(error: unknown) {
  const refusal = toClientError(error)
  if (refusal.extensions.http) return refusal
  const code = error instanceof DomainError ? error.code : 'INTERNAL_ERROR'
  return refuse(code, refusal.message, { status: STATUSES[code] ?? PROVIDER_STATUS })
}

function forbidden() {
  return refuse('FORBIDDEN', 'The console is for keys with the scope admin.', { status: 403 })
}

function spent(waitMs: number) {
  const retryAfter = Math.ceil(waitMs / 1_000)
  return refuse('RATE_LIMITED', 'Your key has spent what it may spend in a minute.', { status: 429, retryAfter })
}
