import { isLoopbackHost } from '../../domain/input/hosts.ts'
import { safeEqual } from '../../security/safe-equal.ts'

export interface MetricsAccessOptions {
  /** METRICS_TOKEN. */
  readonly token?: string
  /** True if the server listens on loopback and is not in production. */
  readonly isLocalDevelopment: boolean
  /** True for an API key with the scope admin. */
  readonly isAdmin: (bearer: string) => Promise<boolean> | boolean
}

/** Metrics require METRICS_TOKEN or an admin key. In local development without a token, direct requests need neither. */
export function createMetricsAccess({ token, isLocalDevelopment, isAdmin }: MetricsAccessOptions) {
  return async (request: Request, bearer: string): Promise<boolean> => {
    if (bearer !== '') return (token !== undefined && safeEqual(bearer, token)) || (await isAdmin(bearer))
    return token === undefined && isLocalDevelopment && isDirect(request)
  }
}

/** Not through a proxy, and not from a page that uses DNS rebinding, whose host is its own name. */
function isDirect(request: Request): boolean {
  if (['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'].some(name => request.headers.has(name))) return false
  return isLoopbackHost(new URL(request.url).hostname)
}
