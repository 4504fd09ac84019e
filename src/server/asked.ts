import type { IncomingHttpHeaders } from 'node:http'

/** What the checks of the door read of a request, however it came in. */
export interface Asked {
  readonly method: string
  /** What follows the question mark, without it. */
  readonly search: string
  /** A header by its name in lower case. */
  header(name: string): string | undefined
}

export function askedByRequest(request: Request): Asked {
  return {
    method: request.method,
    search: searchOf(request.url),
    header: name => request.headers.get(name) ?? undefined,
  }
}

/** Of a POST, whose address says nothing that is looked at. */
export function askedByPost({ headers }: { readonly headers: IncomingHttpHeaders }): Asked {
  return { method: 'POST', search: '', header: name => joined(headers[name]) }
}

/** A header that came several times is one, as fetch has it. */
export function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function searchOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}
