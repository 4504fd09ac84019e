import { defineRule, INHERIT, scoped } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerCustomerInput, providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { customerDetailsUnion, sessionDetailsUnion } from '../../../schema/types/details.ts'
import { TREAT_AS_UNKNOWN } from '../../../schema/types/enums.ts'
import { customerInput, sessionInputOf } from './input.ts'
import type { BillingAddress, CustomerDetails, SessionDetails } from './mapper.ts'

sessionDetailsUnion.join(
  'RAPIDLY',
  builder.objectRef<SessionDetails>('RapidlySessionDetails').implement({
    description: 'Fields of a session that only Rapidly has: one hour in its customer portal.',
    fields: t => ({
      customerProviderId: t.exposeString('customerProviderId', {
        nullable: false,
        description: "Rapidly's id of the customer.",
      }),
      memberId: t.exposeString('memberId', {
        description: "Rapidly's id of the member, as passed to the mutation that created the session.",
      }),
      externalMemberId: t.exposeString('externalMemberId', {
        description: 'Your own id for the member, as passed to the mutation that created the session.',
      }),
    }),
  }),
)

const RapidlyCustomerType = builder.enumType('RapidlyCustomerType', {
  description: `The type of a customer of Rapidly. ${TREAT_AS_UNKNOWN}`,
  values: {
    INDIVIDUAL: { description: 'A single person.' },
    TEAM: { description: 'A team with several members.' },
    UNKNOWN: { description: 'A type that is not known here.' },
  } as const,
})

const RapidlyCustomerTypeInput = builder.enumType('RapidlyCustomerTypeInput', {
  description: 'The type of a new customer of Rapidly.',
  values: {
    INDIVIDUAL: { description: 'A single person.' },
    TEAM: { description: 'A team with several members.' },
  } as const,
})

const RapidlyAddress = builder.objectRef<BillingAddress>('RapidlyAddress').implement({
  description: 'The billing address of a customer.',
  fields: t => ({
    country: t.exposeString('country', { nullable: false, description: 'The country, as an ISO 3166-1 alpha-2 code.' }),
    line1: t.exposeString('line1', { description: 'The first line of the street address.' }),
    line2: t.exposeString('line2', { description: 'The second line of the street address.' }),
    postalCode: t.exposeString('postalCode', { description: 'The postal code.' }),
    city: t.exposeString('city', { description: 'The city.' }),
    state: t.exposeString('state', { description: 'The state or province.' }),
  }),
})

customerDetailsUnion.join(
  'RAPIDLY',
  builder.objectRef<CustomerDetails>('RapidlyCustomerDetails').implement({
    description: 'Fields of a customer that only Rapidly has.',
    fields: t => ({
      emailVerified: t.exposeBoolean('emailVerified', {
        nullable: false,
        description: 'True once the customer has opened the portal by e-mail.',
      }),
      type: t.expose('type', {
        type: RapidlyCustomerType,
        description: 'The type of the customer. Null for old customers, which Rapidly treats as individuals.',
      }),
      workspaceId: t.exposeString('workspaceId', {
        nullable: false,
        description: "Rapidly's id of the workspace; empty if Rapidly does not report it.",
      }),
      avatarUrl: t.expose('avatarUrl', { type: 'URL', description: 'The URL of a picture.' }),
      billingAddress: t.expose('billingAddress', {
        type: RapidlyAddress,
        description: 'The billing address.',
      }),
      deletedAt: t.field({
        type: 'DateTime',
        description: 'When Rapidly deleted the customer.',
        resolve: customer => (customer.deletedAt === null ? null : new Date(customer.deletedAt)),
      }),
    }),
  }),
)

const RapidlyCustomerRef = builder.inputType('RapidlyCustomerRef', {
  description: 'The customer a session is for: exactly one key.',
  isOneOf: true,
  fields: t => ({
    customerId: t.id({ description: 'The id of a customer of Rapidly here, 1 to 255 characters.' }),
    customerProviderId: t.string({ description: "Rapidly's id, a UUID of version 4, 36 characters." }),
    customerExternalId: t.string({
      description: 'Your own id for the customer, as stored at Rapidly, 1 to 255 characters.',
    }),
  }),
})

const RapidlySessionInput = builder.inputType('RapidlySessionInput', {
  description: "A session of one hour in Rapidly's customer portal.",
  rules: sessionInputOf,
  fields: t => ({
    customer: t.field({
      type: RapidlyCustomerRef,
      required: true,
      description: 'The customer to open the portal for.',
    }),
    redirectUrl: t.field({
      type: 'URL',
      description: "The target of the portal's back button, at most 2048 characters. Default: no button.",
    }),
    memberId: t.string({
      description: "Rapidly's id of a member of the customer, a UUID of version 4, 36 characters.",
    }),
    externalMemberId: t.string({
      description: 'Your own id for a member of the customer, 1 to 255 characters.',
    }),
  }),
})

providerSessionInput.join({
  field: 'rapidly',
  description: "A session of one hour in Rapidly's customer portal.",
  type: RapidlySessionInput,
  toRequest: input => {
    const { customerId: id, customerProviderId: providerId, customerExternalId: externalId } = input.customer
    const [key = ''] = Object.entries(input.customer).flatMap(([name, given]) => (given == null ? [] : [name]))
    return {
      provider: 'RAPIDLY',
      input,
      customer: { id, providerId, externalId, isReported: true, path: ['rapidly', 'customer', key] },
    }
  },
})

const RapidlyAddressInput = builder.inputType('RapidlyAddressInput', {
  description: 'A billing address.',
  fields: t => ({
    country: t.string({
      required: true,
      description: 'The country, as an ISO 3166-1 alpha-2 code of 2 characters. Countries under embargo are rejected.',
    }),
    line1: t.string({ description: 'The first line of the street address, at most 255 characters.' }),
    line2: t.string({ description: 'The second line of the street address, at most 255 characters.' }),
    postalCode: t.string({ description: 'The postal code, at most 255 characters.' }),
    city: t.string({ description: 'The city, at most 255 characters.' }),
    state: t.string({ description: 'The state or province, at most 255 characters.' }),
  }),
})

const RapidlyCustomerInput = builder.inputType('RapidlyCustomerInput', {
  description: 'A customer at Rapidly.',
  validate: { schema: customerInput },
  fields: t => ({
    email: t.string({
      required: true,
      description:
        'The e-mail address, unique within the workspace, at most 254 bytes, 64 of them before the @. Rapidly checks that it can receive mail.',
    }),
    name: t.string({ description: 'The full name, at most 256 characters.' }),
    type: t.field({
      type: RapidlyCustomerTypeInput,
      description: 'The type of the customer. Default: INDIVIDUAL.',
      extensions: { whenOmitted: 'INDIVIDUAL' },
    }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Your own data: at most 49 keys of 1 to 40 characters. Values are strings of 1 to 500 characters, booleans, or numbers that are exact as doubles.',
      extensions: { whenOmitted: {} },
    }),
    billingAddress: t.field({ type: RapidlyAddressInput, description: 'The billing address.' }),
  }),
})

providerCustomerInput.join({
  field: 'rapidly',
  description: 'A customer at Rapidly.',
  type: RapidlyCustomerInput,
  // Already validated; parsing it again gives its metadata a type.
  toRequest: input => ({ provider: 'RAPIDLY', input: customerInput.parse(input) }),
})

defineRule('RapidlySessionDetails', [INHERIT, ['customerProviderId', 'externalMemberId', 'memberId']])
defineRule(
  'RapidlyCustomerDetails',
  [INHERIT, ['deletedAt', 'emailVerified', 'type', 'workspaceId']],
  [scoped('pii:read'), ['avatarUrl', 'billingAddress']],
)
defineRule('RapidlyAddress', [INHERIT, ['country', 'line1', 'line2', 'postalCode', 'city', 'state']])
