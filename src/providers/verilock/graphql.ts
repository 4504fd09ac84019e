import { decide, PARENT, scoped } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { applicantDetails, attemptDetails, sessionDetails } from '../../../schema/details.ts'
import { providerSessionInput } from '../../../schema/provider-inputs.ts'
import { sessionInput } from './input.ts'
import type { ApplicantDetails, AttemptDetails, SessionDetails } from './mapper.ts'

type Step = NonNullable<SessionDetails['steps']>[number]

const VerilockStep = builder.objectRef<Step>('VerilockStep').implement({
  description: 'One step of a Verilock session.',
  fields: t => ({
    name: t.exposeString('name', { nullable: false, description: 'The step, such as `document` or `liveness`.' }),
    status: t.exposeString('status', {
      nullable: false,
      description:
        "Verilock's own word: `approved`, `declined`, `pending` or `not_started`; `unknown` where it said none.",
    }),
    score: t.exposeFloat('score', {
      description: 'From 0 to 1. High is good in `face_match` and `liveness`, and bad in `aml`.',
    }),
  }),
})

sessionDetails.join(
  'VERILOCK',
  builder.objectRef<SessionDetails>('VerilockSession').implement({
    description: 'What Verilock alone knows about a session.',
    fields: t => ({
      profileId: t.exposeString('profileId', {
        description: 'The verification profile that sets its steps and thresholds.',
      }),
      riskScore: t.exposeFloat('riskScore', {
        description: 'From 0 (no risk) to 1, of the session as a whole; null while Verilock has told none.',
      }),
      steps: t.expose('steps', {
        type: [VerilockStep],
        description: 'Its steps in their order; null until the session was read.',
      }),
    }),
  }),
)

applicantDetails.join(
  'VERILOCK',
  builder.objectRef<ApplicantDetails>('VerilockApplicant').implement({
    description: 'What Verilock alone knows about the person of a session.',
    fields: t => ({
      fullName: t.exposeString('fullName', { description: 'The name in one piece.' }),
    }),
  }),
)

attemptDetails.join(
  'VERILOCK',
  builder.objectRef<AttemptDetails>('VerilockCheck').implement({
    description: 'The result of one step of a Verilock session.',
    fields: t => ({
      step: t.exposeString('step', { nullable: false, description: 'The step, such as `document` or `liveness`.' }),
      score: t.exposeFloat('score', {
        description: 'From 0 to 1. High is good in `face_match` and `liveness`, and bad in `aml`.',
      }),
    }),
  }),
)

const VerilockSessionInput = builder.inputType('VerilockSessionInput', {
  description: 'A know-your-customer session at Verilock.',
  validate: { schema: sessionInput },
  fields: t => ({
    profileId: t.string({
      required: true,
      description: 'The UUID of the verification profile, as made in the dashboard of Verilock.',
    }),
    applicantEmail: t.string({ description: 'The e-mail address of the end user.' }),
    applicantName: t.string({ description: 'The full name of the end user.' }),
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user goes afterwards: https, or http on localhost.',
    }),
    expiresIn: t.int({ description: 'Seconds until it expires, 300 to 86400. Left out: 3600.' }),
  }),
})

providerSessionInput.join({
  field: 'verilock',
  description: 'A know-your-customer session at Verilock.',
  type: VerilockSessionInput,
  toRequest: input => ({ provider: 'VERILOCK', input }),
})

decide('VerilockSession', [PARENT, ['profileId', 'riskScore', 'steps']])
decide('VerilockStep', [PARENT, ['name', 'score', 'status']])
decide('VerilockApplicant', [scoped('pii:read'), ['fullName']])
decide('VerilockCheck', [PARENT, ['score', 'step']])
