import { z } from 'zod'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/attempt.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/session.ts'
import type { SessionInput } from './input.ts'
import type * as wire from './wire.ts'

export const sessionDetails = z.object({
  contractVersion: z.number().int(),
  shareFields: z.array(
    z.object({
      key: z.string(),
      required: z.boolean(),
      reason: z.string(),
      source: z.enum(['DEFAULT', 'RC', 'UNKNOWN']),
    }),
  ),
  failureCode: z.string().nullable(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

/** The claims come by webhook alone; no read says a word of them, so that none wipes them. */
export const attemptDetails = z.object({
  sessionProviderId: z.string(),
  claims: z.json().nullish(),
  selectedFieldKeys: z.array(z.string()).nullish(),
})
export type AttemptDetails = z.infer<typeof attemptDetails>

const MARKER = /[?&]sg_ref=([\w-]{8,64})(?=$|#)/
const MAX_REDIRECT_LENGTH = 2048

/** A redirect that carries our marker, last in its query. Undefined where there is none, or no room in it. */
export function toMarkedRedirect(redirectUrl: string | null | undefined, reference: string): string | undefined {
  if (!redirectUrl) return undefined
  const [page = ''] = redirectUrl.split('#')
  const marked = `${page}${page.includes('?') ? '&' : '?'}sg_ref=${reference}${redirectUrl.slice(page.length)}`
  return marked.length <= MAX_REDIRECT_LENGTH ? marked : undefined
}

/** The marker that a session carries. */
export function readMarker({ redirect_url }: wire.Session): string | undefined {
  return MARKER.exec(redirect_url ?? '')?.[1]
}

/** No share fields: all claims are asked. An empty list: only the document's id. */
export function toBody({ redirectUrl, shareFields }: SessionInput): wire.CreateSessionBody {
  const body: wire.CreateSessionBody = {}
  if (redirectUrl) body.redirect_url = redirectUrl
  if (shareFields) {
    body.share_fields = Object.fromEntries(shareFields.map(({ key, required, reason }) => [key, { required, reason }]))
  }
  return body
}

export function toSession(sent: wire.Session, now: Date): SessionSnapshot {
  const attempts = sent.attempts?.map(attempt => toAttempt(attempt, sent.id))
  const expiresAt = toDate(sent.expires_at)
  const said = STATUSES.get(sent.status) ?? 'UNKNOWN'
  const overdue = OPEN.includes(said) && expiresAt !== null && expiresAt <= now
  const status = overdue ? 'EXPIRED' : said
  return {
    providerId: sent.id,
    status,
    derived: overdue,
    outcome: toOutcome(status, sent.status, attempts),
    providerStatus: sent.status,
    redirectUrl: sent.redirect_url?.replace(MARKER, '') ?? null,
    createdAt: toDate(sent.created_at),
    updatedAt: toDate(sent.updated_at),
    expiresAt,
    completedAt: toDate(sent.completed_at),
    attempts,
    details: { ...toDetails(sent) },
  }
}

/** With the link to it. Only the create's own answer has the cancel token, there and in the link. */
export function toCreatedSession(sent: wire.Session, now: Date): SessionSnapshot {
  return {
    ...toSession(sent, now),
    access: {
      hostedUrl: sent.verification_url ?? null,
      token: null,
      cancelToken: sent.cancel_token ?? null,
      expiresAt: toDate(sent.expires_at),
    },
  }
}

export function toAttempt(sent: wire.Attempt, sessionProviderId: string): AttemptSnapshot {
  const status = ATTEMPT_STATUSES.get(sent.status) ?? 'UNKNOWN'
  const details: AttemptDetails = { sessionProviderId }
  return {
    providerId: sent.id,
    kind: 'ATTEMPT',
    status,
    providerStatus: sent.status,
    failureCode: sent.failure_code ?? null,
    // 0 is also what an attempt has that nobody judged.
    riskScore: status === 'SUCCEEDED' || sent.risk_score ? (sent.risk_score ?? null) : null,
    createdAt: toDate(sent.created_at),
    updatedAt: toDate(sent.updated_at),
    completedAt: toDate(sent.completed_at),
    details: { ...details },
  }
}

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

/** `completed` says that it is over, not how: only the attempts do. Generation C says it in the status. */
function toOutcome(status: SessionStatus, word: string, attempts: readonly AttemptSnapshot[] | undefined): Outcome {
  if (status === 'CANCELED' || status === 'EXPIRED') return 'NOT_APPLICABLE'
  if (status !== 'COMPLETED') return 'PENDING'
  if (word === 'succeeded') return 'APPROVED'
  if (word === 'failed') return 'REJECTED'
  if (!attempts) return 'UNKNOWN'
  return attempts.some(attempt => attempt.status === 'SUCCEEDED') ? 'APPROVED' : 'REJECTED'
}

const SOURCES: ReadonlyMap<string, SessionDetails['shareFields'][number]['source']> = new Map([
  ['default', 'DEFAULT'],
  ['rc', 'RC'],
])

function toDetails(sent: wire.Session): SessionDetails {
  const shareFields = Object.entries(sent.share_fields ?? {}).flatMap(([key, field]) => {
    const { required, reason, source } = field ?? {}
    if (typeof required !== 'boolean' || typeof reason !== 'string') return []
    return [{ key, required, reason, source: SOURCES.get(source ?? '') ?? 'UNKNOWN' }]
  })
  return {
    contractVersion: sent.contract_version ?? 1,
    shareFields: shareFields.sort((a, b) => a.key.localeCompare(b.key)),
    failureCode: sent.failure_code ?? null,
  }
}

function toDate(sent: string | null | undefined): Date | null {
  return sent ? new Date(sent) : null
}
