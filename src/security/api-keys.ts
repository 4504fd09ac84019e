import { createHash, timingSafeEqual } from 'node:crypto'

/** Who a request acts for. */
export interface Caller {
  readonly tenantId: string
}

/** Finds the caller of a bearer token; undefined where the token is none of ours. */
export type Authenticate = (token: string) => Caller | undefined

/** Authentication by one fixed key, for development: its holder is the tenant given. */
export function createKeyAuthentication(apiKey: string, tenantId: string): Authenticate {
  const known = digest(apiKey)
  return token => (timingSafeEqual(digest(token), known) ? { tenantId } : undefined)
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value, 'utf8').digest()
}
