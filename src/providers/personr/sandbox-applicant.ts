import { random } from '../../sandbox/random.ts'
import { type AdvanceStep, SandboxInputError } from '../../sandbox/sandbox.ts'
import { type APPLICANT_STATUSES, RETRY_LABELS, type Result } from './wire.ts'

/** A stored applicant, and the transitions caused by its end user or a reviewer. */
export interface SandboxApplicant {
  readonly id: string
  readonly email: string
  readonly phone: string
  readonly nameFirst: string | null
  readonly nameLast: string | null
  readonly flowName: string
  readonly sourceKey: string | null
  readonly externalUserId: readonly string[]
  readonly status: (typeof APPLICANT_STATUSES)[number]
  readonly documents: readonly string[]
  readonly retries: number
  /** The latest link, on the workspace's custom domain. */
  readonly customLink?: string
  readonly result: (Result & { readonly company: null }) | null
}

export const FLOWS = ['KYC basic', 'KYC with address']

export const SEEDED: SandboxApplicant = {
  id: '4242424242424x424242424242424242',
  email: 'johndoe@mail.com',
  phone: '+61 424 424 424',
  nameFirst: 'John',
  nameLast: 'Doe',
  flowName: 'KYC basic',
  sourceKey: 'Example Source Key',
  externalUserId: ['UUID1', 'UUID2'],
  status: 'Created',
  documents: [],
  retries: 0,
  result: null,
}

export function newId(now: Date): string {
  return `${now.getTime()}x${random.digits(18)}`
}

export function toCreated(applicant: SandboxApplicant) {
  const { id, email, phone, nameFirst, nameLast, flowName, status } = applicant
  return { applicantId: id, email, phone, nameFirst, nameLast, flowName, applicantStatus: status }
}

export function toDetails({ email, phone, nameFirst, nameLast, flowName, status, customLink }: SandboxApplicant) {
  const verificationLinkCustom = customLink ?? null
  return { email, phone, nameFirst, nameLast, tags: [], flowName, status, verificationLinkCustom }
}

export function toStatus(applicant: SandboxApplicant) {
  const isReviewed = applicant.status === 'Reviewed'
  return {
    applicantStatus: applicant.status,
    applicantActionStatus: isReviewed ? 'Reviewed' : 'Pending',
    result: applicant.result,
    ...(isReviewed
      ? { extractedFirstName: applicant.nameFirst, extractedLastName: applicant.nameLast }
      : NOT_EXTRACTED),
    documents: applicant.documents,
    docNumber: [],
    docCountry: [],
    sourceKey: applicant.sourceKey,
    externalUserId: applicant.externalUserId,
  }
}

const NOT_EXTRACTED = { extractedFirstName: null, extractedLastName: null }

/** After this many rejections an applicant is rejected for good. */
export const MAX_ATTEMPTS = 5

const STEPS = ['pre_checked', 'pending', 'approved', 'rejected_retry', 'rejected_final']

export function step(applicant: SandboxApplicant, { to, failureCode }: AdvanceStep, now: Date): SandboxApplicant {
  switch (to) {
    case 'pre_checked':
      return { ...applicant, status: 'Pre-Checked' }
    case 'pending':
      return { ...applicant, status: 'Pending' }
    case 'approved':
      return review(applicant, 'Approved', [], now)
    case 'rejected_retry':
      return reject(applicant, toRetryLabel(failureCode), now)
    case 'rejected_final':
      return review(applicant, 'Rejected', [failureCode ?? 'FORGERY'], now, 'FINAL')
    default:
      throw new SandboxInputError(`Expected a step of ${STEPS.join(', ')}.`)
  }
}

/** True if no further attempt is allowed. */
export function isFinished({ status, result }: SandboxApplicant): boolean {
  return status === 'Reviewed' && result?.reviewRejectType !== 'RETRY'
}

function reject(applicant: SandboxApplicant, label: string, now: Date): SandboxApplicant {
  const retries = applicant.retries + 1
  const reviewed =
    retries < MAX_ATTEMPTS
      ? review(applicant, 'Rejected', [label], now, 'RETRY')
      : review(applicant, 'Rejected (Final)', [label], now, 'FINAL')
  return { ...reviewed, retries }
}

function toRetryLabel(failureCode = 'LOW_QUALITY'): string {
  const label = RETRY_LABELS.find(known => known === failureCode)
  if (!label) throw new SandboxInputError(`Expected a failureCode of ${RETRY_LABELS.join(', ')}.`)
  return label
}

function review(
  applicant: SandboxApplicant,
  reviewAnswer: string,
  rejectLabels: string[],
  now: Date,
  reviewRejectType: string | null = null,
): SandboxApplicant {
  const at = now.getTime()
  const verdict = { reviewAnswer, rejectLabels, reviewRejectType }
  const result = { ...verdict, applicant: applicant.id, company: null, verification: newId(now) }
  return { ...applicant, status: 'Reviewed', result: { 'Modified Date': at, 'Created Date': at, ...result } }
}
