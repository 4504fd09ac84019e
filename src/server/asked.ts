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

function searchOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}
