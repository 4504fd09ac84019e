import { z } from 'zod'
import type { ApplicantSnapshot } from '../../domain/applicant.ts'
import type { CustomerSnapshot } from '../../domain/customer.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/session.ts'
import type { CustomerInput, SessionInput } from './input.ts'
import type * as wire from './wire.ts'

export const sessionDetails = z.object({
  applicationProviderId: z.string(),
  applicantProviderId: z.string(),
  customerProviderId: z.string(),
  mode: z.enum(['CLASSIC', 'CONFIGURATION', 'UNKNOWN']),
  account: z.string().nullable(),
  deleted: z.boolean(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

export const applicantDetails = z.object({
  applicationProviderId: z.string(),
  leadTenant: z.boolean().nullable(),
  permittedOccupier: z.boolean().nullable(),
})
export type ApplicantDetails = z.infer<typeof applicantDetails>

export const customerDetails = z.object({
  description: z.string().nullable(),
  delinquent: z.boolean().nullable(),
})
export type CustomerDetails = z.infer<typeof customerDetails>

export function toSessionBody({ applicantProviderId, sendEmail }: SessionInput): wire.CreateSessionBody {
  return { application_status: applicantProviderId, send_email: sendEmail ?? undefined }
}

/** `reference`: our marker, where the customer is to carry it. */
export function toCustomerBody({ email, name, phone }: CustomerInput, reference?: string): wire.CreateCustomerBody {
  return {
    email,
    name: name ?? undefined,
    phone: phone ?? undefined,
    metadata: reference === undefined ? undefined : { [MARKER]: reference },
  }
}

/** Yorlet's `application_status` is not a status but the applicant's id. */
export function toSession(sent: wire.Session): SessionSnapshot {
  const details: SessionDetails = {
    applicationProviderId: toId(sent.application),
    applicantProviderId: toId(sent.application_status),
    customerProviderId: toId(sent.customer),
    mode: MODES.get(sent.mode ?? '') ?? 'UNKNOWN',
    account: sent.account ?? null,
    deleted: sent.deleted ?? false,
  }
  return {
    providerId: sent.id,
    status: STATUSES.get(sent.status) ?? 'UNKNOWN',
    outcome: 'NOT_APPLICABLE',
    providerStatus: sent.status,
    createdAt: toDate(sent.created),
    access: sent.url ? { hostedUrl: sent.url, token: null, cancelToken: null, expiresAt: null } : undefined,
    applicant: { providerId: details.applicantProviderId, parentProviderId: details.applicationProviderId },
    customer: { providerId: details.customerProviderId },
    details,
  }
}

/** An applicant's status is free text that nobody documents, so it is kept and not read. */
export function toApplicant(sent: wire.Applicant, applicationProviderId: string): ApplicantSnapshot {
  const details: ApplicantDetails = {
    applicationProviderId,
    leadTenant: sent.lead_tenant ?? null,
    permittedOccupier: sent.permitted_occupier ?? null,
  }
  return {
    providerId: sent.id,
    parentProviderId: applicationProviderId,
    status: 'UNKNOWN',
    outcome: 'NOT_APPLICABLE',
    providerStatus: sent.status ?? null,
    createdAt: toDate(sent.created),
    customer: sent.customer ? { providerId: toId(sent.customer) } : undefined,
    details,
  }
}

export function toCustomer(sent: wire.Customer): CustomerSnapshot {
  const details: CustomerDetails = { description: sent.description ?? null, delinquent: sent.delinquent ?? null }
  return {
    providerId: sent.id,
    email: sent.email,
    name: sent.name,
    phone: sent.phone,
    metadata: sent.metadata && withoutMarker(sent.metadata),
    createdAt: toDate(sent.created),
    details,
  }
}

/** The key of a customer's metadata under which a create can be found again. */
const MARKER = 'sessiongraph_reference'

/** What is mapped shows our marker no more, so it is looked for in what was sent. */
export function isMarkedBy({ metadata }: wire.Customer, reference: string): boolean {
  return metadata?.[MARKER] === reference
}

function withoutMarker({ [MARKER]: _, ...metadata }: NonNullable<wire.Customer['metadata']>): typeof metadata {
  return metadata
}

const STATUSES: ReadonlyMap<string, SessionStatus> = new Map([
  ['pending', 'CREATED'],
  ['active', 'IN_PROGRESS'],
  ['complete', 'COMPLETED'],
  ['canceled', 'CANCELED'],
  ['expired', 'EXPIRED'],
])

const MODES: ReadonlyMap<string, SessionDetails['mode']> = new Map([
  ['classic', 'CLASSIC'],
  ['configuration', 'CONFIGURATION'],
])

function toId(reference: wire.Reference): string {
  return typeof reference === 'string' ? reference : reference.id
}

/** From epoch seconds; what was not told stays untold. */
function toDate(seconds: number | null | undefined): Date | undefined {
  return seconds == null ? undefined : new Date(seconds * 1000)
}
