import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { type Dispatcher, errors, FormData } from 'undici'
import type { AbortSignalLike } from '../domain/abort-signal.ts'
import type { CallLog } from '../domain/call-log.ts'
import { DomainError, ProviderContractError, ProviderUnavailableError, type SendOutcome } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { CallKind, HttpMethod } from '../domain/provider-call.ts'
import type { CallDeadline } from './call-deadline.ts'
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
  readonly signal?: AbortSignalLike
  /** The call log of the client operation. */
  readonly callLog?: CallLog
}

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
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
  /** Ends with the deadline. `headers` are ours. */
  send(
    request: RequestOptions,
    deadline: CallDeadline,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RawResponse>
  /** Closes all connections. */
  close(): Promise<void>
}

export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.baseUrl)
  const { origin } = base
  const pool = options.dispatcher ?? openConnections({ ...options, origin, connectMs: options.readDeadlineMs })
  const prefix = base.pathname.replace(/\/$/, '')

  function send(
    request: RequestOptions,
    deadline: CallDeadline,
    forwardedHeaders: Readonly<Record<string, string>> = {},
  ): Promise<RawResponse> {
    const { method } = request
    const { headers: ofBody, body } = encodeBody(request)
    const path = prefix + request.path + encodeQuery(request.query)
    const headers = { ...DEFAULT_HEADERS, ...forwardedHeaders, ...ofBody, ...request.headers }
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => reject(toTransportError(error, request, options.provider))
      const reader = new ResponseReader(options.maxAnswerBytes, deadline, resolve, fail)
      try {
        pool.dispatch({ origin, path, method, headers, body }, reader)
      } catch (error) {
        reader.onResponseError(undefined, error)
      }
    })
  }

  return { send, close: () => pool.destroy() }
}

/** Collects one response. The deadline aborts its request. */
class ResponseReader implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number
  readonly #deadline: CallDeadline
  readonly #resolve: (response: RawResponse) => void
  readonly #reject: (error: unknown) => void
  readonly #chunks: Buffer[] = []
  #size = 0
  #status = 0
  #headers: RawResponse['headers'] = {}

  constructor(
    maxBytes: number,
    deadline: CallDeadline,
    resolve: (response: RawResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#maxBytes = maxBytes
    this.#deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const deadline = this.#deadline
    if (deadline.isOver) controller.abort(toError(deadline.reason))
    else deadline.listener = reason => controller.abort(toError(reason))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Informational responses come before the response.
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > this.#maxBytes) controller.abort(new ResponseTooLarge())
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#deadline.listener = undefined
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    try {
      this.#succeed(decode(bytes ?? NO_BYTES, this.#headers, this.#maxBytes))
    } catch (error) {
      this.#fail(error)
    }
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.#deadline.listener = undefined
    this.#fail(error)
  }

  #succeed(text: string): void {
    this.#resolve({ status: this.#status, headers: this.#headers, text })
  }

  /** An error status is enough on its own, even if its body is unreadable. */
  #fail(error: unknown): void {
    if (this.#status >= 300) this.#succeed('')
    else this.#reject(error)
  }
}

const NO_BYTES = Buffer.alloc(0)

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The request ended.', { cause: reason })
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

class ResponseTooLarge extends Error {}

const DECODERS = { gzip: gunzipSync, 'x-gzip': gunzipSync, deflate: inflateSync, br: brotliDecompressSync } as const

/** The request asks for identity; a compressed response is decoded all the same, with a bound on its decoded size. */
function decode(bytes: Buffer, headers: RawResponse['headers'], limit: number): string {
  const encoding = headerOf({ headers }, 'content-encoding') ?? ''
  const decoder = DECODERS[encoding.trim().toLowerCase() as keyof typeof DECODERS]
  return (decoder ? decoder(bytes, { maxOutputLength: limit }) : bytes).toString('utf8')
}

/** A repeated header is joined. */
export function headerOf({ headers }: Pick<RawResponse, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The codes with which a mocked dispatcher reports a failed connection. */
const NOTHING_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

function toTransportError(error: unknown, request: RequestOptions, provider: Provider): DomainError {
  const at = { operation: request.operation, cause: error }
  if (request.kind === 'READ' && request.signal?.aborted) {
    return new DomainError(
      'DEADLINE_EXCEEDED',
      'The request ended before the provider responded. Send it again, or select less.',
      { cause: error },
    )
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
