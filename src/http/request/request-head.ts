import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { costBesideRequest } from '../pipeline/rate-limit.ts'

/** The parts of a request that are validated before its body, the same on both paths. */
export interface RequestHead {
  readonly method: string
  /** The query string without the question mark. */
  readonly search: string
  /** A header by its name in lower case. */
  header(name: string): string | undefined
}

export function headOfRequest(request: Request): RequestHead {
  return {
    method: request.method,
    search: searchOf(request.url),
    header: name => request.headers.get(name) ?? undefined,
  }
}

/** Of a POST, whose query string is ignored. */
export function headOfNodeMessage({ headers }: { readonly headers: IncomingHttpHeaders }): RequestHead {
  return { method: 'POST', search: '', header: name => joinHeader(headers[name]) }
}

/** Joins a repeated header, as fetch does. */
export function joinHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

const HEADERS_PER_COST = 30
const HEADER_CHARACTERS_PER_COST = 1_000

/** What the header fields of a request cost beside it. `rawHeaders`: names, each followed by its value. */
export function costOfHead(rawHeaders: readonly string[]): number {
  let characters = 0
  for (const text of rawHeaders) characters += text.length
  return costBesideRequest(rawHeaders.length / 2 / HEADERS_PER_COST + characters / HEADER_CHARACTERS_PER_COST)
}

/** `list`: names, each followed by its value. */
export function setHeaders(headers: Pick<Headers, 'set'>, list: readonly string[]): void {
  for (let at = 0; at < list.length; at += 2) headers.set(list[at] ?? '', list[at + 1] ?? '')
}

function searchOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

export const REQUEST_ID_HEADER = 'x-request-id'

/** The client's request id if it is well formed, else a new one. Responses, logs and provider calls carry it. */
export function toRequestId(sent: string | null | undefined): string {
  return sent && FORM.test(sent) ? sent : randomUUID()
}

/** Too strict for an e-mail address, a name with spaces or an API key. */
const FORM = /^[A-Za-z0-9-]{8,64}$/
