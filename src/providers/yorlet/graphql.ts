import { decide, PARENT } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { applicantDetails, customerDetails, sessionDetails } from '../../../schema/details.ts'
import { providerCustomerInput, providerSessionInput } from '../../../schema/provider-inputs.ts'
import { customerInput, sessionInput } from './input.ts'
import type { ApplicantDetails, CustomerDetails, SessionDetails } from './mapper.ts'

const YorletMode = builder.enumType('YorletMode', {
  description: 'How a Yorlet application is filled in.',
  values: {
    CLASSIC: { description: "Yorlet's classic steps." },
    CONFIGURATION: { description: 'The steps of an application configuration.' },
    UNKNOWN: { description: 'A way that Yorlet did not document.' },
  } as const,
})

sessionDetails.join(
  'YORLET',
  builder.objectRef<SessionDetails>('YorletApplicationSession').implement({
    description: 'What Yorlet alone knows about a session.',
    fields: t => ({
      applicationProviderId: t.exposeString('applicationProviderId', {
        nullable: false,
        description: "Yorlet's id of the application.",
      }),
      applicantProviderId: t.exposeString('applicantProviderId', {
        nullable: false,
        description: "Yorlet's id of the applicant, which it calls the application status.",
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
        description: 'The Yorlet account it belongs to; null unless the provider account names a context.',
      }),
      deleted: t.exposeBoolean('deleted', { nullable: false, description: 'True once Yorlet says it was deleted.' }),
    }),
  }),
)

applicantDetails.join(
  'YORLET',
  builder.objectRef<ApplicantDetails>('YorletApplicant').implement({
    description: 'What Yorlet alone knows about an applicant.',
    fields: t => ({
      applicationProviderId: t.exposeString('applicationProviderId', {
        nullable: false,
        description: "Yorlet's id of the application, through which alone the applicant is reached.",
      }),
      leadTenant: t.exposeBoolean('leadTenant', { description: 'True for the lead tenant of the application.' }),
      permittedOccupier: t.exposeBoolean('permittedOccupier', {
        description: 'True for somebody who will live there without being a tenant.',
      }),
    }),
  }),
)

customerDetails.join(
  'YORLET',
  builder.objectRef<CustomerDetails>('YorletCustomer').implement({
    description: 'What Yorlet alone knows about a customer.',
    fields: t => ({
      description: t.exposeString('description', { description: 'What the company noted about the customer.' }),
      delinquent: t.exposeBoolean('delinquent', { description: 'True while a payment of the customer is overdue.' }),
    }),
  }),
)

const YorletApplicationSessionInput = builder.inputType('YorletApplicationSessionInput', {
  description: 'An application session at Yorlet, for an applicant that exists there.',
  validate: { schema: sessionInput },
  fields: t => ({
    applicantProviderId: t.string({
      required: true,
      description: "Yorlet's id of the applicant: letters, digits and underscores.",
    }),
    sendEmail: t.boolean({
      description: 'True where Yorlet is to send the applicant the link by e-mail. Left out: as Yorlet decides.',
    }),
  }),
})

providerSessionInput.join({
  field: 'yorlet',
  description: 'An application session at Yorlet.',
  type: YorletApplicationSessionInput,
  toRequest: input => ({ provider: 'YORLET', input }),
})

const YorletCustomerInput = builder.inputType('YorletCustomerInput', {
  description: 'A customer at Yorlet.',
  validate: { schema: customerInput },
  fields: t => ({
    email: t.string({ required: true, description: 'An e-mail address.' }),
    name: t.string({ description: 'The full name.' }),
    phone: t.string({ description: 'The phone number.' }),
  }),
})

providerCustomerInput.join({
  field: 'yorlet',
  description: 'A customer at Yorlet.',
  type: YorletCustomerInput,
  toRequest: input => ({ provider: 'YORLET', input }),
})

decide('YorletApplicationSession', [
  PARENT,
  ['account', 'applicantProviderId', 'applicationProviderId', 'customerProviderId', 'deleted', 'mode'],
])
decide('YorletApplicant', [PARENT, ['applicationProviderId', 'leadTenant', 'permittedOccupier']])
decide('YorletCustomer', [PARENT, ['delinquent', 'description']])
