import type { Answer, SandboxKit, SandboxRequest } from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-refusal.ts'
import {
  attemptQuery,
  createBody,
  inclusion,
  params,
  Refused,
  read,
  readBody,
  readQuery,
  readRedirectUrl,
  sessionQuery,
} from './sandbox-request.ts'
import type { Sessions, StoredSession } from './sandbox-session.ts'
import { isReason, readShareFields } from './sandbox-share-fields.ts'

export type RouteTable = readonly (readonly [string, string, (request: SandboxRequest) => Answer])[]

const ATTEMPTS_PAGE = 10

/** What a server calls, with an API key. */
export function sessionRoutes({ origin }: SandboxKit, sessions: Sessions): RouteTable {
  function show(session: StoredSession, withAttempts: boolean, cancelToken?: string) {
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
      ...(withAttempts && { attempts: sessions.attemptsOf(session) }),
    }
  }

  function find(request: SandboxRequest, anchor: string): StoredSession {
    const session = sessions.get(read(params, request.params).id)
    if (!session) throw new Refused(refuse(404, SESSION_NOT_FOUND, anchor))
    return session
  }

  function create(request: SandboxRequest): Answer {
    const { include_attempts } = readQuery(inclusion, request)
    const body = read(createBody, readBody(request))
    const shareFields = readShareFields(body.share_fields)
    if (isReason(shareFields)) return refuse(400, shareFields, '#create')
    const { session, cancelToken } = sessions.create(shareFields, readRedirectUrl(body.redirect_url))
    return ok(show(session, include_attempts, cancelToken))
  }

  function get(request: SandboxRequest): Answer {
    const { include_attempts } = readQuery(inclusion, request)
    return ok(show(find(request, '#get-by-id'), include_attempts))
  }

  function list(request: SandboxRequest): Answer {
    const query = readQuery(sessionQuery, request)
    const from = query.created_from ? Date.parse(query.created_from) : Number.NEGATIVE_INFINITY
    const to = query.created_to ? Date.parse(query.created_to) : Number.POSITIVE_INFINITY
    const fitting = sessions.all().filter(({ status, created_at }) => {
      const created = Date.parse(created_at)
      return (query.status ?? status) === status && created >= from && created <= to
    })
    return okPage(fitting, query.limit, query.starting_after, session => show(session, query.include_attempts))
  }

  function cancel(request: SandboxRequest): Answer {
    sessions.end(find(request, '#cancel-by-id'), 'cancelled')
    return { status: 204 }
  }

  function listAttempts(request: SandboxRequest): Answer {
    const { session_id, status, starting_after } = readQuery(attemptQuery, request)
    if (!session_id && !status) return refuse(400, NO_FILTER, '/attempts', { pagination: emptyPage })
    const fitting = sessions
      .allAttempts()
      .filter(attempt => (session_id ?? attempt.session_id) === attempt.session_id)
      .filter(attempt => (status ?? attempt.status) === attempt.status)
    return okPage(fitting, ATTEMPTS_PAGE, starting_after, attempt => attempt)
  }

  // The attempts are mounted below their own name; the path that the docs give is read as a session's id.
  return [
    ['POST', '/v1/sessions', create],
    ['GET', '/v1/sessions', list],
    ['GET', '/v1/sessions/attempts/attempts', listAttempts],
    ['GET', '/v1/sessions/:id', get],
    ['POST', '/v1/sessions/:id/cancel', cancel],
  ]
}

export function ok(data: unknown): Answer {
  return { status: 200, json: { data, error: null } }
}

/** The cursor need not exist: it is a place in the order of ids. */
function okPage<T extends { id: string }>(
  all: readonly T[],
  limit: number,
  after: string | undefined,
  show: (item: T) => unknown,
): Answer {
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
const NO_FILTER = {
  code: 'BAD_REQUEST',
  message: 'Bad request.',
  hint: 'You must provide at least one filter: `session_id` or `status`.',
}
