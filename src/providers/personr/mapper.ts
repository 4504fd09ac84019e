import { z } from 'zod'
import type { ApplicantSnapshot, ApplicantStatus } from '../../domain/applicant.ts'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/attempt.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { SessionSnapshot } from '../../domain/session.ts'
import type { ApplicantInput, VerificationInput } from './input.ts'
import * as wire from './wire.ts'

/** In details, too, a field left out means that Personr said nothing: no call of its tells all of them. */

export const sessionDetails = z.object({ flowName: z.string().nullish(), sourceKey: z.string().nullish() })
export type SessionDetails = z.infer<typeof sessionDetails>

export const applicantDetails = z.object({
  flowName: z.string().nullish(),
  sourceKey: z.string().nullish(),
  externalUserIds: z.array(z.string()).nullish(),
  rejectLabels: z.array(z.string()),
  verificationLinkCustom: z.string().nullish(),
})
export type ApplicantDetails = z.infer<typeof applicantDetails>

export const attemptDetails = z.object({ reviewAnswer: z.string().nullable(), rejectLabels: z.array(z.string()) })
export type AttemptDetails = z.infer<typeof attemptDetails>

/** Our reference travels among the external user ids; by this prefix it is told from the caller's own. */
const MARKER_PREFIX = 'sg_'

export function toForm(
  input: ApplicantInput,
  call: { readonly externalId?: string | null; readonly reference: string },
): wire.CreateApplicantForm {
  const own = [...(call.externalId ? [call.externalId] : []), ...(input.externalUserIds ?? [])]
  return {
    email: input.email,
    phone: input.phone,
    nameFirst: input.firstName ?? undefined,
    nameLast: input.lastName ?? undefined,
    flowName: input.flowName,
    sourceKey: input.sourceKey ?? undefined,
    externalUserId: JSON.stringify([...new Set([...own, call.reference])]),
  }
}

/** Personr's id of who a link is for; `ours` is that of the applicant whom the input names by our id. */
export function toApplicantId({ applicant }: VerificationInput, ours: string | null | undefined): string {
  const applicantId = applicant.applicantProviderId ?? ours
  if (!applicantId) throw new TypeError('The applicant of a Personr link was not resolved.')
  return applicantId
}

/** A create's answer repeats only a part of what was sent, so the rest is taken from the form. */
export function toCreatedApplicant(
  { applicantId, ...sent }: z.infer<typeof wire.createdAnswer>['response'],
  { externalUserId, ...form }: wire.CreateApplicantForm,
  now: Date,
): ApplicantSnapshot {
  const externalUserIds = z.array(z.string()).parse(JSON.parse(externalUserId))
  return toApplicant(applicantId, { ...form, externalUserId: externalUserIds, ...withoutNulls(sent) }, now)
}

export function toApplicant(providerId: string, said: wire.Applicant, now: Date): ApplicantSnapshot {
  const externalUserIds = said.externalUserId ? toTexts(said.externalUserId).filter(isCallers) : undefined
  const details: ApplicantDetails = {
    flowName: said.flowName,
    sourceKey: said.sourceKey,
    externalUserIds,
    rejectLabels: toTexts(said.result?.rejectLabels),
    verificationLinkCustom: said.verificationLinkCustom,
  }
  return {
    providerId,
    ...toVerdict(said),
    externalId: externalUserIds && (externalUserIds[0] ?? null),
    email: said.email,
    phone: said.phone,
    firstName: said.nameFirst,
    lastName: said.nameLast,
    createdAt: toCreatedAt(providerId, now),
    attempts: toAttempts(providerId, said.result),
    details: { ...details },
  }
}

export function toCreatedSession(
  { verificationLink, linkId }: wire.Link,
  applicantProviderId: string,
): SessionSnapshot {
  return toLinkSession(linkId, verificationLink, applicantProviderId)
}

/** A link of which no more than its id is known. What came after the send came after the link, as far as anybody knows. */
export function toAssumedSession(linkId: string, applicantProviderId: string, sentAt: Date): SessionSnapshot {
  return { ...toLinkSession(linkId, null, applicantProviderId), createdAt: sentAt }
}

function toLinkSession(providerId: string, hostedUrl: string | null, applicantProviderId: string): SessionSnapshot {
  return {
    providerId,
    status: 'CREATED',
    outcome: 'PENDING',
    providerStatus: null,
    access: { hostedUrl, token: null, cancelToken: null, expiresAt: null },
    applicant: { providerId: applicantProviderId },
    details: {},
  }
}

/** A link cannot be read: its session is told by its applicant, as far as that came after the link. */
export function toSession(
  session: { readonly providerId: string; readonly createdAt?: Date | null },
  applicantProviderId: string,
  said: wire.Status,
  now: Date,
): SessionSnapshot {
  const isOld = isBefore(said.result, session.createdAt)
  const verdict = toVerdict(isOld && said.applicantStatus === REVIEWED ? UNTOUCHED : said)
  const details: SessionDetails = { sourceKey: said.sourceKey }
  return {
    providerId: session.providerId,
    ...verdict,
    providerStatus: said.applicantStatus,
    completedAt: verdict.status === 'COMPLETED' ? reviewedAt(said.result) : null,
    applicant: { providerId: applicantProviderId, snapshot: toApplicant(applicantProviderId, said, now) },
    attempts: isOld ? [] : toAttempts(applicantProviderId, said.result),
    details: { ...details },
  }
}

const REVIEWED = 'Reviewed'
const UNTOUCHED = { applicantStatus: 'Created' }

const STATUSES: ReadonlyMap<string, ApplicantStatus> = new Map([
  ['Created', 'CREATED'],
  ['Pre-Checked', 'IN_PROGRESS'],
  ['Pending', 'IN_PROGRESS'],
  [REVIEWED, 'COMPLETED'],
])

interface Verdict {
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
}

/** A rejection after which the end user may try again leaves the verification open. */
function toVerdict({ applicantStatus, result }: Pick<wire.Applicant, 'applicantStatus' | 'result'>): Verdict {
  const providerStatus = applicantStatus ?? null
  const status = STATUSES.get(applicantStatus ?? '') ?? 'UNKNOWN'
  const outcome = status === 'COMPLETED' ? toOutcome(result) : 'PENDING'
  return { status: outcome === 'NEEDS_RETRY' ? 'IN_PROGRESS' : status, outcome, providerStatus }
}

function toOutcome(result: wire.Result | null | undefined): Outcome {
  switch (result?.reviewAnswer) {
    case 'Approved':
      return 'APPROVED'
    case 'Rejected (Retry)':
      return 'NEEDS_RETRY'
    case 'Rejected':
      return allowRetry(toTexts(result.rejectLabels)) ? 'NEEDS_RETRY' : 'REJECTED'
    case 'Rejected (Final)':
      return 'REJECTED'
    default:
      return 'UNKNOWN'
  }
}

function allowRetry(labels: readonly string[]): boolean {
  return labels.length > 0 && labels.every(label => wire.RETRY_LABELS.some(known => known === label))
}

const ATTEMPT_STATUSES: ReadonlyMap<string, AttemptStatus> = new Map([
  ['Approved', 'SUCCEEDED'],
  ['Rejected', 'FAILED'],
  ['Rejected (Retry)', 'FAILED'],
  ['Rejected (Final)', 'FAILED'],
])

/** Personr tells the latest review alone; what came before it is gone. */
function toAttempts(applicantProviderId: string, result: wire.Result | null | undefined): AttemptSnapshot[] {
  if (!result) return []
  const status = ATTEMPT_STATUSES.get(result.reviewAnswer ?? '') ?? 'UNKNOWN'
  const details: AttemptDetails = {
    reviewAnswer: result.reviewAnswer ?? null,
    rejectLabels: toTexts(result.rejectLabels),
  }
  return [
    {
      providerId: result.verification ?? `${applicantProviderId}:latest`,
      kind: 'REVIEW',
      status,
      providerStatus: result.reviewAnswer ?? null,
      failureCode: status === 'FAILED' ? (details.rejectLabels[0] ?? null) : null,
      riskScore: null,
      createdAt: toDate(result['Created Date']),
      updatedAt: toDate(result['Modified Date']),
      completedAt: reviewedAt(result),
      details: { ...details },
    },
  ]
}

function isBefore(result: wire.Result | null | undefined, moment: Date | null | undefined): boolean {
  const at = reviewedAt(result)
  return at != null && moment != null && at < moment
}

function reviewedAt(result: wire.Result | null | undefined): Date | null | undefined {
  return toDate(result?.['Modified Date'] ?? result?.['Created Date'])
}

function toDate(sent: number | null | undefined): Date | null | undefined {
  return sent == null ? sent : new Date(sent)
}

/** An id begins with the milliseconds of its making. The documents' sample id is of the year 2104 and tells nothing. */
function toCreatedAt(id: string, now: Date): Date | undefined {
  const at = new Date(Number(/^(\d{13})x\d+$/.exec(id)?.[1]))
  return at <= now ? at : undefined
}

/** Our marker among the ids that an applicant carries. */
export function findReference(externalUserIds: readonly (string | null | undefined)[]): string | undefined {
  return toTexts(externalUserIds).find(text => !isCallers(text))
}

function isCallers(externalUserId: string): boolean {
  return !externalUserId.startsWith(MARKER_PREFIX)
}

function toTexts(sent: readonly (string | null | undefined)[] | null | undefined): string[] {
  return (sent ?? []).filter(text => text != null)
}

function withoutNulls<T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner != null)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
