import type { IncomingMessage } from 'node:http'
import type { Signalling } from '../domain/time-limit.ts'
import { joined } from './asked.ts'

/**
 * As much of the fetch API as the plugins and Yoga use for a POST: whole Requests and Responses cost more than most
 * operations. What is here has the names and the meaning of the standard; what is not here nobody asks for.
 */

export class LightHeaders {
  /** By their names in lower case. */
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

interface LightResponseInit {
  readonly status?: number
  readonly statusText?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A body is text, or a stream of bytes where an answer comes in parts. */
export class LightResponse {
  readonly body: string | ReadableStream<Uint8Array> | null
  readonly status: number
  readonly headers: LightHeaders

  constructor(
    body: string | ReadableStream<Uint8Array> | null = null,
    { status = 200, headers }: LightResponseInit = {},
  ) {
    this.body = body
    this.status = status
    this.headers = new LightHeaders(headers)
  }

  static json(value: unknown, { headers, ...init }: LightResponseInit = {}): LightResponse {
    return new LightResponse(JSON.stringify(value), {
      ...init,
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    })
  }
}

/** What node got, as a Request. `pathname`: the address without a query. */
export function toLightRequest(
  message: Pick<IncomingMessage, 'headers' | 'method'>,
  body: AsyncIterable<Uint8Array>,
  pathname: string,
  leaving: Signalling,
): Request {
  const url = `http://${message.headers.host ?? 'localhost'}${pathname}`
  const request = {
    method: message.method,
    url,
    parsedUrl: { pathname, search: '', searchParams: new URLSearchParams(), href: url },
    headers: {
      get: (name: string) => joined(message.headers[name.toLowerCase()]) ?? null,
      has: (name: string) => message.headers[name.toLowerCase()] !== undefined,
    },
    body,
    get signal() {
      return leaving.signal
    },
  }
  // It has all that is asked for of one: see above.
  return request as unknown as Request
}
