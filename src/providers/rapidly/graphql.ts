import { decide, PARENT, scoped } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { customerDetails, sessionDetails } from '../../../schema/details.ts'
import { providerCustomerInput, providerSessionInput } from '../../../schema/provider-inputs.ts'
import { customerInput, sessionInput } from './input.ts'
import type { BillingAddress, CustomerDetails, SessionDetails } from './mapper.ts'

sessionDetails.join(
  'RAPIDLY',
  builder.objectRef<SessionDetails>('RapidlyCustomerSession').implement({
    description: 'What Rapidly alone knows about a session: an hour in its customer portal.',
    fields: t => ({
      customerProviderId: t.exposeString('customerProviderId', {
        nullable: false,
        description: "Rapidly's id of the customer.",
      }),
      returnUrl: t.expose('returnUrl', {
        type: 'URL',
        description: 'Where the back button of the portal leads.',
      }),
      memberId: t.exposeString('memberId', { description: "Rapidly's id of the member, as the create gave it." }),
      externalMemberId: t.exposeString('externalMemberId', {
        description: "The caller's own id of the member, as the create gave it.",
      }),
    }),
  }),
)

const RapidlyCustomerType = builder.enumType('RapidlyCustomerType', {
  description: 'Who a customer of Rapidly is.',
  values: {
    INDIVIDUAL: { description: 'A single person.' },
    TEAM: { description: 'Several members.' },
    UNKNOWN: { description: 'Something that Rapidly did not document. Not for inputs.' },
  } as const,
})

const RapidlyAddress = builder.objectRef<BillingAddress>('RapidlyAddress').implement({
  description: 'The billing address of a customer.',
  fields: t => ({
    country: t.exposeString('country', { nullable: false, description: 'ISO 3166-1 alpha-2.' }),
    line1: t.exposeString('line1', { description: 'The first line of the street address.' }),
    line2: t.exposeString('line2', { description: 'The second line of the street address.' }),
    postalCode: t.exposeString('postalCode', { description: 'The postal code.' }),
    city: t.exposeString('city', { description: 'The city.' }),
    state: t.exposeString('state', { description: 'The state or province.' }),
  }),
})

customerDetails.join(
  'RAPIDLY',
  builder.objectRef<CustomerDetails>('RapidlyCustomer').implement({
    description: 'What Rapidly alone knows about a customer.',
    fields: t => ({
      emailVerified: t.exposeBoolean('emailVerified', {
        nullable: false,
        description: 'True once the customer opened the portal by e-mail.',
      }),
      type: t.expose('type', {
        type: RapidlyCustomerType,
        description: 'Null for old customers, which Rapidly treats as individuals.',
      }),
      workspaceId: t.exposeString('workspaceId', {
        nullable: false,
        description: "Rapidly's id of the workspace; empty where Rapidly did not say it.",
      }),
      avatarUrl: t.expose('avatarUrl', { type: 'URL', description: 'A picture.' }),
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
    customerId: t.id({ description: 'Our id of a customer at Rapidly.' }),
    customerProviderId: t.string({ description: "Rapidly's id, a UUID of version 4." }),
    customerExternalId: t.string({ description: "The caller's own id of the customer, as Rapidly keeps it." }),
  }),
})

const RapidlyCustomerSessionInput = builder.inputType('RapidlyCustomerSessionInput', {
  description: "An hour in Rapidly's customer portal.",
  validate: { schema: sessionInput },
  fields: t => ({
    customer: t.field({ type: RapidlyCustomerRef, required: true, description: 'The customer it is for.' }),
    returnUrl: t.field({
      type: 'URL',
      description: 'Where the back button of the portal leads: https, or http on localhost. Left out: no button.',
    }),
    memberId: t.string({ description: "Rapidly's id of a member of the customer, a UUID of version 4." }),
    externalMemberId: t.string({ description: "The caller's own id of a member of the customer." }),
  }),
})

providerSessionInput.join({
  field: 'rapidly',
  description: "An hour in Rapidly's customer portal.",
  type: RapidlyCustomerSessionInput,
  toRequest: input => ({
    provider: 'RAPIDLY',
    input,
    customer: { id: input.customer.customerId, path: ['rapidly', 'customer', 'customerId'] },
  }),
})

const RapidlyAddressInput = builder.inputType('RapidlyAddressInput', {
  description: 'A billing address.',
  fields: t => ({
    country: t.string({ required: true, description: 'ISO 3166-1 alpha-2, not under embargo.' }),
    line1: t.string({ description: 'The first line of the street address.' }),
    line2: t.string({ description: 'The second line of the street address.' }),
    postalCode: t.string({ description: 'The postal code.' }),
    city: t.string({ description: 'The city.' }),
    state: t.string({ description: 'The state or province.' }),
  }),
})

const RapidlyCustomerInput = builder.inputType('RapidlyCustomerInput', {
  description: 'A customer at Rapidly.',
  validate: { schema: customerInput },
  fields: t => ({
    email: t.string({
      required: true,
      description: 'Unique within the workspace; Rapidly checks that it can get mail.',
    }),
    name: t.string({ description: 'At most 256 characters.' }),
    type: t.field({ type: RapidlyCustomerType, description: 'INDIVIDUAL, also where it is left out, or TEAM.' }),
    metadata: t.field({
      type: 'JSON',
      description:
        'At most 49 keys of 1 to 40 characters; values are texts of 1 to 500 characters, numbers or booleans.',
    }),
    billingAddress: t.field({ type: RapidlyAddressInput, description: 'The billing address.' }),
  }),
})

providerCustomerInput.join({
  field: 'rapidly',
  description: 'A customer at Rapidly.',
  type: RapidlyCustomerInput,
  // It was checked already; parsing it again gives its metadata a type.
  toRequest: input => ({ provider: 'RAPIDLY', input: customerInput.parse(input) }),
})

decide('RapidlyCustomerSession', [PARENT, ['customerProviderId', 'externalMemberId', 'memberId', 'returnUrl']])
decide(
  'RapidlyCustomer',
  [PARENT, ['deletedAt', 'emailVerified', 'type', 'workspaceId']],
  [scoped('pii:read'), ['avatarUrl', 'billingAddress']],
)
decide('RapidlyAddress', [PARENT, ['country', 'line1', 'line2', 'postalCode', 'city', 'state']])
