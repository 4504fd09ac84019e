import type { SandboxEvent, SignWebhook } from '../../sandbox/webhooks/webhooks.ts'
import type { SandboxApplicant } from './sandbox-applicant.ts'

/** One flat body for all events; fields without data are null. */
export function toEvent(applicant: SandboxApplicant): SandboxEvent {
  const { id, result, status } = applicant
  const isReviewed = status === 'Reviewed'
  const content = {
    applicantId: id,
    actionStatus: isReviewed ? 'Reviewed' : 'Pending',
    reviewAnswer: isReviewed ? (result?.reviewAnswer ?? null) : null,
    rejectLabels: isReviewed ? (result?.rejectLabels ?? []) : [],
    extFirstName: isReviewed ? applicant.nameFirst : null,
    extLastName: isReviewed ? applicant.nameLast : null,
    ...NOT_EXTRACTED,
    sourceKey: applicant.sourceKey,
    externalUserId: applicant.externalUserId,
  }
  return { type: 'applicant', subject: id, content }
}

const NOT_EXTRACTED = {
  extDob: null,
  extStreetNumber: null,
  extStreetName: null,
  extCity: null,
  extPostCode: null,
  extCountry: null,
  docCountryISO: null,
  docExpiry: null,
}

/** Nothing is signed, and neither events nor deliveries have an id: a fixed token identifies the sender. */
export const signWebhook: SignWebhook = ({ content }) => ({
  body: JSON.stringify(content),
  headers: (_, secret) => ({ 'content-type': 'application/json', authorization: `Bearer ${secret}` }),
})
