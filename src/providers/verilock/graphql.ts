import { defineRule, INHERIT, SCORE, scoped } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { applicantDetailsUnion, attemptDetailsUnion, sessionDetailsUnion } from '../../../schema/types/details.ts'
import { sessionInputOf } from './input.ts'
import type { ApplicantDetails, AttemptDetails, SessionDetails } from './mapper.ts'

type Step = NonNullable<SessionDetails['steps']>[number]

const VerilockStep = builder.objectRef<Step>('VerilockStep').implement({
  description: 'One step of a Verilock session.',
  fields: t => ({
    name: t.exposeString('name', { nullable: false, description: 'The step, such as `document` or `liveness`.' }),
    status: t.exposeString('status', {
      nullable: false,
      description:
        'The status as Verilock reports it: `approved`, `declined`, `pending` or `not_started`; `unknown` if it reports none.',
    }),
    score: t.exposeFloat('score', {
      description: 'The score from 0 to 1. A high score is good for `face_match` and `liveness`, and bad for `aml`.',
    }),
  }),
})

sessionDetailsUnion.join(
  'VERILOCK',
  builder.objectRef<SessionDetails>('VerilockSessionDetails').implement({
    description: 'Fields of a session that only Verilock has.',
    fields: t => ({
      profileId: t.exposeString('profileId', {
        description: 'The verification profile, which defines the steps and thresholds.',
      }),
      riskScore: t.exposeFloat('riskScore', {
        description: 'The risk of the whole session, from 0 (no risk) to 1; null until Verilock reports it.',
      }),
      steps: t.expose('steps', {
        type: [VerilockStep],
        description: 'The steps in their order; null until the session has been read.',
      }),
    }),
  }),
)

applicantDetailsUnion.join(
  'VERILOCK',
  builder.objectRef<ApplicantDetails>('VerilockApplicantDetails').implement({
    description: 'Fields of an applicant that only Verilock has.',
    fields: t => ({
      fullName: t.exposeString('fullName', { description: 'The full name.' }),
    }),
  }),
)

attemptDetailsUnion.join(
  'VERILOCK',
  builder.objectRef<AttemptDetails>('VerilockAttemptDetails').implement({
    description: 'The result of one step of a Verilock session.',
    fields: t => ({
      step: t.exposeString('step', { nullable: false, description: 'The step, such as `document` or `liveness`.' }),
      score: t.exposeFloat('score', {
        description: 'The score from 0 to 1. A high score is good for `face_match` and `liveness`, and bad for `aml`.',
      }),
    }),
  }),
)

const VerilockSessionInput = builder.inputType('VerilockSessionInput', {
  description: 'A know-your-customer session at Verilock.',
  rules: sessionInputOf,
  fields: t => ({
    profileId: t.string({
      required: true,
      description: "The UUID of the verification profile, 36 characters, from Verilock's dashboard.",
    }),
    applicantEmail: t.string({
      description: 'The e-mail address of the end user, at most 254 bytes, 64 of them before the @.',
    }),
    applicantName: t.string({ description: 'The full name of the end user, 1 to 255 characters.' }),
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user is redirected afterwards, at most 2048 characters.',
    }),
    expiresInSeconds: t.int({
      description: 'Seconds until the session expires, 300 to 86400. Default: 3600.',
      extensions: { whenOmitted: 3600 },
    }),
  }),
})

providerSessionInput.join({
  field: 'verilock',
  description: 'A know-your-customer session at Verilock.',
  type: VerilockSessionInput,
  toRequest: input => ({ provider: 'VERILOCK', input }),
})

defineRule('VerilockSessionDetails', [INHERIT, ['profileId', 'steps']], [SCORE, ['riskScore']])
defineRule('VerilockStep', [INHERIT, ['name', 'status']], [SCORE, ['score']])
defineRule('VerilockApplicantDetails', [scoped('pii:read'), ['fullName']])
defineRule('VerilockAttemptDetails', [INHERIT, ['step']], [SCORE, ['score']])
