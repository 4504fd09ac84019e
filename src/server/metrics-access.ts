import { createHash, timingSafeEqual } from 'node:crypto'

export interface MetricsAccessOptions {
  /** What a scraper authorises itself with, where one is set. */
  readonly token?: string
  /** True where the house serves this machine alone. */
  readonly isAtHome: boolean
  /** True for the key of an administrator. */
  readonly isAdmin: (bearer: string) => Promise<boolean> | boolean
}

/**
 * Whoever has the token or an administrator's key may read the metrics. Without a token they are open to this machine,
 * where the house serves no other and nothing passes requests on from elsewhere.
 */
export function createMetricsAccess({ token, isAtHome, isAdmin }: MetricsAccessOptions) {
  return async (request: Request, bearer: string): Promise<boolean> => {
    if (bearer !== '') return (token !== undefined && isSame(bearer, token)) || (await isAdmin(bearer))
    return token === undefined && isAtHome && isDirect(request)
  }
}

/** A proxy says for whom it asks; a page that had its name pointed here says its own name. */
function isDirect(request: Request): boolean {
  if (['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'].some(name => request.headers.has(name))) return false
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(request.url).hostname)
}

/** Takes as long for every wrong one. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
