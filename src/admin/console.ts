import { SCOPES, type Scope } from '../domain/access/caller.ts'
import { DomainError } from '../domain/errors.ts'
import { PROVIDERS } from '../domain/provider.ts'
import { showAttention } from './attention.ts'
import { showAudit } from './audit.ts'
import { settle, showOperation, showOperations } from './creates.ts'
import { showDrift } from './drift.ts'
import type { AdminDeps, AdminHandler, AdminRequest, Operator } from './handler.ts'
import { showHealth } from './health.ts'
import { assertFields, assertParameters } from './parameters.ts'
import { checkProvider, replaceSecrets } from './providers.ts'
import { createQueryCache } from './query-cache.ts'
import { search } from './search.ts'
import { cancelSession, refreshSession, showSession } from './session.ts'
import { showSessions } from './sessions.ts'
import { loadAssets } from './static-assets.ts'
import { dismiss, replay, showWebhooks } from './webhooks.ts'

interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  readonly answer: AdminHandler
  /** The names of its query parameters; default: none. */
  readonly parameters?: readonly string[]
  /** The fields of its JSON body; default: none. */
  readonly fields?: readonly string[]
  /** The operator must have one of these scopes, too: the console returns nothing that the API denies. */
  readonly oneOf?: readonly Scope[]
}

const READS_OPERATIONS = SCOPES.filter(scope => /^(?:sessions|applicants|customers):/.test(scope))

const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/me$/, answer: async (_deps, { tenantId }) => ({ tenantId, providers: PROVIDERS }) },
  { method: 'GET', path: /^\/attention$/, answer: showAttention },
  { method: 'GET', path: /^\/audit$/, answer: showAudit },
  { method: 'GET', path: /^\/health$/, answer: showHealth, parameters: ['span'] },
  { method: 'POST', path: /^\/providers\/([A-Z]{1,40})\/check$/, answer: checkProvider },
  { method: 'POST', path: /^\/providers\/([A-Z]{1,40})\/secrets$/, answer: replaceSecrets, fields: ['secrets'] },
  {
    method: 'GET',
    path: /^\/sessions$/,
    answer: showSessions,
    parameters: ['provider', 'status', 'outcome', 'from', 'until', 'after'],
    oneOf: ['sessions:read'],
  },
  { method: 'GET', path: /^\/sessions\/([^/]+)$/, answer: showSession, oneOf: ['sessions:read'] },
  { method: 'POST', path: /^\/sessions\/([\w-]{1,64})\/refresh$/, answer: refreshSession, oneOf: ['sessions:read'] },
  { method: 'POST', path: /^\/sessions\/([\w-]{1,64})\/cancel$/, answer: cancelSession, oneOf: ['sessions:write'] },
  // POST, because URLs end up in access logs and the external id is personal data.
  {
    method: 'POST',
    path: /^\/search$/,
    answer: search,
    fields: ['query'],
    oneOf: ['sessions:read', 'applicants:read', 'customers:read'],
  },
  { method: 'GET', path: /^\/operations$/, answer: showOperations, oneOf: READS_OPERATIONS },
  { method: 'GET', path: /^\/operations\/([\w-]{1,64})$/, answer: showOperation, oneOf: READS_OPERATIONS },
  {
    method: 'POST',
    path: /^\/operations\/([\w-]{1,64})\/settle$/,
    answer: settle,
    fields: ['absent', 'confirmed', 'found'],
    oneOf: READS_OPERATIONS,
  },
  { method: 'GET', path: /^\/webhooks$/, answer: showWebhooks, parameters: ['state'] },
  { method: 'POST', path: /^\/webhooks\/([\w-]{1,64})\/replay$/, answer: replay },
  { method: 'POST', path: /^\/webhooks\/([\w-]{1,64})\/dismiss$/, answer: dismiss, fields: ['note'] },
  { method: 'GET', path: /^\/drift$/, answer: showDrift, parameters: ['provider'] },
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
      for (const { method, path, answer, parameters = [], fields = [], oneOf } of ROUTES) {
        const match = method === request.method ? path.exec(request.path) : null
        if (!match) continue
        if (oneOf) assertScope(operator, oneOf)
        assertParameters(request.search, parameters)
        assertFields(request.body, fields)
        return answer(deps, operator, { ...request, id: match[1] ?? '' })
      }
      return undefined
    },
  }
}

function assertScope({ scopes }: Operator, oneOf: readonly Scope[]): void {
  if (oneOf.some(scope => scopes.has(scope))) return
  const needed = oneOf.length === 1 ? oneOf[0] : `one of the scopes ${oneOf.join(', ')}`
  throw new DomainError('FORBIDDEN', `Use an API key with admin and ${needed}.`)
}
