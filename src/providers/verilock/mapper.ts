import { z } from 'zod'
import type { ApplicantSnapshot, ApplicantStatus } from '../../domain/applicant.ts'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/attempt.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Linked } from '../../domain/linked.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { SessionAccess, SessionSnapshot, SessionStatus } from '../../domain/session.ts'
import type { SessionInput } from './input.ts'
import type * as wire from './wire.ts'

/** A key is left out where the answer said nothing of it: a list tells no results, a create no steps. */
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

/** The metadata key under which a session carries our marker. */
const REFERENCE_KEY = 'sessiongraph_reference'

/** What a create carries beside its input. */
interface Carried {
  readonly reference: string
  readonly externalId?: string | null
  readonly metadata?: JsonObject | null
}

export function toBody(input: SessionInput, { reference, externalId, metadata }: Carried): JsonObject {
  return {
    profile_id: input.profileId,
    applicant_email: input.applicantEmail ?? undefined,
    applicant_name: input.applicantName ?? undefined,
    external_id: externalId ?? undefined,
    redirect_url: input.redirectUrl ?? undefined,
    expires_in: input.expiresIn ?? undefined,
    metadata: { ...metadata, [REFERENCE_KEY]: reference },
  }
}

/** A create's answer echoes nothing, so what was sent stands for what was made. */
export function toCreatedSession(
  sent: wire.CreatedSession,
  input: SessionInput,
  { externalId }: Carried,
): SessionSnapshot {
  return {
    ...toProgress(sent),
    externalId: externalId ?? null,
    redirectUrl: input.redirectUrl ?? null,
    expiresAt: toDate(sent.expires_at),
    access: toAccess(sent.session_url, sent),
    applicant: toApplicant(sent, { externalId, email: input.applicantEmail, fullName: input.applicantName }),
    details: { profileId: input.profileId },
  }
}

/** A session that is known by its marker or from an operator: what Verilock does not tell of it is what was sent. */
export function toFoundSession(sent: wire.Session, input: SessionInput, { externalId }: Carried): SessionSnapshot {
  const told = toSession(sent)
  return {
    ...told,
    externalId: told.externalId ?? externalId ?? null,
    redirectUrl: input.redirectUrl ?? null,
    applicant:
      told.applicant ?? toApplicant(sent, { externalId, email: input.applicantEmail, fullName: input.applicantName }),
    details: { profileId: input.profileId, ...told.details },
  }
}

export function carriesMarker({ metadata }: wire.Session, reference: string): boolean {
  return metadata?.[REFERENCE_KEY] === reference
}

/** The caller's own id, in the words of both generations. */
export function readExternalId(sent: wire.Session): string | undefined {
  return sent.external_id ?? sent.reference_id ?? undefined
}

export function toSession(sent: wire.Session): SessionSnapshot {
  const externalId = readExternalId(sent)
  const hostedUrl = sent.session_url ?? sent.hosted_url
  return {
    ...toProgress(sent),
    externalId,
    createdAt: toDate(sent.created_at),
    expiresAt: toDate(sent.expires_at),
    completedAt: toDate(sent.completed_at),
    access: hostedUrl ? toAccess(hostedUrl, sent) : undefined,
    applicant: toApplicant(sent, {
      externalId,
      email: sent.applicant_email ?? sent.applicant?.email,
      firstName: sent.applicant?.first_name,
      lastName: sent.applicant?.last_name,
      fullName: sent.applicant_name ?? joinNames(sent.applicant?.first_name, sent.applicant?.last_name),
    }),
    attempts: sent.results ? toAttempts(sent.id, sent.results) : undefined,
    details: toDetails(sent),
  }
}

interface State {
  readonly status: SessionStatus
  /** The inline applicant's. An expired session's applicant never began. */
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

function toState(word: string): State {
  return STATES.get(word) ?? UNKNOWN_STATE
}

type Progress = Pick<wire.Session, 'id' | 'status'>

function toProgress(sent: Progress) {
  const { status, outcome } = toState(sent.status)
  return { providerId: sent.id, status, outcome, providerStatus: sent.status }
}

function toAccess(hostedUrl: string, sent: Pick<wire.Session, 'session_token' | 'expires_at'>): SessionAccess {
  return {
    hostedUrl,
    token: sent.session_token ?? null,
    cancelToken: null,
    expiresAt: toDate(sent.expires_at) ?? null,
  }
}

type Person = { readonly [key in 'externalId' | 'email' | 'firstName' | 'lastName' | 'fullName']?: string | null }

/** Verilock has no applicants of their own: who a session is about stands in it. */
function toApplicant(sent: Progress, person: Person): Linked<ApplicantSnapshot> | undefined {
  if (!person.email && !person.fullName) return undefined
  const { applicant: status, outcome } = toState(sent.status)
  const providerId = `${sent.id}:applicant`
  return {
    providerId,
    snapshot: {
      providerId,
      status,
      outcome,
      providerStatus: sent.status,
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

/** A step's score means something else in every step, so it is no risk score. */
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

/** The steps in Verilock's order, then those that only a result tells of. */
function toSteps(names: readonly (string | null | undefined)[], results: Results): SessionDetails['steps'] {
  const byName = new Map(Object.entries(results))
  const all = new Set([...names, ...byName.keys()].filter(name => typeof name === 'string'))
  return [...all].map(name => {
    const result = byName.get(name)
    return { name, status: result?.status ?? 'unknown', score: result?.score ?? null }
  })
}

function toDate(sent: string | null | undefined): Date | undefined {
  return sent ? new Date(sent) : undefined
}
