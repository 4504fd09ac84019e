import { z } from 'zod'
import { toExternalId } from '../../domain/input/text.ts'
import type { Details } from '../../domain/json.ts'
import type { ApplicantSnapshot, ApplicantStatus } from '../../domain/records/applicant.ts'
import type { AttemptSnapshot, AttemptStatus } from '../../domain/records/attempt.ts'
import type { Outcome } from '../../domain/records/decision.ts'
import type { SessionSnapshot } from '../../domain/records/session.ts'
import { type ApplicantInput, MARKER_PREFIX, type VerificationInput } from './input.ts'
import * as wire from './wire.ts'

/** A missing detail means that Personr did not report it: no call returns all of them. */

export const sessionDetails = z.object({ flowName: z.string().nullish(), sourceKey: z.string().nullish() })
export type SessionDetails = z.infer<typeof sessionDetails>

const reportedRejection = z.object({ type: z.enum(wire.REJECT_TYPES), labels: z.array(z.string()).nullable() })

export const applicantDetails = z.object({
  flowName: z.string().nullish(),
  sourceKey: z.string().nullish(),
  externalUserIds: z.array(z.string()).nullish(),
  rejectLabels: z.array(z.string()).default([]),
  customHostedUrl: z.string().nullish(),
  /** The kind of rejection that a delivery reported, and the review that it belongs to. No read reports it reliably. */
  reportedRejection: reportedRejection.extend({ review: z.string() }).nullish(),
  /** The latest delivered rejection, whose review is not read yet. A delivery has no time and does not name its review. */
  pendingRejection: reportedRejection.nullish(),
})
export type ApplicantDetails = z.infer<typeof applicantDetails>

export const attemptDetails = z.object({ reviewAnswer: z.string().nullable(), rejectLabels: z.array(z.string()) })
export type AttemptDetails = z.infer<typeof attemptDetails>

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

/** Personr's id of the applicant of a link. `providerId`: resolved from our id of the applicant in the input. */
export function toApplicantId({ applicant }: VerificationInput, providerId: string | null | undefined): string {
  const applicantId = applicant.applicantProviderId ?? providerId
  if (!applicantId) throw new TypeError('The applicant of a Personr link was not resolved.')
  return applicantId
}

/** A create's response repeats only a part of the input, so the rest comes from the form. */
export function toCreatedApplicant(
  { applicantId, ...sent }: z.infer<typeof wire.createdResponse>['response'],
  { externalUserId, ...form }: wire.CreateApplicantForm,
  now: Date,
): ApplicantSnapshot {
  const externalUserIds = z.array(z.string()).parse(JSON.parse(externalUserId))
  return toApplicant(applicantId, { ...form, externalUserId: externalUserIds, ...withoutNulls(sent) }, now)
}

/** `known`: the stored details. */
export function toApplicant(
  providerId: string,
  reported: wire.Applicant,
  now: Date,
  known?: Details,
): ApplicantSnapshot {
  const rejections = readRejections(known)
  const learned = assignPending(reported.result, rejections)
  const corrected = { ...reported, result: withRejectType(reported.result, { ...rejections, ...learned }) }
  const externalUserIds = corrected.externalUserId
    ? toTexts(corrected.externalUserId).filter(isCallerReference)
    : undefined
  const externalIds = externalUserIds?.filter(reported => toExternalId(reported) !== null)
  const details: ApplicantDetails = {
    flowName: corrected.flowName,
    sourceKey: corrected.sourceKey,
    externalUserIds,
    rejectLabels: toTexts(corrected.result?.rejectLabels),
    customHostedUrl: toLink(corrected.verificationLinkCustom) ?? undefined,
    // Only what this read learned: another delivery may have been stored since it started.
    ...learned,
  }
  return {
    providerId,
    ...toVerdict(corrected),
    externalId: externalIds && (externalIds[0] ?? null),
    externalIds,
    email: corrected.email,
    phone: corrected.phone,
    firstName: corrected.nameFirst,
    lastName: corrected.nameLast,
    createdAt: toCreatedAt(providerId, now),
    attempts: toAttempts(providerId, corrected.result),
    details: { ...details },
  }
}

export function toCreatedSession(
  { verificationLink, linkId, customLink }: wire.Link,
  applicantProviderId: string,
): SessionSnapshot {
  const session = toLinkSession(linkId, verificationLink, applicantProviderId)
  const customHostedUrl = toLink(customLink)
  if (!customHostedUrl) return session
  return { ...session, applicant: { providerId: applicantProviderId, details: { customHostedUrl } } }
}

/** A link of which only the id is known. Everything after the send is assumed to be after the link. */
export function toAssumedSession(linkId: string, applicantProviderId: string, sentAt: Date): SessionSnapshot {
  return { ...toLinkSession(linkId, null, applicantProviderId), createdAt: sentAt }
}

function toLinkSession(providerId: string, hostedUrl: string | null, applicantProviderId: string): SessionSnapshot {
  return {
    providerId,
    status: 'CREATED',
    outcome: 'PENDING',
    providerStatus: null,
    access: { hostedUrl, sdkToken: null, cancelToken: null, expiresAt: null },
    applicant: { providerId: applicantProviderId },
    details: {},
  }
}

/** The state of a session before its first read. */
interface ReadSession {
  readonly providerId: string
  readonly createdAt?: Date | null
  readonly applicantDetails?: Details
}

/** A link cannot be read. Its session gets the applicant's state if that is newer than the link. */
export function toSession(
  session: ReadSession,
  applicantProviderId: string,
  reported: wire.Applicant,
  now: Date,
): SessionSnapshot {
  const { applicantDetails } = session
  const corrected = {
    ...reported,
    result: withRejectType(reported.result, {
      ...readRejections(applicantDetails),
      ...assignPending(reported.result, readRejections(applicantDetails)),
    }),
  }
  const isOld = isBefore(corrected.result, toLinkTime(session.providerId, now) ?? session.createdAt)
  const verdict = toVerdict(isOld && corrected.applicantStatus === REVIEWED ? UNTOUCHED : corrected)
  const details: SessionDetails = { sourceKey: corrected.sourceKey }
  return {
    providerId: session.providerId,
    ...verdict,
    providerStatus: corrected.applicantStatus ?? null,
    completedAt: verdict.status === 'COMPLETED' ? reviewedAt(corrected.result) : null,
    applicant: {
      providerId: applicantProviderId,
      snapshot: toApplicant(applicantProviderId, reported, now, applicantDetails),
    },
    attempts: isOld ? [] : toAttempts(applicantProviderId, corrected.result),
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
  readonly unrecognized: boolean
}

/** A retryable rejection leaves the verification open. */
function toVerdict({ applicantStatus, result }: Pick<wire.Applicant, 'applicantStatus' | 'result'>): Verdict {
  const providerStatus = applicantStatus ?? null
  const status = STATUSES.get(applicantStatus ?? '') ?? 'UNKNOWN'
  const outcome = status === 'COMPLETED' ? toOutcome(result) : 'PENDING'
  const unrecognized = status === 'UNKNOWN' || outcome === 'UNKNOWN'
  return { status: outcome === 'NEEDS_RETRY' ? 'IN_PROGRESS' : status, outcome, providerStatus, unrecognized }
}

function toOutcome(result: wire.Result | null | undefined): Outcome {
  const answer = result?.reviewAnswer ?? ''
  if (answer === 'Approved') return 'APPROVED'
  if (!isRejection(answer) || isUnknownType(result?.reviewRejectType)) return 'UNKNOWN'
  return isRetry(result) ? 'NEEDS_RETRY' : 'REJECTED'
}

function isRejection(answer: string): boolean {
  return answer === 'Rejected' || answer === 'Rejected (Retry)' || answer === 'Rejected (Final)'
}

/** The kind of rejection: from the delivery, else from the result, else from the labels. */
function isRetry(result: wire.Result | null | undefined): boolean {
  const type = toRejectType(result?.reviewRejectType)
  if (type) return type === 'RETRY'
  if (result?.reviewAnswer !== 'Rejected') return result?.reviewAnswer === 'Rejected (Retry)'
  return allowRetry(toTexts(result.rejectLabels))
}

type RejectType = (typeof wire.REJECT_TYPES)[number]

function toRejectType(value: string | null | undefined): RejectType | undefined {
  const status = value?.trim().toUpperCase()
  return wire.REJECT_TYPES.find(type => type === status)
}

/** A non-blank, unrecognized type: it is unknown whether the rejection is retryable. */
function isUnknownType(value: string | null | undefined): boolean {
  return Boolean(value?.trim()) && !toRejectType(value)
}

/** The rejection in a delivery, stored until its review is read. Undefined if there is none. */
export function toReportedRejection({
  reviewRejectType,
  rejectLabels,
}: Pick<wire.Result, 'rejectLabels' | 'reviewRejectType'>): Details | undefined {
  const type = toRejectType(reviewRejectType)
  return type && { pendingRejection: { type, labels: rejectLabels == null ? null : toTexts(rejectLabels) } }
}

type Rejections = Pick<ApplicantDetails, 'pendingRejection' | 'reportedRejection'>

function readRejections(known: Details | undefined): Rejections {
  return applicantDetails.safeParse(known).data ?? {}
}

/**
 * The pending rejection belongs to the first rejected review that is read after its delivery with the same labels, or with
 * any labels if it has none. A review keeps its rejection, so that a repeated or older delivery does not change it; one
 * without labels gives way to one that has them. Undefined if nothing changes.
 */
function assignPending(
  result: wire.Result | null | undefined,
  { reportedRejection: known, pendingRejection: pending }: Rejections,
): Rejections | undefined {
  if (!pending || !result || !isRejection(result.reviewAnswer ?? '')) return undefined
  const review = toReview(result)
  const isKnown = known?.review === review && (known.labels !== null || pending.labels === null)
  if (isKnown || !areSameLabels(pending.labels, result.rejectLabels)) return undefined
  return { reportedRejection: { ...pending, review }, pendingRejection: null }
}

function toReview(result: wire.Result): string {
  return result.verification ?? String(reviewedAt(result)?.getTime())
}

function areSameLabels(reported: readonly string[] | null, value: wire.Result['rejectLabels']): boolean {
  if (!reported) return true
  const labels = new Set(toTexts(value))
  return labels.size === new Set(reported).size && reported.every(label => labels.has(label))
}

/** The kind of rejection from the result itself, else from a delivery about the same review. */
function withRejectType(result: wire.Result | null | undefined, { reportedRejection: reported }: Rejections) {
  if (!result || toRejectType(result.reviewRejectType) || reported?.review !== toReview(result)) return result
  return { ...result, reviewRejectType: reported.type }
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

/** Personr reports only the latest review; earlier ones are gone. */
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

function toDate(value: number | null | undefined): Date | null | undefined {
  return value == null ? value : new Date(value)
}

/**
 * An id starts with its creation time in milliseconds. The documentation's sample id would be from the year 2104, so it
 * gives no time.
 */
function toCreatedAt(id: string, now: Date): Date | undefined {
  const at = readTime(id)
  return at && at <= now ? at : undefined
}

/**
 * The creation time of a link by Personr's clock, which also dates the reviews: times of two clocks are never compared.
 */
function toLinkTime(linkId: string, now: Date): Date | undefined {
  const at = readTime(linkId)
  return at && at.getTime() - now.getTime() < MOST_AHEAD_MS ? at : undefined
}

/** No clock is ahead by more than this. */
const MOST_AHEAD_MS = 86_400_000

function readTime(id: string): Date | undefined {
  const [, milliseconds] = /^(\d{13})x\d+$/.exec(id) ?? []
  return milliseconds === undefined ? undefined : new Date(Number(milliseconds))
}

/** Our marker among the ids of an applicant. */
export function findReference(externalUserIds: readonly (string | null | undefined)[]): string | undefined {
  return toTexts(externalUserIds).find(text => !isCallerReference(text))
}

function isCallerReference(externalUserId: string): boolean {
  return !externalUserId.startsWith(MARKER_PREFIX)
}

/** A link that can be opened; anything else is dropped. */
function toLink(value: string | null | undefined): string | null | undefined {
  return value && !/^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '') ? undefined : value
}

function toTexts(value: readonly (string | null | undefined)[] | null | undefined): string[] {
  return (value ?? []).filter(text => text != null)
}

function withoutNulls<T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner != null)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
