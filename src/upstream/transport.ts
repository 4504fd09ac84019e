import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { type Dispatcher, errors, FormData } from 'undici'
import type { CallLog } from '../domain/call-log.ts'
import { DomainError, ProviderContractError, ProviderUnavailableError, type SendOutcome } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { CallKind, HttpMethod } from '../domain/provider-call.ts'
import { NotConnectedError, openConnections, type ProxyOptions } from './connections.ts'

/** An HTTP request to a provider. */
export interface RequestOptions {
  readonly operation: string
  readonly kind: CallKind
  readonly method: HttpMethod
  /** Relative to the base URL, with a leading slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  /** Sent as multipart/form-data. */
  readonly form?: Readonly<Record<string, string | undefined>>
  /** The client's signal. It cancels reads, never a create. */
  readonly signal?: AbortSignal
  /** The call log of the client operation. */
  readonly callLog?: CallLog
  /** True for a WRITE that may be sent in the background to detect the provider's recovery. */
  readonly probesItself?: true
}

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

export interface TransportOptions {
  readonly provider: Provider
  readonly baseUrl: string
  readonly connections: number
  readonly maxAnswerBytes: number
  /** The shortest deadline, which also limits connecting. */
  readonly readDeadlineMs: number
  readonly proxy?: ProxyOptions
  /** Replaces the pool in tests. */
  readonly dispatcher?: Dispatcher
}

export interface Transport {
  /** `signal` cancels the request: its deadline, and for a read the client's disconnect. `headers` are ours. */
  send(request: RequestOptions, signal: AbortSignal, headers?: Readonly<Record<string, string>>): Promise<RawResponse>
  /** Closes all connections. */
  close(): Promise<void>
}

export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.baseUrl)
  const pool =
    options.dispatcher ?? openConnections({ ...options, origin: base.origin, connectMs: options.readDeadlineMs })
  const prefix = base.pathname.replace(/\/$/, '')

  async function send(
    request: RequestOptions,
    signal: AbortSignal,
    withForwardedHeaders: Readonly<Record<string, string>> = {},
  ): Promise<RawResponse> {
    try {
      const { headers: ofBody, body } = encodeBody(request)
      const answer = await pool.request({
        origin: base.origin,
        path: prefix + request.path + encodeQuery(request.query),
        method: request.method,
        headers: { ...DEFAULT_HEADERS, ...withForwardedHeaders, ...ofBody, ...request.headers },
        body,
        signal,
      })
      const { statusCode: status } = answer
      const headers = flattenHeaders(answer.headers)
      return { status, headers, text: await readText(answer.body, status, headers, options.maxAnswerBytes) }
    } catch (error) {
      throw toTransportError(error, request, options.provider)
    }
  }

  return { send, close: () => pool.destroy() }
}

function encodeQuery(query: RequestOptions['query']): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined) params.set(key, String(value))
  return params.size === 0 ? '' : `?${params}`
}

function encodeBody(request: RequestOptions): { headers: Record<string, string>; body: string | FormData | null } {
  if (request.form) {
    const form = new FormData()
    for (const [key, value] of Object.entries(request.form)) if (value !== undefined) form.append(key, value)
    return { headers: {}, body: form }
  }
  if (request.json === undefined) return { headers: {}, body: null }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(request.json) }
}

const DEFAULT_HEADERS = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'sessiongraph' }

/** An error status is enough on its own, even if its body is unreadable. */
async function readText(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  status: number,
  headers: RawResponse['headers'],
  limit: number,
): Promise<string> {
  try {
    return decode(await readBounded(body, limit), headers, limit)
  } catch (error) {
    if (status >= 300) return ''
    throw error
  }
}

class ResponseTooLarge extends Error {}

async function readBounded(body: AsyncIterable<Buffer> & { destroy(): unknown }, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) {
      body.destroy()
      throw new ResponseTooLarge()
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const DECODERS = { gzip: gunzipSync, 'x-gzip': gunzipSync, deflate: inflateSync, br: brotliDecompressSync } as const

/** The request asks for identity; a compressed response is decoded all the same, with a bound on its decoded size. */
function decode(bytes: Buffer, headers: RawResponse['headers'], limit: number): string {
  const decoder = DECODERS[(headers['content-encoding'] ?? '').trim().toLowerCase() as keyof typeof DECODERS]
  return (decoder ? decoder(bytes, { maxOutputLength: limit }) : bytes).toString('utf8')
}

function flattenHeaders(headers: Record<string, string | string[] | undefined>): RawResponse['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : value]),
  )
}

/** The codes with which a mocked dispatcher reports a failed connection. */
const NOTHING_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

function toTransportError(error: unknown, request: RequestOptions, provider: Provider): DomainError {
  const at = { operation: request.operation, cause: error }
  if (request.kind === 'READ' && request.signal?.aborted) {
    return new DomainError('DEADLINE_EXCEEDED', 'The request ended before the provider responded.', { cause: error })
  }
  if (isUnreadable(error)) {
    return new ProviderContractError(provider, `${provider} sent an unreadable response.`, at)
  }
  const unsent = error instanceof NotConnectedError || NOTHING_SENT.has(errorCode(error))
  const outcome: SendOutcome = unsent ? 'NOT_SENT' : 'UNCERTAIN'
  const message = `${provider} ${unsent ? 'cannot be reached' : isTimeout(error) ? 'timed out' : 'closed the connection'}.`
  return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, message, { ...at, outcome })
}

export function isTimeout(error: unknown): boolean {
  return (error instanceof Error && error.name === 'TimeoutError') || errorCode(error).endsWith('_TIMEOUT')
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Too large, invalid compression or invalid HTTP: not a network failure but an invalid response. */
function isUnreadable(error: unknown): boolean {
  const code = errorCode(error)
  return (
    error instanceof ResponseTooLarge ||
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    code === 'ERR_BUFFER_TOO_LARGE' ||
    code.startsWith('Z_') ||
    code.startsWith('ERR_BROTLI') ||
    code.startsWith('ERR__ERROR')
  )
}
