import { listAttemptsOf } from '../../db/records/attempt-repository.ts'
import {
  findSessionRow,
  listDeliveriesAbout,
  listRecordsByIds,
  type SessionSummary,
} from '../../db/repositories/admin-repository.ts'
import { listEvents } from '../../db/repositories/event-repository.ts'
import { findOperationOfRecord } from '../../db/repositories/search-repository.ts'
import { notFoundError } from '../domain/errors.ts'
import type { Attempt } from '../domain/records/attempt.ts'
import type { RequestScope } from '../services/request-scope.ts'
import { recordAction } from './action-log.ts'
import { toRow } from './creates.ts'
import type { AdminDeps, AdminHandler, Operator } from './handler.ts'
import { toSessionRow } from './sessions.ts'
import { toDeliveryRow } from './webhooks.ts'

const MAX_EVENTS = 500
const MAX_DELIVERIES = 50
const ACTION_TIMEOUT_MS = 20_000

/** A session with its timeline, attempts, deliveries and create, and what the operator may do. Throws NOT_FOUND. */
export const showSession: AdminHandler = async (deps, operator, { id }) => {
  const { db } = deps
  const { tenantId } = operator
  const session = await findSession(deps, operator, id)
  const events = await listEvents(db, { tenantId, sessionId: id, after: 0, limit: MAX_EVENTS + 1 })
  const applicantId = session.applicantId ?? ''
  const [applicant] = await listRecordsByIds(db, 'applicants', tenantId, applicantId ? [applicantId] : [])
  const subjects = [session.providerId, ...(applicant ? [applicant.providerId] : [])]
  const deliveries = await listDeliveriesAbout(db, { tenantId, accountId: session.accountId }, subjects, MAX_DELIVERIES)
  const create = await findOperationOfRecord(db, tenantId, id)
  return {
    session: toSessionRow(session),
    events: events.slice(0, MAX_EVENTS).map(({ at, source, data }) => ({ at, source, ...data })),
    /** True if only the first events are returned. */
    cut: events.length > MAX_EVENTS,
    attempts: (await listAttemptsOf(db, tenantId, 'session_id', [id])).map(toAttemptRow),
    deliveries: deliveries.map(delivery => toDeliveryRow(delivery)),
    create: create ? toRow(create) : null,
    actions: await actionsOf(deps, operator, session),
  }
}

/** Reads the session at its provider now. Throws NOT_FOUND, and the provider's errors. */
export const refreshSession: AdminHandler = async (deps, operator, { id }) => {
  const session = await findSession(deps, operator, id)
  await recordAction(deps, operator, 'session.refresh', id)
  const scope = toScope(deps, operator)
  const { sessions } = deps.services
  await sessions.fetchNow(scope, await sessions.getStored({ ...scope, subject: null }, session.id))
  return { session: toSessionRow(await findSession(deps, operator, id)) }
}

/** Cancels the session at its provider. Throws NOT_FOUND, UNSUPPORTED_BY_PROVIDER, and the provider's errors. */
export const cancelSession: AdminHandler = async (deps, operator, { id }) => {
  const session = await findSession(deps, operator, id)
  await recordAction(deps, operator, 'session.cancel', id)
  await deps.services.sessions.cancel(toScope(deps, operator), session.id)
  return { session: toSessionRow(await findSession(deps, operator, id)) }
}

async function findSession({ db }: AdminDeps, { tenantId }: Operator, id: string): Promise<SessionSummary> {
  const session = await findSessionRow(db, tenantId, id)
  if (!session) throw notFoundError('session')
  return session
}

/** Why an action is not offered; null if it is. */
async function actionsOf({ services }: AdminDeps, { tenantId, scopes }: Operator, session: SessionSummary) {
  const account = await services.accounts.find({ ...session, tenantId })
  const isOpen = session.status === 'CREATED' || session.status === 'IN_PROGRESS'
  const client = account?.client
  return {
    refresh: !account ? 'NOT_CONNECTED' : client?.getSession ? null : 'UNSUPPORTED',
    cancel: !account
      ? 'NOT_CONNECTED'
      : !client?.cancelSession
        ? 'UNSUPPORTED'
        : !isOpen
          ? 'ENDED'
          : scopes.has('sessions:write')
            ? null
            : 'DENIED',
  }
}

function toAttemptRow({ id, providerId, kind, status, providerStatus, failureCode, createdAt, completedAt }: Attempt) {
  return { id, providerId, kind, status, providerStatus, failureCode, createdAt, completedAt }
}

function toScope({ services }: AdminDeps, { tenantId }: Operator): RequestScope {
  const signal = AbortSignal.timeout(ACTION_TIMEOUT_MS)
  return { tenantId, since: services.readSequence.sequence(), signal, source: 'CALLER' }
}
