import {
  type AdvanceStep,
  type Route,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
} from '../../sandbox/sandbox.ts'
import { refuseEarly, refusePath } from './sandbox-errors.ts'
import { pages } from './sandbox-page.ts'
import { publicRoutes } from './sandbox-public.ts'
import { REGISTERED_REDIRECTS, Refused } from './sandbox-request.ts'
import { type Onboarding, type RouteTable, sessionRoutes, WEBHOOK_ENDPOINT } from './sandbox-routes.ts'
import { hasEnded, openSessions, type SandboxSessions } from './sandbox-session.ts'
import { signWebhook } from './sandbox-webhook.ts'

interface ApiKey {
  readonly enabled: boolean
  readonly scope: 'read' | 'write'
  readonly onboarding?: Onboarding
}

const API_KEY = 'kk_sandbox0000000000000000000000000'
/** Has read access only. */
export const READ_ONLY_KEY = 'kk_sandbox0000000000000000readonly0'
/** Is disabled. */
export const DISABLED_KEY = 'kk_sandbox0000000000000000disabled0'

/** Keys of organizations that may not create sessions yet, from 1.6 on. */
export const ONBOARDING_KEY = 'kk_sandbox000000000000000onboarding'
export const TERMS_KEY = 'kk_sandbox00000000000000000000terms'

const MAX_BODY_BYTES = 2 * 1024 * 1024

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '',
  undocumentedBehaviour: [
    `Two API keys exist beside the credential's: ${READ_ONLY_KEY} with the scope sessions:read and ${DISABLED_KEY}, which is disabled.`,
    `The organization is verified and owns the domains example.com, where any redirect is accepted, and example.net, where it has to start with ${REGISTERED_REDIRECTS.join(' or ')}.`,
    'A body over 2 MiB is rejected before the key is checked, and the key is checked before the path.',
    'If the query, the id and the body are all invalid, the error concerns the first of them.',
    'The attempts of an unknown session are an empty list.',
    'A second handoff of an attempt returns the same attempt with a new token.',
    'A cancel token can be reused: for an ended session a valid one returns 204, an invalid one 401.',
    'The messages of INVALID_SESSION_ID, SESSION_NOT_FOUND and INVALID_REQUEST on the public routes.',
    'retry_allowed is true after a failed attempt of an open session; handoff_claimed while the session is in progress.',
    'A succeeded attempt has the risk score 0.125; a failed one keeps 0.',
    'No job expires overdue sessions every five minutes: only the public routes, the hosted page and a control call expire one.',
    'The routes that manage webhooks and events do not exist: /_sandbox/webhooks sets the target.',
    'The claims of a succeeded attempt come from an invented passport; every requested field is shared.',
    `Version 1.6 has two more keys: ${ONBOARDING_KEY} gets ONBOARDING_INCOMPLETE for creates, ${TERMS_KEY} with RP_TERMS_ACCEPTANCE_REQUIRED.`,
    `A session of 1.6 may be made for one webhook endpoint, ${WEBHOOK_ENDPOINT}, and its webhooks go to the same target as all others.`,
    'Version 1.6 hands off without consent, and its public status names no attempt.',
    'A hosted page without a cancel token opens and cannot cancel; with a wrong one it is a 403.',
  ],
  signWebhook,
  open(context) {
    const keys = context.collection<ApiKey>('keys')
    if (context.isNew) seed(keys)
    const sessions = openSessions(context)
    const guard = (handle: Route['answer']) => (request: SandboxRequest) =>
      refuseSize(request) ?? refuseKey(request, keys.get) ?? handle(request)
    return {
      routes: [
        ...toRoutes(
          sessionRoutes(context, sessions, request => keys.get(keyOf(request))?.onboarding),
          guard,
        ),
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
  keys.put(ONBOARDING_KEY, { enabled: true, scope: 'write', onboarding: 'steps' })
  keys.put(TERMS_KEY, { enabled: true, scope: 'write', onboarding: 'terms' })
  keys.put(DISABLED_KEY, { enabled: false, scope: 'write' })
}

function toRoutes(table: RouteTable, guard: (handle: Route['answer']) => Route['answer']): Route[] {
  return table.map(([method, path, handle]) => ({ method, path, answer: guard(orRefusal(handle)) }))
}

function orRefusal(handle: (request: SandboxRequest) => SandboxResponse): Route['answer'] {
  return request => {
    try {
      return handle(request)
    } catch (error) {
      if (error instanceof Refused) return error.answer
      throw error
    }
  }
}

function refuseSize({ body }: SandboxRequest): SandboxResponse | undefined {
  return body.length > MAX_BODY_BYTES ? refuseEarly(413, 'PAYLOAD_TOO_LARGE', 'Request body is too large.') : undefined
}

/** The scheme is case-sensitive; a key with write access may read. */
function refuseKey(request: SandboxRequest, find: (key: string) => ApiKey | undefined): SandboxResponse | undefined {
  const key = find(keyOf(request))
  if (!key?.enabled) return refuseEarly(401, 'UNAUTHORIZED', 'Unauthorized')
  return request.method === 'POST' && key.scope === 'read' ? refuseEarly(403, 'FORBIDDEN', 'Forbidden') : undefined
}

function keyOf({ headers }: SandboxRequest): string {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
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

/** Simulates the end user's phone or Kayle. Starts an attempt if the step needs one. */
function advance(sessions: SandboxSessions, { id, to, failureCode }: AdvanceStep): unknown {
  const session = sessions.get(id)
  if (!STEPS.includes(to)) throw new SandboxInputError(`A Kayle session can be moved to: ${STEPS.join(', ')}.`)
  if (!session) throw new SandboxInputError('Kayle session not found. Expected the id of a session (vs_…).')
  if (hasEnded(session)) throw new SandboxInputError(`The session is ${session.status}: it cannot change any more.`)
  if (to === 'attempt_started') return sessions.start(session)
  if (to === 'attempt_succeeded') return sessions.succeed(session)
  if (to === 'attempt_failed') return sessions.fail(session, failureCode ?? 'selfie_face_mismatch')
  return sessions.end(session, to === 'cancelled' ? 'cancelled' : 'expired')
}
