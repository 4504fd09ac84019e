import {
  type AdvanceStep,
  type Answer,
  type Route,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
} from '../../sandbox/sandbox.ts'
import { pages } from './sandbox-page.ts'
import { publicRoutes } from './sandbox-public.ts'
import { refuseEarly, refusePath } from './sandbox-refusal.ts'
import { REGISTERED_REDIRECT, Refused } from './sandbox-request.ts'
import { type RouteTable, sessionRoutes } from './sandbox-routes.ts'
import { isTerminal, openSessions, type Sessions } from './sandbox-session.ts'
import { packWebhook } from './sandbox-webhook.ts'

interface ApiKey {
  readonly enabled: boolean
  readonly scope: 'read' | 'write'
}

const API_KEY = 'kk_sandbox0000000000000000000000000'
/** May read sessions and not create or cancel them. */
export const READ_ONLY_KEY = 'kk_sandbox0000000000000000readonly0'
/** Was switched off. */
export const DISABLED_KEY = 'kk_sandbox0000000000000000disabled0'

const MAX_BODY_BYTES = 2 * 1024 * 1024

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '',
  inventions: [
    `Two API keys exist beside the credential's: ${READ_ONLY_KEY} with the scope sessions:read and ${DISABLED_KEY}, which is disabled.`,
    `The organization is verified, owns the domain example.com, and has registered one redirect pattern: on its host, ${REGISTERED_REDIRECT} alone is taken, without a query.`,
    'A body over 2 MiB is refused before the key is looked at, and the key before the path.',
    'Where a query, an id and a body are all wrong, the first of them is the one complained about.',
    'Attempts of a session that does not exist are an empty list.',
    'A second handoff of the same attempt answers the same attempt with a new token.',
    'A cancel token is not used up: a right one at a session that is over is a 204, a wrong one a 401.',
    'The words of INVALID_SESSION_ID, SESSION_NOT_FOUND and INVALID_REQUEST on the public routes.',
    'retry_allowed is true after a failed attempt of a session that is still open; handoff_claimed while the session is in progress.',
    'A succeeded attempt has the risk score 0.125; a failed one keeps 0.',
    'The sweep that expires overdue sessions every five minutes does not run: only the public routes, the hosted page and a control call expire one.',
    'The routes that manage webhooks and events do not exist: /_sandbox/webhooks says where webhooks go.',
    'The claims of a succeeded attempt are those of one invented passport; every field that was asked for is shared.',
    'A hosted page without a cancel token opens and cannot cancel; with a wrong one it is a 403.',
  ],
  packWebhook,
  open(kit) {
    const keys = kit.collection<ApiKey>('keys')
    if (kit.isNew) seed(keys)
    const sessions = openSessions(kit)
    const guard = (handle: Route['answer']) => (request: SandboxRequest) =>
      refuseSize(request) ?? refuseKey(request, keys.get) ?? handle(request)
    return {
      routes: [
        ...toRoutes(sessionRoutes(kit, sessions), guard),
        ...toRoutes(publicRoutes(sessions), handle => request => refuseSize(request) ?? handle(request)),
      ],
      unmatched: request => (isPublic(request) ? undefined : refuseKey(request, keys.get)) ?? refusePath,
      headers: () => HEADERS,
      advance: step => advance(sessions, step),
      pages: pages(sessions),
    }
  },
}

function seed(keys: { put(id: string, key: ApiKey): unknown }): void {
  keys.put(API_KEY, { enabled: true, scope: 'write' })
  keys.put(READ_ONLY_KEY, { enabled: true, scope: 'read' })
  keys.put(DISABLED_KEY, { enabled: false, scope: 'write' })
}

function toRoutes(table: RouteTable, guard: (handle: Route['answer']) => Route['answer']): Route[] {
  return table.map(([method, path, handle]) => ({ method, path, answer: guard(orRefusal(handle)) }))
}

function orRefusal(handle: (request: SandboxRequest) => Answer): Route['answer'] {
  return request => {
    try {
      return handle(request)
    } catch (error) {
      if (error instanceof Refused) return error.answer
      throw error
    }
  }
}

function refuseSize({ body }: SandboxRequest): Answer | undefined {
  return body.length > MAX_BODY_BYTES ? refuseEarly(413, 'PAYLOAD_TOO_LARGE', 'Request body is too large.') : undefined
}

/** The scheme is case-sensitive; a key that may write may read. */
function refuseKey({ method, headers }: SandboxRequest, find: (key: string) => ApiKey | undefined): Answer | undefined {
  const key = find(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
  if (!key?.enabled) return refuseEarly(401, 'UNAUTHORIZED', 'Unauthorized')
  return method === 'POST' && key.scope === 'read' ? refuseEarly(403, 'FORBIDDEN', 'Forbidden') : undefined
}

function isPublic({ path }: SandboxRequest): boolean {
  return !path.startsWith('/v1/') || path.startsWith('/v1/verify/')
}

const HEADERS = {
  vary: 'Origin',
  'access-control-allow-credentials': 'true',
  'content-security-policy': "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const STEPS = ['attempt_started', 'attempt_succeeded', 'attempt_failed', 'cancelled', 'expired']

/** What the end user's phone does, or Kayle. An attempt that is needed and not there is started. */
function advance(sessions: Sessions, { id, to, failureCode }: AdvanceStep): unknown {
  const session = sessions.get(id)
  if (!STEPS.includes(to)) throw new SandboxInputError(`A Kayle session can be moved to: ${STEPS.join(', ')}.`)
  if (!session) throw new SandboxInputError('There is no such Kayle session: id is the id of a session (vs_…).')
  if (isTerminal(session)) throw new SandboxInputError(`The session is ${session.status}: nothing can happen any more.`)
  if (to === 'attempt_started') return sessions.start(session)
  if (to === 'attempt_succeeded') return sessions.succeed(session)
  if (to === 'attempt_failed') return sessions.fail(session, failureCode ?? 'selfie_face_mismatch')
  return sessions.end(session, to === 'cancelled' ? 'cancelled' : 'expired')
}
