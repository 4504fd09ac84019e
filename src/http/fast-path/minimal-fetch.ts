import type { IncomingMessage } from 'node:http'
import type { HasSignal } from '../../domain/deadline.ts'
import { joinHeader } from '../request/request-head.ts'

/**
 * The part of the fetch API that Yoga and the plugins use for a POST: the standard Request and Response cost more than most
 * operations. Names and meaning are those of the standard.
 */

export class MinimalHeaders {
  /** By lower case name. */
  readonly #values: Record<string, string> = {}

  constructor(init: Readonly<Record<string, string>> = {}) {
    for (const name in init) this.set(name, init[name] ?? '')
  }

  get(name: string): string | null {
    return this.#values[name.toLowerCase()] ?? null
  }

  has(name: string): boolean {
    return this.#values[name.toLowerCase()] !== undefined
  }

  set(name: string, value: string): void {
    this.#values[name.toLowerCase()] = value
  }

  toObject(): Record<string, string> {
    return this.#values
  }
}

interface MinimalResponseInit {
  readonly status?: number
  readonly statusText?: string
  readonly headers?: Readonly<Record<string, string>>
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
    this.headers = new MinimalHeaders(headers)
  }

  static json(value: unknown, { headers, ...init }: MinimalResponseInit = {}): MinimalResponse {
    return new MinimalResponse(JSON.stringify(value), {
      ...init,
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    })
  }
}

/** A request of node:http as a Request. `pathname`: the URL without a query. */
export function toMinimalRequest(
  message: Pick<IncomingMessage, 'headers' | 'method'>,
  body: AsyncIterable<Uint8Array>,
  pathname: string,
  disconnect: HasSignal,
): Request {
  const url = `http://${message.headers.host ?? 'localhost'}${pathname}`
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
      return disconnect.signal
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
