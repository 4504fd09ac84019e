import { decide, PARENT, scoped } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { applicantDetails, attemptDetails, sessionDetails } from '../../../schema/details.ts'
import { providerApplicantInput, providerSessionInput } from '../../../schema/provider-inputs.ts'
import { applicantInput, verificationInput } from './input.ts'
import type { ApplicantDetails, AttemptDetails, SessionDetails } from './mapper.ts'

sessionDetails.join(
  'PERSONR',
  builder.objectRef<SessionDetails>('PersonrVerification').implement({
    description: 'What Personr alone knows about a session, which is a verification link of an applicant.',
    fields: t => ({
      flowName: t.exposeString('flowName', { description: 'The flow that the applicant goes through.' }),
      sourceKey: t.exposeString('sourceKey', { description: 'Where the applicant came from, in your own words.' }),
    }),
  }),
)

applicantDetails.join(
  'PERSONR',
  builder.objectRef<ApplicantDetails>('PersonrApplicant').implement({
    description: 'What Personr alone knows about an applicant.',
    fields: t => ({
      flowName: t.exposeString('flowName', { description: 'The flow that the applicant goes through.' }),
      sourceKey: t.exposeString('sourceKey', { description: 'Where the applicant came from, in your own words.' }),
      externalUserIds: t.stringList({
        nullable: false,
        description: 'Your own ids of this person, as Personr keeps them.',
        resolve: applicant => applicant.externalUserIds ?? [],
      }),
      rejectLabels: t.exposeStringList('rejectLabels', {
        nullable: false,
        description: 'Why the latest review rejected the applicant.',
      }),
      verificationLinkCustom: t.expose('verificationLinkCustom', {
        type: 'URL',
        description: 'The verification link on a domain of your own, where Personr tells one.',
      }),
    }),
  }),
)

attemptDetails.join(
  'PERSONR',
  builder.objectRef<AttemptDetails>('PersonrReview').implement({
    description: 'What Personr alone knows about the latest review of an applicant.',
    fields: t => ({
      reviewAnswer: t.exposeString('reviewAnswer', { description: "The review's answer, verbatim." }),
      rejectLabels: t.exposeStringList('rejectLabels', {
        nullable: false,
        description: 'Why it rejected, such as `LOW_QUALITY`.',
      }),
    }),
  }),
)

const PersonrApplicantRef = builder.inputType('PersonrApplicantRef', {
  description: 'An applicant at Personr: exactly one key.',
  isOneOf: true,
  fields: t => ({
    applicantId: t.id({ description: 'Our id of the applicant.' }),
    applicantProviderId: t.string({ description: "Personr's id of the applicant." }),
  }),
})

const PersonrVerificationInput = builder.inputType('PersonrVerificationInput', {
  description: 'A verification link for an applicant at Personr.',
  validate: { schema: verificationInput },
  fields: t => ({
    applicant: t.field({ type: PersonrApplicantRef, required: true, description: 'Who is to be verified.' }),
  }),
})

providerSessionInput.join({
  field: 'personr',
  description: 'A verification link for an applicant at Personr.',
  type: PersonrVerificationInput,
  toRequest: input => ({
    provider: 'PERSONR',
    input,
    applicant: { id: input.applicant.applicantId, path: ['personr', 'applicant', 'applicantId'] },
  }),
})

const PersonrApplicantInput = builder.inputType('PersonrApplicantInput', {
  description: 'An applicant at Personr, ready to be verified.',
  validate: { schema: applicantInput },
  fields: t => ({
    email: t.string({ required: true, description: 'The e-mail address.' }),
    phone: t.string({ required: true, description: 'The phone number, such as `+61 424 424 424`.' }),
    firstName: t.string({ description: 'The first name.' }),
    lastName: t.string({ description: 'The last name.' }),
    flowName: t.string({
      required: true,
      description: "The exact name of the flow to go through, not that of the flow's template.",
    }),
    sourceKey: t.string({ description: 'Where the applicant comes from, in your own words; Personr repeats it.' }),
    externalUserIds: t.stringList({ description: 'Further ids of your own for this person; Personr repeats them.' }),
  }),
})

providerApplicantInput.join({
  field: 'personr',
  description: 'An applicant at Personr.',
  type: PersonrApplicantInput,
  toRequest: input => ({ provider: 'PERSONR', input }),
})

decide('PersonrVerification', [PARENT, ['flowName', 'sourceKey']])
decide(
  'PersonrApplicant',
  [PARENT, ['externalUserIds', 'flowName', 'rejectLabels', 'sourceKey']],
  // Whoever holds the link may be verified in the applicant's place.
  [scoped('session:access'), ['verificationLinkCustom']],
)
decide('PersonrReview', [PARENT, ['rejectLabels', 'reviewAnswer']])
