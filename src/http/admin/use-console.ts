import type { FetchAPI, Plugin } from 'graphql-yoga'
import type { Caller, Scope } from '../../domain/access/caller.ts'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { DomainError, InvalidInputError, operatorMessage } from '../../domain/errors.ts'
import { type AuthenticatorOptions, createAuthenticator } from '../auth/authenticator.ts'
import type { IncomingConnection } from '../auth/bearer.ts'
import { cacheControl } from '../compression.ts'
import { toClientError } from '../errors/error-codes.ts'
import { httpError, toErrorResponse } from '../errors/http-error.ts'
import { type RateLimiter, REQUEST_COST, rateLimitedError } from '../pipeline/rate-limit.ts'
import { pathNotFound } from '../plugins/standard-plugins.ts'
import { readBody } from '../request/body.ts'
import { decodeText, parseJsonBody } from '../request/json-body.ts'
import { REQUEST_ID_HEADER, toRequestId } from '../request/request-head.ts'
import { StaticFile } from '../static-file.ts'

export const CONSOLE_PATH = '/console'
const ROUTES = `${CONSOLE_PATH}/api`
const MAX_BODY_BYTES = 4_096
const MAX_JSON_DEPTH = 4

export interface ConsoleBackend {
  /** A static file of the page by name; '' is the page itself. */
  file(name: string): { readonly body: Uint8Array; readonly type: string } | undefined
  /** Undefined if no route has the path. Throws DomainError. */
  handle(
    request: {
      readonly method: string
      readonly path: string
      readonly search: URLSearchParams
      readonly body: unknown
    },
    operator: { readonly tenantId: string; readonly keyId: string; readonly scopes: ReadonlySet<Scope> },
  ): Promise<object | undefined>
}

export interface ConsoleOptions extends AuthenticatorOptions {
  readonly console: ConsoleBackend
  readonly rateLimiter: RateLimiter
  readonly report: (error: unknown) => void
}

/**
 * `/console`: a page without data, public. `/console/api/…`: its API, for API keys with the scope admin, limited to the
 * key's tenant. Each request has a cost of one, in a budget of its own, so that the key's operations do not lock it out.
 */
export function useConsole({ console, rateLimiter, report, ...options }: ConsoleOptions): Plugin {
  const authenticate = createAuthenticator(options)

  async function answer(
    request: Request,
    url: URL,
    connection: IncomingConnection,
    fetchAPI: FetchAPI,
  ): Promise<Response> {
    const requestId = toRequestId(request.headers.get(REQUEST_ID_HEADER))
    const caller = await authenticate(request.headers.get('authorization'), connection, requestId)
    if ('error' in caller) return fetchAPI.Response.json({ errors: [caller.error] }, caller.init)
    try {
      // Some answers contain personal data beside reflected input.
      const headers = { 'cache-control': cacheControl(false) }
      return fetchAPI.Response.json(await handle(request, url, caller), { headers })
    } catch (error) {
      const httpFailure = toHttpError(error)
      if (httpFailure.extensions.code === 'INTERNAL_ERROR') report(error)
      return toErrorResponse(httpFailure, requestId, fetchAPI)
    }
  }

  async function handle(request: Request, { pathname, searchParams }: URL, caller: Caller): Promise<object> {
    if (caller.subject || !caller.scopes.has('admin')) throw forbidden()
    const waitMs = await rateLimiter.consume(`console|${caller.keyId}`, REQUEST_COST)
    if (waitMs > 0) throw rateLimitedError(waitMs)
    const { method } = request
    const path = pathname.slice(ROUTES.length)
    const body = method === 'POST' ? await readJson(request) : undefined
    const found = await console.handle({ method, path, search: searchParams, body }, caller)
    if (!found) throw pathNotFound()
    return found
  }

  const files = new Map<string, StaticFile>()

  function openFile(name: string): StaticFile | undefined {
    const asset = console.file(name)
    if (!asset) return undefined
    const file = new StaticFile({ ...asset, headers: { 'content-security-policy': POLICY } })
    files.set(name, file)
    return file
  }

  return {
    onRequest: async ({ request, url, serverContext, endResponse, fetchAPI }) => {
      const { pathname } = url
      if (pathname.startsWith(`${ROUTES}/`)) {
        return endResponse(await answer(request, url, serverContext as IncomingConnection, fetchAPI))
      }
      if (pathname !== CONSOLE_PATH && !pathname.startsWith(`${CONSOLE_PATH}/`)) return
      // The page's relative URLs need the path without the trailing slash. A proxy may have removed a prefix of the path.
      if (pathname === `${CONSOLE_PATH}/`) return endResponse(redirectTo('../console', fetchAPI))
      const name = pathname.slice(CONSOLE_PATH.length + 1)
      const file = files.get(name) ?? openFile(name)
      if (file && ['GET', 'HEAD'].includes(request.method)) return endResponse(await file.respond(request, fetchAPI))
    },
  }
}

/** Allows the page's own files and API only, and nothing inline. */
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
  return text === '' ? undefined : parseJsonBody(text, MAX_JSON_DEPTH, 'the body')
}

function redirectTo(location: string, { Response }: FetchAPI): Response {
  return new Response(null, { status: 308, headers: { location } })
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  INTERNAL_ERROR: 500,
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
}

/** Every other code is an error of the provider. */
const PROVIDER_STATUS = 502

function toHttpError(error: unknown) {
  const httpFailure = toClientError(error)
  if (httpFailure.extensions.http) return httpFailure
  const code = error instanceof DomainError ? error.code : 'INTERNAL_ERROR'
  const message =
    error instanceof InvalidInputError
      ? describeIssues(error)
      : error instanceof DomainError
        ? operatorMessage(error)
        : httpFailure.message
  return httpError(code, message, { status: STATUSES[code] ?? PROVIDER_STATUS })
}

/** Such as `query: Expected at most 255 characters.` */
function describeIssues({ issues }: InvalidInputError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' ')
}

function forbidden() {
  return httpError('FORBIDDEN', 'Use an API key with the scope admin: the console requires it.', { status: 403 })
}
