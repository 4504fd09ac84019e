import { ANY_API_KEY, defineRule, INHERIT } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerCustomerInput, providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { applicantDetailsUnion, customerDetailsUnion, sessionDetailsUnion } from '../../../schema/types/details.ts'
import { TREAT_AS_UNKNOWN } from '../../../schema/types/enums.ts'
import { customerInput, sessionInput } from './input.ts'
import type { ApplicantDetails, CustomerDetails, SessionDetails } from './mapper.ts'

const YorletMode = builder.enumType('YorletMode', {
  description: `How the applicant fills in a Yorlet application. ${TREAT_AS_UNKNOWN}`,
  values: {
    CLASSIC: { description: "Yorlet's classic steps." },
    CONFIGURATION: { description: 'The steps of an application configuration.' },
    UNKNOWN: { description: 'A way that is not known here.' },
  } as const,
})

sessionDetailsUnion.join(
  'YORLET',
  builder.objectRef<SessionDetails>('YorletSessionDetails').implement({
    description: 'Fields of a session that only Yorlet has.',
    fields: t => ({
      applicationProviderId: t.exposeString('applicationProviderId', {
        nullable: false,
        description: "Yorlet's id of the application.",
      }),
      applicantProviderId: t.exposeString('applicantProviderId', {
        nullable: false,
        description: "Yorlet's id of the applicant, called the application status there.",
      }),
      customerProviderId: t.exposeString('customerProviderId', {
        nullable: false,
        description: "Yorlet's id of the customer.",
      }),
      mode: t.expose('mode', {
        type: YorletMode,
        nullable: false,
        description: 'How the application is filled in.',
      }),
      account: t.exposeString('account', {
        description: 'The Yorlet account of the session; null unless the credentials have access to several.',
      }),
      deleted: t.exposeBoolean('deleted', {
        nullable: false,
        description: 'True once Yorlet reports that it was deleted.',
      }),
    }),
  }),
)

applicantDetailsUnion.join(
  'YORLET',
  builder.objectRef<ApplicantDetails>('YorletApplicantDetails').implement({
    description: 'Fields of an applicant that only Yorlet has.',
    fields: t => ({
      applicationProviderId: t.exposeString('applicationProviderId', {
        nullable: false,
        description: "Yorlet's id of the application. The applicant can be read only through it.",
      }),
      leadTenant: t.exposeBoolean('leadTenant', { description: 'True for the lead tenant of the application.' }),
      permittedOccupier: t.exposeBoolean('permittedOccupier', {
        description: 'True for a person who will live there without being a tenant.',
      }),
    }),
  }),
)

customerDetailsUnion.join(
  'YORLET',
  builder.objectRef<CustomerDetails>('YorletCustomerDetails').implement({
    description: 'Fields of a customer that only Yorlet has.',
    fields: t => ({
      description: t.exposeString('description', { description: "Your company's note about the customer." }),
      delinquent: t.exposeBoolean('delinquent', { description: 'True while a payment of the customer is overdue.' }),
    }),
  }),
)

const YorletSessionInput = builder.inputType('YorletSessionInput', {
  description: 'An application session at Yorlet, for an applicant that exists there.',
  validate: { schema: sessionInput },
  fields: t => ({
    applicantProviderId: t.string({
      required: true,
      description: "Yorlet's id of the applicant: 1 to 255 letters, digits and underscores.",
    }),
    sendEmail: t.boolean({
      description: "True to have Yorlet e-mail the link to the applicant. Default: Yorlet's own setting.",
    }),
  }),
})

providerSessionInput.join({
  field: 'yorlet',
  description: 'An application session at Yorlet.',
  type: YorletSessionInput,
  toRequest: input => ({
    provider: 'YORLET',
    input,
    applicant: { providerId: input.applicantProviderId, path: ['yorlet', 'applicantProviderId'] },
  }),
})

const YorletCustomerInput = builder.inputType('YorletCustomerInput', {
  description: 'A customer at Yorlet.',
  validate: { schema: customerInput },
  fields: t => ({
    email: t.string({
      required: true,
      description: 'An e-mail address of at most 254 bytes, 64 of them before the @.',
    }),
    name: t.string({ description: 'The full name, 1 to 255 characters.' }),
    phone: t.string({ description: 'The phone number, 1 to 32 characters with at least one digit.' }),
  }),
})

providerCustomerInput.join({
  field: 'yorlet',
  description: 'A customer at Yorlet.',
  type: YorletCustomerInput,
  toRequest: input => ({ provider: 'YORLET', input }),
})

defineRule('YorletSessionDetails', [
  INHERIT,
  ['account', 'applicantProviderId', 'applicationProviderId', 'customerProviderId', 'deleted', 'mode'],
])
defineRule('YorletApplicantDetails', [INHERIT, ['applicationProviderId', 'leadTenant', 'permittedOccupier']])
defineRule('YorletCustomerDetails', [ANY_API_KEY, ['delinquent', 'description']])
