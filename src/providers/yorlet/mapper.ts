import { z } from 'zod'
import type { ApplicantSnapshot } from '../../domain/records/applicant.ts'
import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/records/session.ts'
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

/** `reference`: our marker, if the customer gets one. */
export function toCustomerBody({ email, name, phone }: CustomerInput, reference?: string): wire.CreateCustomerBody {
  return {
    email,
    name: name ?? undefined,
    phone: phone ?? undefined,
    metadata: reference === undefined ? undefined : { [MARKER]: reference },
  }
}

/** Yorlet's `application_status` is not a status but the applicant's id. */
export function toSession(session: wire.Session): SessionSnapshot {
  const details: SessionDetails = {
    applicationProviderId: toId(session.application),
    applicantProviderId: toId(session.application_status),
    customerProviderId: toId(session.customer),
    mode: MODES.get(session.mode ?? '') ?? 'UNKNOWN',
    account: session.account ?? null,
    deleted: session.deleted ?? false,
  }
  return {
    providerId: session.id,
    status: STATUSES.get(session.status) ?? 'UNKNOWN',
    unrecognized: !STATUSES.has(session.status),
    outcome: 'NOT_APPLICABLE',
    providerStatus: session.status,
    createdAt: toDate(session.created),
    access: session.url ? { hostedUrl: session.url, sdkToken: null, cancelToken: null, expiresAt: null } : undefined,
    applicant: { providerId: details.applicantProviderId, parentProviderId: details.applicationProviderId },
    customer: { providerId: details.customerProviderId },
    details,
  }
}

/** An applicant's status is undocumented free text, so it is stored but not interpreted. */
export function toApplicant(applicant: wire.Applicant, applicationProviderId: string): ApplicantSnapshot {
  const details: ApplicantDetails = {
    applicationProviderId,
    leadTenant: applicant.lead_tenant ?? null,
    permittedOccupier: applicant.permitted_occupier ?? null,
  }
  return {
    providerId: applicant.id,
    parentProviderId: applicationProviderId,
    status: 'UNKNOWN',
    outcome: 'NOT_APPLICABLE',
    providerStatus: applicant.status ?? null,
    createdAt: toDate(applicant.created),
    customer: applicant.customer ? { providerId: toId(applicant.customer) } : undefined,
    details,
  }
}

export function toCustomer(customer: wire.Customer): CustomerSnapshot {
  const details: CustomerDetails = {
    description: customer.description ?? null,
    delinquent: customer.delinquent ?? null,
  }
  return {
    providerId: customer.id,
    email: customer.email,
    name: customer.name,
    phone: customer.phone,
    metadata: customer.metadata && withoutMarker(customer.metadata),
    createdAt: toDate(customer.created),
    details,
  }
}

/** The metadata key of a customer that identifies its create. */
export const MARKER = 'sessiongraph_reference'

/** The mapper removes our marker, so it is read from the raw customer. */
export function hasMarker({ metadata }: wire.Customer, reference: string): boolean {
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

/** The id of a reference that is either an id or an expanded record. */
export function toId(reference: wire.Reference): string {
  return typeof reference === 'string' ? reference : reference.id
}

/** From epoch seconds; undefined stays undefined. */
function toDate(seconds: number | null | undefined): Date | undefined {
  return seconds == null ? undefined : new Date(seconds * 1000)
}
