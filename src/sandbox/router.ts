import type { Route } from './sandbox.ts'

export interface Match {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Finds the first route of a method and path. Segments have to be equal, including a trailing slash. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match | undefined {
  const compiled = routes.map(route => ({ route, segments: route.path.split('/') }))
  return (method, path) => {
    const segments = path.split('/')
    for (const { route, segments: pattern } of compiled) {
      const params = route.method === method ? matchSegments(pattern, segments) : undefined
      if (params) return { route, params }
    }
    return undefined
  }
}

function matchSegments(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of pattern.entries()) {
    const value = given[index] ?? ''
    if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = safeDecode(value)
    else if (segment !== value) return undefined
  }
  return params
}

function safeDecode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
