import { random } from '../../sandbox/random.ts'
import {
  type Route,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxKit,
  type SandboxParts,
} from '../../sandbox/sandbox.ts'
import { NOT_FOUND, UNAUTHENTICATED } from './sandbox-answer.ts'
import { pages } from './sandbox-page.ts'
import { type Desk, routes } from './sandbox-routes.ts'
import { asOf, moved, type Profile, type StoredSession } from './sandbox-session.ts'
import { toFull } from './sandbox-view.ts'
import { packWebhook, toEvents } from './sandbox-webhook.ts'

const API_KEY = 'qi_test_sandbox'
const RATE_LIMIT = 120

/** The profile whose sessions are read as the older documentation shows them: without metadata. */
export const FORGETFUL_PROFILE_ID = '00112233-4455-4677-8899-aabbccddeeff'

const PROFILES: readonly Profile[] = [
  {
    id: '01234567-89ab-cdef-0123-456789abcdef',
    steps: ['document', 'selfie', 'face_match', 'liveness', 'aml'],
  },
  { id: '76543210-ba98-4edc-a210-76543210fedc', steps: ['document', 'selfie'] },
  { id: FORGETFUL_PROFILE_ID, steps: ['document', 'selfie'], hidesMetadata: true },
]

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '/api/v1',
  inventions: [
    'A session is read as the older documentation shows it, with external_id, metadata, expires_at and profile_id beside.',
    'A test key decides nothing by itself: sessions are decided by /_sandbox/advance, also without having been processed.',
    'A created session expires when its time is over; one that is processing does not.',
    'completed_at is set by a decision only.',
    'A declined session has approved every step before the one that declined, and not started those after it.',
    'The three profiles, and that an unknown one is answered 422.',
    `A session of the profile ${FORGETFUL_PROFILE_ID} is read without its metadata.`,
    'The texts of the validation messages, and 422 for a list query out of bounds.',
    'first_name is what stands before the first space of applicant_name.',
    'A submit is taken once, of a created session; later ones are answered 409 with the code conflict.',
    'A submit needs a file for each of the steps document and selfie; uploads are answered 201, of a selfie like of a document.',
    'The risk of a session without a decision is answered 404. The device and data components are always 10.',
    'An unknown path and a wrong method are answered 404 not_found.',
    'X-Request-Id is req_ and a UUID.',
    'X-RateLimit-Remaining counts the calls of a minute down to 0, and none is ever refused.',
    'hosted_url and session_url lead to pages of the sandbox.',
    'A decision is told by session.completed and then by session.approved or session.declined; an expiry when it is first noticed.',
    'The signature of a webhook is lowercase hex without a prefix.',
  ],
  packWebhook,
  open,
}

function open(kit: SandboxKit): SandboxParts {
  const desk = openDesk(kit)
  return {
    routes: routes(desk).map(secured),
    unmatched: () => NOT_FOUND,
    headers: countCalls(desk.now),
    advance: ({ id, to, failureCode }) => {
      const session = desk.session(id)
      if (!session) {
        throw new SandboxInputError('No such session. The steps are processing, approved, declined and expired.')
      }
      return toFull(desk.keep(moved(session, to, desk.now(), failureCode)), desk.origin)
    },
    pages: pages(desk),
  }
}

function openDesk({ clock, collection, emit, isNew, origin }: SandboxKit): Desk {
  const sessions = collection<StoredSession>('sessions')
  const profiles = collection<Profile>('profiles')
  if (isNew) for (const profile of PROFILES) profiles.put(profile.id, profile)

  function keep(session: StoredSession): StoredSession {
    const before = sessions.get(session.id)?.status
    if (session.status !== before) for (const event of toEvents(session, clock.now())) emit(event)
    return sessions.put(session.id, session)
  }

  function current(session: StoredSession): StoredSession {
    const now = asOf(session, clock.now())
    return now.status === session.status ? session : keep(now)
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
    keep,
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
