import { PROVIDERS } from '../domain/provider.ts'
import { settle, showOperations } from './creates.ts'
import { showDrift } from './drift.ts'
import type { AdminDeps, AdminHandler, AdminRequest, Operator } from './handler.ts'
import { showHealth } from './health.ts'
import { createQueryCache } from './query-cache.ts'
import { search } from './search.ts'
import { showSession, showSessions } from './sessions.ts'
import { loadAssets } from './static-assets.ts'
import { replay, showWebhooks } from './webhooks.ts'

const HANDLERS: readonly (readonly [method: string, path: RegExp, answer: AdminHandler])[] = [
  ['GET', /^\/me$/, async (_deps, { tenantId }) => ({ tenantId, providers: PROVIDERS })],
  ['GET', /^\/health$/, showHealth],
  ['GET', /^\/sessions$/, showSessions],
  ['GET', /^\/sessions\/([\w-]{1,64})$/, showSession],
  // POST, because URLs end up in access logs and the external id is personal data.
  ['POST', /^\/search$/, search],
  ['GET', /^\/operations$/, showOperations],
  ['POST', /^\/operations\/([\w-]{1,64})\/settle$/, settle],
  ['GET', /^\/webhooks$/, showWebhooks],
  ['POST', /^\/webhooks\/([\w-]{1,64})\/replay$/, replay],
  ['GET', /^\/drift$/, showDrift],
]

/** The operator console: its static files and its API. */
export function createConsole(options: Omit<AdminDeps, 'cache'>) {
  const deps = { ...options, cache: createQueryCache() }
  const files = loadAssets()
  return {
    /** The file with this name; '' is the page. Undefined if there is none. */
    file: (name: string) => files.get(name),
    /** Undefined if no route matches. Throws DomainError. */
    handle: async (request: AdminRequest, operator: Operator): Promise<object | undefined> => {
      for (const [method, path, answer] of HANDLERS) {
        const match = method === request.method ? path.exec(request.path) : null
        if (match) return answer(deps, operator, { ...request, id: match[1] ?? '' })
      }
      return undefined
    },
  }
}
