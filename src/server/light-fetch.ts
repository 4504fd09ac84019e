import type { IncomingMessage } from 'node:http'

/**
 * As much of the fetch API as the plugins and Yoga use for a POST: whole Requests and Responses cost more than most
 * operations. What is here has the names and the meaning of the standard; what is not here nobody asks for.
 */

export class LightHeaders {
  readonly #values: Map<string, string>

  constructor(init: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries(init).map(([name, value]) => [name.toLowerCase(), value]))
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value)
  }

  toObject(): Record<string, string> {
    return Object.fromEntries(this.#values)
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
    const body = JSON.stringify(value)
    return new LightResponse(body, {
      ...init,
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    })
  }
}

/** What node got, as a Request: its body is read when somebody asks for it. `pathname`: the address without a query. */
export function toLightRequest(message: IncomingMessage, pathname: string, signal: AbortSignal): Request {
  const url = `http://${message.headers.host ?? 'localhost'}${pathname}`
  const request = {
    method: message.method,
    url,
    parsedUrl: { pathname, search: '', searchParams: new URLSearchParams(), href: url },
    headers: {
      get: (name: string) => join(message.headers[name.toLowerCase()]),
      has: (name: string) => message.headers[name.toLowerCase()] !== undefined,
    },
    body: message,
    signal,
  }
  // It has all that is asked for of one: see above.
  return request as unknown as Request
}

function join(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}
