import { z } from 'zod'
import { REFERENCE_KEY } from '../../domain/input/metadata.ts'
import { toExternalId } from '../../domain/input/text.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { ApplicantSnapshot, ApplicantStatus } from '../../domain/records/applicant.ts'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/records/attempt.ts'
import type { Outcome } from '../../domain/records/decision.ts'
import type { RecordLink } from '../../domain/records/record-link.ts'
import type { SessionAccess, SessionSnapshot, SessionStatus } from '../../domain/records/session.ts'
import type { SessionInput } from './input.ts'
import type * as wire from './wire.ts'

/** A missing key means that the response did not report it: a list has no results, a create no steps. */
export const sessionDetails = z.object({
  profileId: z.string().nullish(),
  riskScore: z.number().nullish(),
  steps: z.array(z.object({ name: z.string(), status: z.string(), score: z.number().nullable() })).nullish(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

export const applicantDetails = z.object({ fullName: z.string().nullish() })
export type ApplicantDetails = z.infer<typeof applicantDetails>

export const attemptDetails = z.object({ step: z.string(), score: z.number().nullable() })
export type AttemptDetails = z.infer<typeof attemptDetails>

/** The context of a create, beside its input. */
interface MarkerFields {
  readonly reference: string
  readonly externalId?: string | null
  readonly metadata?: JsonObject | null
}

export function toBody(input: SessionInput, { reference, externalId, metadata }: MarkerFields): JsonObject {
  return {
    profile_id: input.profileId,
    applicant_email: input.applicantEmail ?? undefined,
    applicant_name: input.applicantName ?? undefined,
    external_id: externalId ?? undefined,
    redirect_url: input.redirectUrl ?? undefined,
    expires_in: input.expiresInSeconds ?? undefined,
    metadata: { ...metadata, [REFERENCE_KEY]: reference },
  }
}

/** A create's response repeats nothing, so the values come from the input. */
export function toCreatedSession(
  created: wire.CreatedSession,
  input: SessionInput,
  { externalId }: MarkerFields,
): SessionSnapshot {
  return {
    ...toProgress(created),
    externalId: externalId ?? null,
    redirectUrl: input.redirectUrl ?? null,
    expiresAt: toDate(created.expires_at),
    access: toAccess(created.session_url, created),
    applicant: toApplicant(created, { externalId, email: input.applicantEmail, fullName: input.applicantName }),
    details: { profileId: input.profileId },
  }
}

/** A session found by its marker or by an operator. Values that Verilock does not return come from the input. */
export function toFoundSession(
  session: wire.Session,
  input: SessionInput,
  { externalId }: MarkerFields,
): SessionSnapshot {
  const reported = toSession(session)
  return {
    ...reported,
    externalId: reported.externalId ?? externalId ?? null,
    redirectUrl: input.redirectUrl ?? null,
    applicant:
      reported.applicant ??
      toApplicant(session, { externalId, email: input.applicantEmail, fullName: input.applicantName }),
    details: { profileId: input.profileId, ...reported.details },
  }
}

export function hasMarker({ metadata }: wire.Session, reference: string): boolean {
  return metadata?.[REFERENCE_KEY] === reference
}

/** The caller's own id, under the field name of either version of the documentation. */
export function readExternalId(session: wire.Session): string | undefined {
  return toExternalId(session.external_id) ?? toExternalId(session.reference_id) ?? undefined
}

export function toSession(session: wire.Session): SessionSnapshot {
  const externalId = readExternalId(session)
  const hostedUrl = session.session_url ?? session.hosted_url
  return {
    ...toProgress(session),
    externalId,
    createdAt: toDate(session.created_at),
    expiresAt: toDate(session.expires_at),
    completedAt: toDate(session.completed_at),
    access: hostedUrl ? toAccess(hostedUrl, session) : undefined,
    applicant: toApplicant(session, {
      externalId,
      email: session.applicant_email ?? session.applicant?.email,
      firstName: session.applicant?.first_name,
      lastName: session.applicant?.last_name,
      fullName: session.applicant_name ?? joinNames(session.applicant?.first_name, session.applicant?.last_name),
    }),
    attempts: session.results ? toAttempts(session.id, session.results) : undefined,
    details: toDetails(session),
  }
}

interface State {
  readonly status: SessionStatus
  /** The inline applicant. The applicant of an expired session has not started. */
  readonly applicant: ApplicantStatus
  readonly outcome: Outcome
}

const STATES: ReadonlyMap<string, State> = new Map([
  ['created', { status: 'CREATED', applicant: 'CREATED', outcome: 'PENDING' }],
  ['processing', { status: 'IN_PROGRESS', applicant: 'IN_PROGRESS', outcome: 'PENDING' }],
  ['approved', { status: 'COMPLETED', applicant: 'COMPLETED', outcome: 'APPROVED' }],
  ['declined', { status: 'COMPLETED', applicant: 'COMPLETED', outcome: 'REJECTED' }],
  ['expired', { status: 'EXPIRED', applicant: 'CREATED', outcome: 'NOT_APPLICABLE' }],
])
const UNKNOWN_STATE: State = { status: 'UNKNOWN', applicant: 'UNKNOWN', outcome: 'PENDING' }

function toState(status: string): State {
  return STATES.get(status) ?? UNKNOWN_STATE
}

type Progress = Pick<wire.Session, 'id' | 'status'>

function toProgress(progress: Progress) {
  const { status, outcome } = toState(progress.status)
  return {
    providerId: progress.id,
    status,
    outcome,
    providerStatus: progress.status,
    unrecognized: status === 'UNKNOWN',
  }
}

function toAccess(hostedUrl: string, session: Pick<wire.Session, 'session_token' | 'expires_at'>): SessionAccess {
  return {
    hostedUrl,
    sdkToken: session.session_token ?? null,
    cancelToken: null,
    expiresAt: toDate(session.expires_at) ?? null,
  }
}

type Person = { readonly [key in 'externalId' | 'email' | 'firstName' | 'lastName' | 'fullName']?: string | null }

/** Verilock has no applicant records; a session contains its applicant. */
function toApplicant(progress: Progress, person: Person): RecordLink<ApplicantSnapshot> | undefined {
  if (!person.email && !person.fullName) return undefined
  const { applicant: status, outcome } = toState(progress.status)
  const providerId = `${progress.id}:applicant`
  return {
    providerId,
    snapshot: {
      providerId,
      status,
      outcome,
      providerStatus: progress.status,
      unrecognized: status === 'UNKNOWN',
      externalId: person.externalId ?? undefined,
      email: person.email ?? undefined,
      firstName: person.firstName ?? undefined,
      lastName: person.lastName ?? undefined,
      details: person.fullName ? { fullName: person.fullName } : {},
    },
  }
}

function joinNames(...names: readonly (string | null | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}

type Results = NonNullable<wire.Session['results']>

const CHECK_STATUSES: ReadonlyMap<string, AttemptStatus> = new Map([
  ['approved', 'SUCCEEDED'],
  ['declined', 'FAILED'],
  ['pending', 'IN_PROGRESS'],
])

/** A step's score has a different meaning in each step, so it is not a risk score. */
function toAttempts(sessionId: string, results: Results): AttemptSnapshot[] {
  return Object.entries(results).flatMap(([step, result]) => {
    if (!result?.status || result.status === 'not_started') return []
    const details: AttemptDetails = { step, score: result.score ?? null }
    return {
      providerId: `${sessionId}:${step}`,
      kind: 'CHECK',
      status: CHECK_STATUSES.get(result.status) ?? 'UNKNOWN',
      providerStatus: result.status,
      failureCode: null,
      riskScore: null,
      details,
    }
  })
}

function toDetails({ profile_id, results, risk_score, steps }: wire.Session): SessionDetails {
  return {
    ...(profile_id ? { profileId: profile_id } : {}),
    ...(typeof risk_score === 'number' ? { riskScore: risk_score / 100 } : {}),
    ...(results ? { steps: toSteps(steps ?? [], results) } : {}),
  }
}

/** The steps in Verilock's order, then those known only from a result. */
function toSteps(names: readonly (string | null | undefined)[], results: Results): SessionDetails['steps'] {
  const byName = new Map(Object.entries(results))
  const all = new Set([...names, ...byName.keys()].filter(name => typeof name === 'string'))
  return [...all].map(name => {
    const result = byName.get(name)
    return { name, status: result?.status ?? 'unknown', score: result?.score ?? null }
  })
}

function toDate(value: string | null | undefined): Date | undefined {
  return value ? new Date(value) : undefined
}
