import { random } from '../../sandbox/random.ts'
import {
  type Route,
  type SandboxContext,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRoutes,
} from '../../sandbox/sandbox.ts'
import { NOT_FOUND, UNAUTHENTICATED } from './sandbox-errors.ts'
import { pages } from './sandbox-page.ts'
import { type RouteContext, routes } from './sandbox-routes.ts'
import { advance, type Profile, type SandboxSession, stateAt } from './sandbox-session.ts'
import { toFull } from './sandbox-view.ts'
import { signWebhook, toEvents } from './sandbox-webhook.ts'

const API_KEY = 'qi_test_sandbox'
const RATE_LIMIT = 120

/** The profile whose sessions are read without metadata, as in the older documentation. */
export const PROFILE_LOSES_RECORDS_ID = '00112233-4455-4677-8899-aabbccddeeff'

const PROFILES: readonly Profile[] = [
  {
    id: '01234567-89ab-cdef-0123-456789abcdef',
    steps: ['document', 'selfie', 'face_match', 'liveness', 'aml'],
  },
  { id: '76543210-ba98-4edc-a210-76543210fedc', steps: ['document', 'selfie'] },
  { id: PROFILE_LOSES_RECORDS_ID, steps: ['document', 'selfie'], hidesMetadata: true },
]

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '/api/v1',
  undocumentedBehaviour: [
    'A read returns the session as in the older documentation, plus external_id, metadata, expires_at and profile_id.',
    'A test key decides nothing automatically: /_sandbox/advance decides sessions, even without processing.',
    'A created session expires after its lifetime; one in processing does not.',
    'Only a decision sets completed_at.',
    'In a declined session the steps before the declined one are approved, and those after it not started.',
    'The three profiles, and 422 for an unknown one.',
    `A session of the profile ${PROFILE_LOSES_RECORDS_ID} is read without its metadata.`,
    'The texts of the validation messages, and 422 for a list query out of bounds.',
    'first_name is the part of applicant_name before the first space.',
    'A created session can be submitted once; later submits return 409 with the code conflict.',
    'A submit needs a file for each of the steps document and selfie; uploads of both return 201.',
    'The risk of a session without a decision returns 404. The device and data components are always 10.',
    'An unknown path and a wrong method return 404 not_found.',
    'X-Request-Id is req_ and a UUID.',
    'X-RateLimit-Remaining counts the calls of a minute down to 0, and no request is ever rejected.',
    'hosted_url and session_url lead to pages of the sandbox.',
    'A decision sends session.completed and then session.approved or session.declined; an expiry is sent when it is first detected.',
    'The signature of a webhook is lowercase hex without a prefix.',
  ],
  signWebhook,
  open,
}

function open(context: SandboxContext): SandboxRoutes {
  const routeContext = createRouteContext(context)
  return {
    routes: routes(routeContext).map(secured),
    unmatched: () => NOT_FOUND,
    headers: countCalls(routeContext.now),
    advance: ({ id, to, failureCode }) => {
      const session = routeContext.session(id)
      if (!session) {
        throw new SandboxInputError(
          'Session not found. Expected one of the steps processing, approved, declined and expired.',
        )
      }
      return toFull(routeContext.save(advance(session, to, routeContext.now(), failureCode)), routeContext.origin)
    },
    pages: pages(routeContext),
  }
}

function createRouteContext({ clock, collection, emit, isNew, origin }: SandboxContext): RouteContext {
  const sessions = collection<SandboxSession>('sessions')
  const profiles = collection<Profile>('profiles')
  if (isNew) for (const profile of PROFILES) profiles.put(profile.id, profile)

  function save(session: SandboxSession): SandboxSession {
    const before = sessions.get(session.id)?.status
    if (session.status !== before) for (const event of toEvents(session, clock.now())) emit(event)
    return sessions.put(session.id, session)
  }

  function current(session: SandboxSession): SandboxSession {
    const now = stateAt(session, clock.now())
    return now.status === session.status ? session : save(now)
  }

  return {
    origin,
    now: () => clock.now(),
    profile: id => profiles.get(id),
    sessions: () => sessions.all().map(current),
    session: id => {
      const session = sessions.get(id)
      return session && current(session)
    },
    save,
  }
}

/** The newer documentation sends the key as a bearer token, the older one in X-API-Key. */
function secured(route: Route): Route {
  return {
    ...route,
    answer: request => {
      const key = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.headers['x-api-key']
      return key === API_KEY ? route.answer(request) : UNAUTHENTICATED
    },
  }
}

function countCalls(now: () => Date): () => Record<string, string> {
  let minute = 0
  let calls = 0
  return () => {
    const current = Math.floor(now().getTime() / 60_000)
    calls = current === minute ? calls + 1 : 1
    minute = current
    return {
      'X-Request-Id': `req_${random.uuid()}`,
      'X-RateLimit-Limit': String(RATE_LIMIT),
      'X-RateLimit-Remaining': String(Math.max(0, RATE_LIMIT - calls)),
    }
  }
}
