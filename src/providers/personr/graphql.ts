import { defineRule, INHERIT, scoped } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerApplicantInput, providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { applicantDetailsUnion, attemptDetailsUnion, sessionDetailsUnion } from '../../../schema/types/details.ts'
import { applicantInput, verificationInput } from './input.ts'
import type { ApplicantDetails, AttemptDetails, SessionDetails } from './mapper.ts'

sessionDetailsUnion.join(
  'PERSONR',
  builder.objectRef<SessionDetails>('PersonrSessionDetails').implement({
    description: 'Fields of a session that only Personr has: a verification link of an applicant.',
    fields: t => ({
      flowName: t.exposeString('flowName', { description: 'The flow that the applicant goes through.' }),
      sourceKey: t.exposeString('sourceKey', { description: 'Your own label for the origin of the applicant.' }),
    }),
  }),
)

applicantDetailsUnion.join(
  'PERSONR',
  builder.objectRef<ApplicantDetails>('PersonrApplicantDetails').implement({
    description: 'Fields of an applicant that only Personr has.',
    fields: t => ({
      flowName: t.exposeString('flowName', { description: 'The flow that the applicant goes through.' }),
      sourceKey: t.exposeString('sourceKey', { description: 'Your own label for the origin of the applicant.' }),
      externalUserIds: t.stringList({
        nullable: false,
        description: 'Your own ids for this person, as stored at Personr. Empty for a client token.',
        resolve: (applicant, _args, { subject }) => (subject ? [] : (applicant.externalUserIds ?? [])),
      }),
      rejectLabels: t.exposeStringList('rejectLabels', {
        nullable: false,
        description: "Personr's reasons for the rejection by the latest review.",
      }),
      customHostedUrl: t.expose('customHostedUrl', {
        type: 'URL',
        description: 'The verification link on a domain of your own, if Personr reports one.',
      }),
    }),
  }),
)

attemptDetailsUnion.join(
  'PERSONR',
  builder.objectRef<AttemptDetails>('PersonrAttemptDetails').implement({
    description: "Fields of an applicant's latest review that only Personr has.",
    fields: t => ({
      reviewAnswer: t.exposeString('reviewAnswer', {
        description: 'The result of the review as Personr reports it, unchanged.',
      }),
      rejectLabels: t.exposeStringList('rejectLabels', {
        nullable: false,
        description: "Personr's reasons for the rejection, such as `LOW_QUALITY`.",
      }),
    }),
  }),
)

const PersonrApplicantRef = builder.inputType('PersonrApplicantRef', {
  description: 'An applicant at Personr: exactly one key.',
  isOneOf: true,
  fields: t => ({
    applicantId: t.id({ description: 'The id of the applicant here, 1 to 255 characters.' }),
    applicantProviderId: t.string({ description: "Personr's id of the applicant, 1 to 255 characters." }),
  }),
})

const PersonrSessionInput = builder.inputType('PersonrSessionInput', {
  description: 'A verification link for an applicant at Personr.',
  validate: { schema: verificationInput },
  fields: t => ({
    applicant: t.field({ type: PersonrApplicantRef, required: true, description: 'The applicant to verify.' }),
  }),
})

providerSessionInput.join({
  field: 'personr',
  description: 'A verification link for an applicant at Personr.',
  type: PersonrSessionInput,
  toRequest: input => {
    const { applicantId: id, applicantProviderId: providerId } = input.applicant
    const key = id == null ? 'applicantProviderId' : 'applicantId'
    return {
      provider: 'PERSONR',
      input,
      applicant: { id, providerId, isReported: true, path: ['personr', 'applicant', key] },
    }
  },
})

const PersonrApplicantInput = builder.inputType('PersonrApplicantInput', {
  description: 'An applicant at Personr, ready to be verified.',
  validate: { schema: applicantInput },
  fields: t => ({
    email: t.string({ required: true, description: 'The e-mail address, at most 254 bytes, 64 of them before the @.' }),
    phone: t.string({
      required: true,
      description: 'The phone number, 1 to 32 characters, such as `+61 424 424 424`.',
    }),
    firstName: t.string({ description: 'The first name, 1 to 255 characters.' }),
    lastName: t.string({ description: 'The last name, 1 to 255 characters.' }),
    flowName: t.string({
      required: true,
      description: 'The exact name of the flow, not of its template, 1 to 255 characters.',
    }),
    sourceKey: t.string({
      description: 'Your own label for the origin of the applicant, 1 to 255 characters. Personr returns it unchanged.',
    }),
    externalUserIds: t.stringList({
      description:
        'Further ids of yours for this person, at most 50 of 1 to 255 characters. None may begin with `sg_`. Personr returns them unchanged.',
      extensions: { whenOmitted: [] },
    }),
  }),
})

providerApplicantInput.join({
  field: 'personr',
  description: 'An applicant at Personr.',
  type: PersonrApplicantInput,
  toRequest: input => ({ provider: 'PERSONR', input }),
})

defineRule('PersonrSessionDetails', [INHERIT, ['flowName', 'sourceKey']])
defineRule(
  'PersonrApplicantDetails',
  [INHERIT, ['externalUserIds', 'flowName', 'rejectLabels', 'sourceKey']],
  // Anyone with the link can be verified in the applicant's place.
  [scoped('session:access'), ['customHostedUrl']],
)
defineRule('PersonrAttemptDetails', [INHERIT, ['rejectLabels', 'reviewAnswer']])
