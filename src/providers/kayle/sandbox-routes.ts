import type { z } from 'zod'
import type { SandboxContext, SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-errors.ts'
import {
  attemptQuery,
  createBody,
  inclusion,
  params,
  parseBody,
  Refused,
  read,
  readQuery,
  readRedirectUrl,
  sessionQuery,
  targetedBody,
} from './sandbox-request.ts'
import type { SandboxSession, SandboxSessions } from './sandbox-session.ts'
import { isReason, readShareFields } from './sandbox-share-fields.ts'
import { WITHOUT_PHOTO } from './wire.ts'

export type RouteTable = readonly (readonly [string, string, (request: SandboxRequest) => SandboxResponse])[]

const ATTEMPTS_PAGE = 10
type ListQuery = z.infer<(typeof sessionQuery)['1.5'] | (typeof sessionQuery)['1.6']>

/** The only webhook endpoint that a session can be created for. */
export const WEBHOOK_ENDPOINT = 'whe_sandbox'

/** Steps that an organization has to complete before it may create sessions, from 1.6 on. */
export type Onboarding = keyof typeof ONBOARDING

/** The routes for servers, with an API key. */
export function sessionRoutes(
  { origin }: SandboxContext,
  sessions: SandboxSessions,
  onboardingOf: (request: SandboxRequest) => Onboarding | undefined,
): RouteTable {
  const { version } = sessions

  function show(session: SandboxSession, withAttempts: boolean, cancelToken?: string) {
    const { cancel_token_sha256: _, id, status, share_fields, redirect_url, ...times } = session
    const query = cancelToken ? `?cancel_token=${cancelToken}` : ''
    return {
      id,
      status,
      contract_version: 1,
      share_fields,
      redirect_url,
      verification_url: `${origin}/hosted/${id}${query}`,
      ...times,
      ...(cancelToken && { cancel_token: cancelToken }),
      ...(withAttempts && version === '1.5' && { attempts: sessions.attemptsOf(session) }),
    }
  }

  function find(request: SandboxRequest, anchor: string): SandboxSession {
    const session = sessions.get(read(params, request.params).id)
    if (!session) throw new Refused(refuse(404, SESSION_NOT_FOUND, anchor))
    return session
  }

  function create(request: SandboxRequest): SandboxResponse {
    const { include_attempts } = readQuery(inclusion, request)
    const body = read(createBody, parseBody(request))
    const shareFields = readShareFields(body.share_fields)
    if (isReason(shareFields)) return refuse(400, shareFields, '#create')
    const { session, cancelToken } = sessions.create(shareFields, readRedirectUrl(body.redirect_url))
    return dataResponse(show(session, include_attempts, cancelToken))
  }

  /** In the order of 1.6's checks. */
  function createOf16(request: SandboxRequest): SandboxResponse {
    const body = read(targetedBody, parseBody(request))
    const redirectUrl = readRedirectUrl(body.redirect_url)
    const shareFields = readShareFields(body.share_fields, WITHOUT_PHOTO)
    if (isReason(shareFields)) return refuse(400, shareFields, '#create')
    const targets = [...new Set([body.webhook_endpoint_id ?? []].flat())]
    if (targets.some(id => id !== WEBHOOK_ENDPOINT)) return refuse(400, ENDPOINT_UNAVAILABLE, '#create')
    const onboarding = onboardingOf(request)
    if (onboarding) return refuse(400, ONBOARDING[onboarding], '#create')
    const { session, cancelToken } = sessions.create(shareFields, redirectUrl, targets[0] ?? null)
    return dataResponse(show(session, false, cancelToken))
  }

  function get(request: SandboxRequest): SandboxResponse {
    const { include_attempts } = readQuery(inclusion, request)
    return dataResponse(show(find(request, '#get-by-id'), include_attempts))
  }

  function list(request: SandboxRequest): SandboxResponse {
    const query = readQuery<ListQuery>(sessionQuery[version], request)
    const from = query.created_from ? Date.parse(query.created_from) : Number.NEGATIVE_INFINITY
    const to = query.created_to ? Date.parse(query.created_to) : Number.POSITIVE_INFINITY
    const matching = sessions.all().filter(({ status, created_at }) => {
      const created = Date.parse(created_at)
      return (query.status ?? status) === status && created >= from && created <= to
    })
    return okPage(matching, query.limit, query.starting_after, session => show(session, query.include_attempts))
  }

  function cancel(request: SandboxRequest): SandboxResponse {
    sessions.end(find(request, '#cancel-by-id'), 'cancelled')
    return { status: 204 }
  }

  function listAttempts(request: SandboxRequest): SandboxResponse {
    const { session_id, status, starting_after } = readQuery(attemptQuery, request)
    if (!session_id && !status) return refuse(400, NO_FILTER, '/attempts', { pagination: emptyPage })
    const matching = sessions
      .allAttempts()
      .filter(attempt => (session_id ?? attempt.session_id) === attempt.session_id)
      .filter(attempt => (status ?? attempt.status) === attempt.status)
    return okPage(matching, ATTEMPTS_PAGE, starting_after, attempt => attempt)
  }

  // Attempts have their own prefix; the documented path is parsed as a session id.
  const attempts: RouteTable = version === '1.5' ? [['GET', '/v1/sessions/attempts/attempts', listAttempts]] : []
  return [
    ['POST', '/v1/sessions', version === '1.5' ? create : createOf16],
    ['GET', '/v1/sessions', list],
    ...attempts,
    ['GET', '/v1/sessions/:id', get],
    ['POST', '/v1/sessions/:id/cancel', cancel],
  ]
}

export function dataResponse(data: unknown): SandboxResponse {
  return { status: 200, json: { data, error: null } }
}

/** The cursor need not exist: it is a position in the order of ids. */
function okPage<T extends { id: string }>(
  all: readonly T[],
  limit: number,
  after: string | undefined,
  show: (item: T) => unknown,
): SandboxResponse {
  const rest = after === undefined ? all : all.filter(({ id }) => id > after)
  const page = rest.slice(0, limit)
  const has_more = rest.length > limit
  const pagination = { limit, has_more, next_cursor: has_more ? (page.at(-1)?.id ?? null) : null }
  return { status: 200, json: { data: page.map(show), error: null, pagination } }
}

const emptyPage = { limit: ATTEMPTS_PAGE, has_more: false, next_cursor: null }

const SESSION_NOT_FOUND = {
  code: 'NOT_FOUND',
  message: 'Session not found.',
  hint: 'The session with the given ID was not found.',
}
const ENDPOINT_UNAVAILABLE = {
  code: 'WEBHOOK_ENDPOINT_UNAVAILABLE',
  message: 'Webhook endpoint is unavailable.',
  hint: 'Provide enabled webhook endpoint IDs that belong to this organization, or omit `webhook_endpoint_id` to fan out to all enabled subscribed endpoints.',
}
const ONBOARDING = {
  steps: {
    code: 'ONBOARDING_INCOMPLETE',
    message: 'Finish onboarding the organization before creating verification sessions.',
    hint: 'Missing onboarding steps: business. Finish the organization onboarding flow at /onboarding (missing fields: businessName).',
  },
  terms: {
    code: 'RP_TERMS_ACCEPTANCE_REQUIRED',
    message: 'Accept the current relying-party integration terms before creating production verification sessions.',
    hint: 'An owner must accept the current Kayle ID Integration Terms in the organization settings.',
  },
}
const NO_FILTER = {
  code: 'BAD_REQUEST',
  message: 'Bad request.',
  hint: 'You must provide at least one filter: `session_id` or `status`.',
}
