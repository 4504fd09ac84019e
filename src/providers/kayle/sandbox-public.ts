import type { SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { refusePublicly } from './sandbox-errors.ts'
import { cancelBody, params, parseBody, Refused } from './sandbox-request.ts'
import { dataResponse, type RouteTable } from './sandbox-routes.ts'
import {
  hasEnded,
  hasValidCancelToken,
  type SandboxAttempt,
  type SandboxSession,
  type SandboxSessions,
} from './sandbox-session.ts'

/** The routes for the end user's browser, without a key. */
export function publicRoutes(sessions: SandboxSessions): RouteTable {
  function find(request: SandboxRequest): SandboxSession {
    const id = params.safeParse(request.params)
    if (!id.success) throw new Refused(refusePublicly(400, 'INVALID_SESSION_ID', 'Invalid session ID.'))
    const session = sessions.get(id.data.id)
    if (!session) throw new Refused(refusePublicly(404, 'SESSION_NOT_FOUND', 'Session not found.'))
    return sessions.endWhenOverdue(session)
  }

  function cancel(request: SandboxRequest): SandboxResponse {
    const session = find(request)
    const body = cancelBody.safeParse(parseBody(request))
    if (!body.success) return refusePublicly(400, 'INVALID_REQUEST', 'Invalid request.')
    if (!hasValidCancelToken(session, body.data.cancel_token)) return WRONG_TOKEN
    sessions.end(session, 'cancelled')
    return { status: 204 }
  }

  function handOff(request: SandboxRequest): SandboxResponse {
    const session = find(request)
    return hasEnded(session) ? SESSION_OVER : dataResponse(sessions.handOff(session))
  }

  function status(request: SandboxRequest): SandboxResponse {
    const session = find(request)
    const latest = sessions.attemptsOf(session).at(-1)
    return dataResponse({
      completed_at: session.completed_at,
      is_terminal: hasEnded(session),
      ...(sessions.version === '1.5' && { latest_attempt: latest ? showLatest(latest, session) : null }),
      redirect_url: session.redirect_url,
      session_id: session.id,
      same_device_only: false,
      status: session.status,
    })
  }

  return [
    ['POST', '/v1/verify/session/:id/cancel', cancel],
    ['POST', '/v1/verify/session/:id/handoff', handOff],
    ['GET', '/v1/verify/session/:id/status', status],
  ]
}

function showLatest({ completed_at, failure_code, id, status }: SandboxAttempt, session: SandboxSession) {
  return {
    completed_at,
    failure_code,
    handoff_claimed: session.status === 'in_progress',
    id,
    retry_allowed: status === 'failed' && !hasEnded(session),
    status,
  }
}

const WRONG_TOKEN = refusePublicly(
  401,
  'CANCEL_TOKEN_INVALID',
  'This session can’t be cancelled from this link. Open the original verify link or contact support.',
)
const SESSION_OVER = refusePublicly(410, 'SESSION_EXPIRED', 'This session has expired. Start again.')
