import { z } from 'zod'
import type { Details } from '../../domain/json.ts'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/records/attempt.ts'
import type { Outcome } from '../../domain/records/decision.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/records/session.ts'
import { MARKER_PARAMETER, type SessionInput } from './input.ts'
import * as wire from './wire.ts'

/** Claims, outcome and reason arrive by webhook only. No read contains them, so no read clears them. */
export const sessionDetails = z.object({
  contractVersion: z.number().int().default(1),
  shareFields: z
    .array(
      z.object({
        key: z.string(),
        required: z.boolean(),
        reason: z.string(),
        source: z.enum(['DEFAULT', 'REQUEST', 'UNKNOWN']),
      }),
    )
    .default([]),
  failureCode: z.string().nullish(),
  nfcTriesUsed: z.number().int().nullish(),
  livenessTriesUsed: z.number().int().nullish(),
  webhookEndpointId: z.string().nullish(),
  claims: z.json().nullish(),
  selectedFieldKeys: z.array(z.string()).nullish(),
  outcome: z.string().nullish(),
  reason: z.string().nullish(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

/** Claims arrive by webhook only. No read contains them, so no read clears them. */
export const attemptDetails = z.object({
  sessionProviderId: z.string(),
  claims: z.json().nullish(),
  selectedFieldKeys: z.array(z.string()).nullish(),
})
export type AttemptDetails = z.infer<typeof attemptDetails>

const MARKER = /[?&]sg_ref=([\w-]{8,64})(?=$|#)/
const MAX_REDIRECT_LENGTH = 2048

/**
 * The redirect URL with our marker as the last query parameter. Undefined if there is no URL or the marker does not
 * fit.
 */
export function toMarkedRedirect(redirectUrl: string | null | undefined, reference: string): string | undefined {
  if (!redirectUrl) return undefined
  const [page = ''] = redirectUrl.split('#')
  const marked = `${page}${page.includes('?') ? '&' : '?'}${MARKER_PARAMETER}=${reference}${redirectUrl.slice(page.length)}`
  return marked.length <= MAX_REDIRECT_LENGTH ? marked : undefined
}

/** The marker in a session. */
export function readMarker({ redirect_url }: wire.Session): string | undefined {
  return MARKER.exec(redirect_url ?? '')?.[1]
}

/** Undefined share fields: all claims are requested. An empty list: only the document's id. */
export function toBody({ redirectUrl, shareFields }: SessionInput): wire.CreateSessionBody {
  const body: wire.CreateSessionBody = {}
  if (redirectUrl) body.redirect_url = redirectUrl
  if (shareFields) {
    body.share_fields = Object.fromEntries(shareFields.map(({ key, required, reason }) => [key, { required, reason }]))
  }
  return body
}

export function toSession(session: wire.Session, now: Date): SessionSnapshot {
  const attempts = session.attempts?.map(attempt => toAttempt(attempt, session.id))
  const expiresAt = toDate(session.expires_at)
  const reported = STATUSES.get(session.status) ?? 'UNKNOWN'
  const overdue = OPEN.includes(reported) && expiresAt !== null && expiresAt <= now
  const status = overdue ? 'EXPIRED' : reported
  const outcome = toOutcome(status, session.status, attempts)
  return {
    providerId: session.id,
    status,
    derived: overdue,
    outcome,
    providerStatus: session.status,
    unrecognized: reported === 'UNKNOWN' || (outcome === 'UNKNOWN' && attempts !== undefined),
    redirectUrl: session.redirect_url?.replace(MARKER, '') ?? null,
    createdAt: toDate(session.created_at),
    updatedAt: toDate(session.updated_at),
    expiresAt,
    completedAt: toDate(session.completed_at),
    // Every response contains the link. Only the create's response has the cancel token, separately and in the link.
    access: session.verification_url
      ? { hostedUrl: session.verification_url, sdkToken: null, cancelToken: session.cancel_token ?? null, expiresAt }
      : undefined,
    attempts,
    details: { ...toDetails(session) },
  }
}

export function toAttempt(attempt: wire.Attempt, sessionProviderId: string): AttemptSnapshot {
  const status = ATTEMPT_STATUSES.get(attempt.status) ?? 'UNKNOWN'
  const details: AttemptDetails = { sessionProviderId }
  return {
    providerId: attempt.id,
    kind: 'ATTEMPT',
    status,
    providerStatus: attempt.status,
    failureCode: attempt.failure_code ?? null,
    // 0 also stands for an attempt that has no score.
    riskScore: status === 'SUCCEEDED' || attempt.risk_score ? (attempt.risk_score ?? null) : null,
    createdAt: toDate(attempt.created_at),
    updatedAt: toDate(attempt.updated_at),
    completedAt: toDate(attempt.completed_at),
    details: { ...details },
  }
}

/** The session data of an event, if it has any. */
export function toReportedSession({ type, metadata, data }: wire.Webhook): SessionSnapshot | undefined {
  const providerStatus = EVENT_STATUSES.get(type)
  const details = toReportedDetails(data)
  // An unknown event has no status, but its shared data is delivered only once.
  if (providerStatus ? Object.keys(details).length === 0 : !isSomethingShared(data)) return undefined
  const status = STATUSES.get(providerStatus ?? '') ?? 'UNKNOWN'
  const isSuccess = type === wire.ATTEMPT_SUCCEEDED || type === wire.SESSION_SUCCEEDED
  return {
    providerId: metadata.verification_session_id,
    status,
    outcome: isSuccess ? 'APPROVED' : toOutcome(status, providerStatus ?? '', undefined),
    providerStatus: providerStatus ?? null,
    unrecognized: status === 'UNKNOWN',
    // Up to 1.5 the claims belong to the attempt, if the event names it.
    details: type === wire.ATTEMPT_SUCCEEDED && metadata.verification_attempt_id ? {} : details,
  }
}

/** True if an event contains data that the end user shared. It is delivered once and no read returns it. */
export function isSomethingShared(data: wire.Webhook['data']): boolean {
  return Object.keys(data?.claims ?? {}).length > 0 || (data?.selected_field_keys ?? []).length > 0
}

/** The shared data of an event's attempt, and the attempt itself as far as the event reports it. */
export function toReportedAttempt(providerId: string, { metadata, data }: wire.Webhook) {
  // A value that a later delivery omits does not remove the value of an earlier one.
  const details = { claims: data?.claims ?? undefined, selectedFieldKeys: data?.selected_field_keys ?? undefined }
  const snapshot: AttemptSnapshot = {
    providerId,
    kind: 'ATTEMPT',
    status: 'SUCCEEDED',
    providerStatus: 'succeeded',
    failureCode: null,
    riskScore: null,
    details: { sessionProviderId: metadata.verification_session_id, ...details },
  }
  return { providerId, details, snapshot }
}

function toReportedDetails(data: wire.Webhook['data']): Details {
  const reported = {
    claims: data?.claims,
    selectedFieldKeys: data?.selected_field_keys,
    failureCode: data?.failure_code,
    nfcTriesUsed: data?.nfc_tries_used,
    livenessTriesUsed: data?.liveness_tries_used,
    outcome: data?.outcome,
    reason: data?.reason,
  }
  return Object.fromEntries(Object.entries(reported).filter(([, value]) => value != null)) as Details
}

/** The status of a session after an event. */
const EVENT_STATUSES: ReadonlyMap<string, string> = new Map([
  [wire.ATTEMPT_SUCCEEDED, 'completed'],
  [wire.SESSION_SUCCEEDED, 'succeeded'],
  ['verification.session.failed', 'failed'],
  ['verification.session.cancelled', 'cancelled'],
  ['verification.session.expired', 'expired'],
])

const STATUSES: ReadonlyMap<string, SessionStatus> = new Map([
  ['created', 'CREATED'],
  ['in_progress', 'IN_PROGRESS'],
  ['completed', 'COMPLETED'],
  ['succeeded', 'COMPLETED'],
  ['failed', 'COMPLETED'],
  ['cancelled', 'CANCELED'],
  ['expired', 'EXPIRED'],
])
const OPEN: readonly SessionStatus[] = ['CREATED', 'IN_PROGRESS']

const ATTEMPT_STATUSES: ReadonlyMap<string, AttemptStatus> = new Map([
  ['in_progress', 'IN_PROGRESS'],
  ['succeeded', 'SUCCEEDED'],
  ['failed', 'FAILED'],
  ['cancelled', 'CANCELED'],
])

const UNSUCCESSFUL_STATUSES: readonly AttemptStatus[] = ['FAILED', 'CANCELED']

/** `completed` has no outcome: it follows from the attempts. Version 1.6 reports it in the status. */
function toOutcome(
  status: SessionStatus,
  providerStatus: string,
  attempts: readonly AttemptSnapshot[] | undefined,
): Outcome {
  if (status === 'CANCELED' || status === 'EXPIRED') return 'NOT_APPLICABLE'
  if (status !== 'COMPLETED') return 'PENDING'
  if (providerStatus === 'succeeded') return 'APPROVED'
  if (providerStatus === 'failed') return 'REJECTED'
  const reported = attempts?.map(attempt => attempt.status) ?? []
  if (reported.includes('SUCCEEDED')) return 'APPROVED'
  // An attempt that is missing, unfinished or unrecognized may be the decisive one.
  return reported.length > 0 && reported.every(each => UNSUCCESSFUL_STATUSES.includes(each)) ? 'REJECTED' : 'UNKNOWN'
}

const SOURCES: ReadonlyMap<string, SessionDetails['shareFields'][number]['source']> = new Map([
  ['default', 'DEFAULT'],
  ['rc', 'REQUEST'],
])

function toDetails(session: wire.Session): SessionDetails {
  const shareFields = Object.entries(session.share_fields ?? {}).flatMap(([key, field]) => {
    const { required, reason, source } = field ?? {}
    if (typeof required !== 'boolean' || typeof reason !== 'string') return []
    return [{ key, required, reason, source: SOURCES.get(source ?? '') ?? 'UNKNOWN' }]
  })
  return {
    contractVersion: session.contract_version ?? 1,
    shareFields: shareFields.sort((a, b) => a.key.localeCompare(b.key)),
    failureCode: session.failure_code ?? null,
    nfcTriesUsed: session.nfc_tries_used,
    livenessTriesUsed: session.liveness_tries_used,
    webhookEndpointId: toEndpointId(session.webhook_endpoint_id),
  }
}

function toEndpointId(session: wire.Session['webhook_endpoint_id']): string | null | undefined {
  return Array.isArray(session) ? session.join(',') || null : session
}

function toDate(value: string | null | undefined): Date | null {
  return value ? new Date(value) : null
}
