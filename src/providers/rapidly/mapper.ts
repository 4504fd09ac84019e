import { z } from 'zod'
import { REFERENCE_KEY } from '../../domain/input/metadata.ts'
import { toExternalId } from '../../domain/input/text.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import type { RecordLink } from '../../domain/records/record-link.ts'
import type { SessionSnapshot } from '../../domain/records/session.ts'
import type { CustomerInput, SessionInput } from './input.ts'
import * as wire from './wire.ts'

export const sessionDetails = z.object({
  customerProviderId: z.string(),
  memberId: z.string().nullable(),
  externalMemberId: z.string().nullable(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

export const MAPPED_CUSTOMER_TYPES = ['INDIVIDUAL', 'TEAM', 'UNKNOWN'] as const

export const customerDetails = z.object({
  emailVerified: z.boolean(),
  type: z.enum(MAPPED_CUSTOMER_TYPES).nullable(),
  workspaceId: z.string(),
  avatarUrl: z.string().nullable(),
  billingAddress: z
    .object({
      country: z.string(),
      line1: z.string().nullable(),
      line2: z.string().nullable(),
      postalCode: z.string().nullable(),
      city: z.string().nullable(),
      state: z.string().nullable(),
    })
    .nullable(),
  deletedAt: z.string().nullable(),
})
export type CustomerDetails = z.infer<typeof customerDetails>
export type BillingAddress = NonNullable<CustomerDetails['billingAddress']>

/** `providerId`: Rapidly's id of the customer that the input references by our id. */
export function toSessionBody(
  input: SessionInput,
  providerId: string | null | undefined,
): wire.CreateCustomerSessionBody {
  return {
    ...toCustomerReference(input.customer, providerId),
    ...(input.redirectUrl && { return_url: input.redirectUrl }),
    ...(input.memberId && { member_id: input.memberId }),
    ...(input.externalMemberId != null && { external_member_id: input.externalMemberId }),
  }
}

/** Exactly one of the two ids: given both, Rapidly silently prefers the external one. */
function toCustomerReference(
  customer: SessionInput['customer'],
  providerId: string | null | undefined,
): wire.CreateCustomerSessionBody {
  if ('customerExternalId' in customer) return { external_customer_id: customer.customerExternalId }
  return { customer_id: toCustomerId(customer, providerId) }
}

type CustomerById = Exclude<SessionInput['customer'], { customerExternalId: string }>

export function toCustomerId(customer: CustomerById, providerId: string | null | undefined): string {
  if ('customerProviderId' in customer) return customer.customerProviderId
  if (!providerId) throw new TypeError('The customer of a Rapidly session was not resolved.')
  return providerId
}

export function toCustomerBody(
  input: CustomerInput,
  call: { readonly reference: string; readonly externalId?: string | null },
): wire.CreateCustomerBody {
  const { billingAddress } = input
  return {
    email: input.email,
    ...(call.externalId != null && { external_id: call.externalId }),
    ...(input.name != null && { name: input.name }),
    ...(input.type && { type: input.type === 'TEAM' ? 'team' : 'individual' }),
    metadata: { ...input.metadata, [REFERENCE_KEY]: call.reference },
    ...(billingAddress && { billing_address: toSentAddress(billingAddress) }),
  }
}

function toSentAddress({ postalCode, ...rest }: NonNullable<CustomerInput['billingAddress']>): wire.Address {
  return { ...rest, ...(postalCode != null && { postal_code: postalCode }) }
}

/** Rapidly's sessions have no status; only the clock decides whether one is open. The members come from the input. */
export function toSession(session: wire.CustomerSession, input: SessionInput, now: Date): SessionSnapshot {
  const expiresAt = toDate(session.expires_at)
  return {
    providerId: session.id,
    ...toDerivedStatus(expiresAt, now),
    redirectUrl: session.return_url ?? null,
    createdAt: toDate(session.created_at),
    updatedAt: toDate(session.modified_at ?? session.created_at),
    access: { hostedUrl: session.customer_portal_url, sdkToken: session.token ?? null, cancelToken: null, expiresAt },
    customer: toLink(session),
    details: toSessionDetails(session.customer_id, input),
  }
}

/**
 * A session of which only the id is known. It was created no earlier than the create was sent, and expires after an
 * hour.
 */
export function toAssumedSession(
  providerId: string,
  input: SessionInput,
  customer: RecordLink<CustomerSnapshot>,
  sentAt: Date,
  now: Date,
): SessionSnapshot {
  const expiresAt = new Date(sentAt.getTime() + wire.SESSION_LIFETIME_MS)
  return {
    providerId,
    ...toDerivedStatus(expiresAt, now),
    redirectUrl: input.redirectUrl ?? null,
    createdAt: sentAt,
    updatedAt: sentAt,
    access: { hostedUrl: null, sdkToken: null, cancelToken: null, expiresAt },
    customer,
    details: toSessionDetails(customer.providerId, input),
  }
}

function toDerivedStatus(expiresAt: Date | null, now: Date) {
  const isOver = expiresAt !== null && expiresAt <= now
  const status = isOver ? ('EXPIRED' as const) : ('IN_PROGRESS' as const)
  return { status, derived: true, outcome: 'NOT_APPLICABLE' as const, providerStatus: null, expiresAt }
}

function toSessionDetails(customerProviderId: string, { memberId, externalMemberId }: SessionInput): SessionDetails {
  return { customerProviderId, memberId: memberId ?? null, externalMemberId: externalMemberId ?? null }
}

/** The inline customer counts only if it is the customer of the session. */
function toLink({ customer_id, customer }: wire.CustomerSession): SessionSnapshot['customer'] {
  if (customer?.id !== customer_id) return { providerId: customer_id }
  return { providerId: customer_id, snapshot: toCustomer({ ...customer, id: customer_id }) }
}

export function toCustomer(customer: wire.Customer): CustomerSnapshot {
  return {
    providerId: customer.id,
    externalId: toExternalId(customer.external_id),
    email: customer.email ?? null,
    name: customer.name ?? null,
    metadata: withoutReference(customer.metadata),
    createdAt: toDate(customer.created_at),
    updatedAt: toDate(customer.modified_at ?? customer.created_at),
    details: toCustomerDetails(customer),
  }
}

/** The mapper removes our marker, so it is read from the raw customer. */
export function hasMarker({ metadata }: wire.Customer, reference: string): boolean {
  return metadata?.[REFERENCE_KEY] === reference
}

function withoutReference(metadata: wire.Customer['metadata']): JsonObject | null {
  if (!metadata) return null
  const { [REFERENCE_KEY]: _, ...rest } = metadata
  return rest
}

const TYPES: Readonly<Record<string, CustomerDetails['type']>> = { individual: 'INDIVIDUAL', team: 'TEAM' }

function toCustomerDetails(customer: wire.Customer): CustomerDetails {
  return {
    emailVerified: customer.email_verified ?? false,
    type: customer.type == null ? null : (TYPES[customer.type] ?? 'UNKNOWN'),
    workspaceId: customer.workspace_id ?? '',
    avatarUrl: customer.avatar_url ?? null,
    billingAddress: toBillingAddress(customer.billing_address),
    deletedAt: toDate(customer.deleted_at)?.toISOString() ?? null,
  }
}

function toBillingAddress(address: wire.Address | null | undefined): BillingAddress | null {
  if (!address?.country) return null
  return {
    country: address.country,
    line1: address.line1 ?? null,
    line2: address.line2 ?? null,
    postalCode: address.postal_code ?? null,
    city: address.city ?? null,
    state: address.state ?? null,
  }
}

function toDate(value: string | null | undefined): Date | null {
  return value ? new Date(value) : null
}
