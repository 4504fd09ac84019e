import { z } from 'zod'
import type { CustomerSnapshot } from '../../domain/customer.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Linked } from '../../domain/linked.ts'
import type { SessionSnapshot } from '../../domain/session.ts'
import { type CustomerInput, REFERENCE_KEY, type SessionInput } from './input.ts'
import * as wire from './wire.ts'

export const sessionDetails = z.object({
  customerProviderId: z.string(),
  returnUrl: z.string().nullable(),
  memberId: z.string().nullable(),
  externalMemberId: z.string().nullable(),
})
export type SessionDetails = z.infer<typeof sessionDetails>

export const CUSTOMER_TYPES = ['INDIVIDUAL', 'TEAM', 'UNKNOWN'] as const

export const customerDetails = z.object({
  emailVerified: z.boolean(),
  type: z.enum(CUSTOMER_TYPES).nullable(),
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

/** `ours` is Rapidly's id of the customer that the input names by our id. */
export function toSessionBody(input: SessionInput, ours: string | null | undefined): wire.CreateCustomerSessionBody {
  return {
    ...toCustomerReference(input.customer, ours),
    ...(input.returnUrl && { return_url: input.returnUrl }),
    ...(input.memberId && { member_id: input.memberId }),
    ...(input.externalMemberId != null && { external_member_id: input.externalMemberId }),
  }
}

/** Exactly one of the two ids: given both, Rapidly would silently prefer the external one. */
function toCustomerReference(
  customer: SessionInput['customer'],
  ours: string | null | undefined,
): wire.CreateCustomerSessionBody {
  if ('customerExternalId' in customer) return { external_customer_id: customer.customerExternalId }
  return { customer_id: toCustomerId(customer, ours) }
}

type CustomerById = Exclude<SessionInput['customer'], { customerExternalId: string }>

export function toCustomerId(customer: CustomerById, ours: string | null | undefined): string {
  if ('customerProviderId' in customer) return customer.customerProviderId
  if (!ours) throw new TypeError('The customer of a Rapidly session was not resolved.')
  return ours
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

/** Rapidly's session has no status: the clock alone says whether it is open. The members are known from the input only. */
export function toSession(sent: wire.CustomerSession, input: SessionInput, now: Date): SessionSnapshot {
  const expiresAt = toDate(sent.expires_at)
  const returnUrl = sent.return_url ?? null
  return {
    providerId: sent.id,
    ...toDerivedStatus(expiresAt, now),
    redirectUrl: returnUrl,
    createdAt: toDate(sent.created_at),
    updatedAt: toDate(sent.modified_at ?? sent.created_at),
    access: { hostedUrl: sent.customer_portal_url, token: sent.token ?? null, cancelToken: null, expiresAt },
    customer: toLink(sent),
    details: toSessionDetails(sent.customer_id, returnUrl, input),
  }
}

/** A session of which no more than its id is known. It was made no earlier than it was sent, and lives for an hour. */
export function toAssumedSession(
  providerId: string,
  input: SessionInput,
  customer: Linked<CustomerSnapshot>,
  sentAt: Date,
  now: Date,
): SessionSnapshot {
  const expiresAt = new Date(sentAt.getTime() + wire.SESSION_LIFETIME_MS)
  const returnUrl = input.returnUrl ?? null
  return {
    providerId,
    ...toDerivedStatus(expiresAt, now),
    redirectUrl: returnUrl,
    createdAt: sentAt,
    updatedAt: sentAt,
    access: { hostedUrl: null, token: null, cancelToken: null, expiresAt },
    customer,
    details: toSessionDetails(customer.providerId, returnUrl, input),
  }
}

function toDerivedStatus(expiresAt: Date | null, now: Date) {
  const isOver = expiresAt !== null && expiresAt <= now
  const status = isOver ? ('EXPIRED' as const) : ('IN_PROGRESS' as const)
  return { status, derived: true, outcome: 'NOT_APPLICABLE' as const, providerStatus: null, expiresAt }
}

function toSessionDetails(customerProviderId: string, returnUrl: string | null, input: SessionInput): SessionDetails {
  const { memberId, externalMemberId } = input
  return { customerProviderId, returnUrl, memberId: memberId ?? null, externalMemberId: externalMemberId ?? null }
}

/** The customer told inline counts only where it is the one that the session is for. */
function toLink({ customer_id, customer }: wire.CustomerSession): SessionSnapshot['customer'] {
  if (customer?.id !== customer_id) return { providerId: customer_id }
  return { providerId: customer_id, snapshot: toCustomer({ ...customer, id: customer_id }) }
}

export function toCustomer(sent: wire.Customer): CustomerSnapshot {
  return {
    providerId: sent.id,
    externalId: sent.external_id ?? null,
    email: sent.email ?? null,
    name: sent.name ?? null,
    metadata: withoutReference(sent.metadata),
    createdAt: toDate(sent.created_at),
    updatedAt: toDate(sent.modified_at ?? sent.created_at),
    details: toCustomerDetails(sent),
  }
}

/** What is mapped shows our marker no more, so it is looked for in what was sent. */
export function isMarkedBy({ metadata }: wire.Customer, reference: string): boolean {
  return metadata?.[REFERENCE_KEY] === reference
}

function withoutReference(metadata: wire.Customer['metadata']): JsonObject | null {
  if (!metadata) return null
  const { [REFERENCE_KEY]: _, ...theirs } = metadata
  return theirs
}

const TYPES: Readonly<Record<string, CustomerDetails['type']>> = { individual: 'INDIVIDUAL', team: 'TEAM' }

function toCustomerDetails(sent: wire.Customer): CustomerDetails {
  return {
    emailVerified: sent.email_verified ?? false,
    type: sent.type == null ? null : (TYPES[sent.type] ?? 'UNKNOWN'),
    workspaceId: sent.workspace_id ?? '',
    avatarUrl: sent.avatar_url ?? null,
    billingAddress: toBillingAddress(sent.billing_address),
    deletedAt: toDate(sent.deleted_at)?.toISOString() ?? null,
  }
}

function toBillingAddress(sent: wire.Address | null | undefined): BillingAddress | null {
  if (!sent?.country) return null
  return {
    country: sent.country,
    line1: sent.line1 ?? null,
    line2: sent.line2 ?? null,
    postalCode: sent.postal_code ?? null,
    city: sent.city ?? null,
    state: sent.state ?? null,
  }
}

function toDate(sent: string | null | undefined): Date | null {
  return sent ? new Date(sent) : null
}
