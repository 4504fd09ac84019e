import type { IncomingMessage } from 'node:http'
import { toAbortSignal } from '../../domain/abort-signal.ts'
import type { HasSignal } from '../../domain/deadline.ts'
import { joinHeader } from '../request/request-head.ts'

/**
 * The part of the fetch API that Yoga and the plugins use for a POST: the standard Request and Response cost more than most
 * operations. Names and meaning are those of the standard.
 */

export class MinimalHeaders {
  /** Names in lower case, each followed by its value, as node:http writes them. */
  readonly #list: string[]

  constructor(list: readonly string[] = []) {
    this.#list = [...list]
  }

  get(name: string): string | null {
    return this.#list[this.#indexOf(name) + 1] ?? null
  }

  has(name: string): boolean {
    return this.#indexOf(name) < this.#list.length
  }

  set(name: string, value: string): void {
    const index = this.#indexOf(name)
    this.#list[index] = name.toLowerCase()
    this.#list[index + 1] = value
  }

  toList(): string[] {
    return this.#list
  }

  /** The length of the list for a name that is not in it. */
  #indexOf(name: string): number {
    const wanted = name.toLowerCase()
    let index = 0
    while (index < this.#list.length && this.#list[index] !== wanted) index += 2
    return index
  }
}

interface MinimalResponseInit {
  readonly status?: number
  readonly statusText?: string
  /** An object; or a list of names in lower case, each followed by its value. */
  readonly headers?: Readonly<Record<string, string>> | readonly string[]
}

/** `body`: text, or a stream for an incremental response. */
export class MinimalResponse {
  readonly body: string | ReadableStream<Uint8Array> | null
  readonly status: number
  readonly headers: MinimalHeaders

  constructor(
    body: string | ReadableStream<Uint8Array> | null = null,
    { status = 200, headers }: MinimalResponseInit = {},
  ) {
    this.body = body
    this.status = status
    this.headers = new MinimalHeaders(isList(headers) ? headers : toList(headers))
  }

  static json(value: unknown, init: MinimalResponseInit = {}): MinimalResponse {
    const response = new MinimalResponse(JSON.stringify(value), init)
    if (!response.headers.has('content-type')) response.headers.set('content-type', 'application/json; charset=utf-8')
    return response
  }
}

function isList(headers: MinimalResponseInit['headers']): headers is readonly string[] {
  return Array.isArray(headers)
}

function toList(headers: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value])
}

/** A request of node:http as a Request. `pathname`: the URL without a query. */
export function toMinimalRequest(
  message: Pick<IncomingMessage, 'headers' | 'method'>,
  body: AsyncIterable<Uint8Array>,
  pathname: string,
  disconnect: HasSignal,
): Request {
  const url = `http://${message.headers.host ?? 'localhost'}${pathname}`
  let signal: AbortSignal | undefined
  const request = {
    method: message.method,
    url,
    parsedUrl: { pathname, search: '', searchParams: new URLSearchParams(), href: url },
    headers: {
      get: (name: string) => joinHeader(message.headers[name.toLowerCase()]) ?? null,
      has: (name: string) => message.headers[name.toLowerCase()] !== undefined,
    },
    body,
    get signal() {
      signal ??= toAbortSignal(disconnect.signal)
      return signal
    },
  }
  return asFetchType<Request>(request)
}

/** The class in the place of Response that Yoga's `fetchAPI` expects. */
export const MINIMAL_FETCH_API = { Response: asFetchType<typeof Response>(MinimalResponse) }

/**
 * The one cast of this file's types to those of the fetch API: TypeScript requires all members, and Yoga uses those that
 * are here. test/http/fast-path-parity.test.ts compares the responses with those of the standard classes.
 */
function asFetchType<T>(minimal: object): T {
  return minimal as unknown as T
}
