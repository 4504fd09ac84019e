import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { budgetsOf } from '../../domain/access/caller.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import type { Owner } from '../admission/owners.ts'
import { joinHeader } from '../request/request-head.ts'
import { readBearer } from './bearer.ts'

/** The keys and client tokens that were valid when they were last used, by their SHA-256. Nothing is allowed because of it. */
export interface KnownCallers {
  /** Whose key or token a request carries; undefined for one that is not known. */
  ownerOf(request: IncomingMessage): Owner | undefined
  /** The same authentication, which remembers the outcome. */
  observe(authentication: Authentication): Authentication
}

const MAX_CALLERS = 10_000

export function createKnownCallers(): KnownCallers {
  const known = new LRUCache<string, Owner>({ max: MAX_CALLERS })
  return {
    ownerOf: request => {
      const token = readBearer(joinHeader(request.headers.authorization) ?? null, { req: request })
      return token === undefined ? undefined : known.get(digest(token))
    },
    observe: ({ authenticate, ...others }) => ({
      ...others,
      authenticate: async token => {
        const caller = await authenticate(token)
        const name = digest(token)
        if (!caller) known.delete(name)
        else if (!known.get(name)) known.set(name, budgetsOf(caller))
        return caller
      },
    }),
  }
}

function digest(token: string): string {
  return hash('sha256', token, 'base64')
}
