import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { Authentication } from '../../services/access/authentication.ts'
import { joinHeader } from '../request/request-head.ts'
import { readBearer } from './bearer.ts'

/** The keys and client tokens that were valid when they were last used, by their SHA-256. Nothing is allowed because of it. */
export interface KnownCallers {
  /** Whether a request carries one of them. */
  has(request: IncomingMessage): boolean
  /** The same authentication, which remembers the outcome. */
  observe(authentication: Authentication): Authentication
}

const MAX_CALLERS = 10_000

export function createKnownCallers(): KnownCallers {
  const known = new LRUCache<string, true>({ max: MAX_CALLERS })
  return {
    has: request => {
      const token = readBearer(joinHeader(request.headers.authorization) ?? null, { req: request })
      return token !== undefined && known.has(digest(token))
    },
    observe: ({ authenticate, ...others }) => ({
      ...others,
      authenticate: async token => {
        const caller = await authenticate(token)
        if (caller) known.set(digest(token), true)
        else known.delete(digest(token))
        return caller
      },
    }),
  }
}

function digest(token: string): string {
  return hash('sha256', token, 'base64')
}
