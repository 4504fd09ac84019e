import { decide, PARENT, scoped } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { attemptDetails, sessionDetails } from '../../../schema/details.ts'
import { providerSessionInput } from '../../../schema/provider-inputs.ts'
import { sessionInput } from './input.ts'
import type { AttemptDetails, SessionDetails } from './mapper.ts'

const KayleShareFieldSource = builder.enumType('KayleShareFieldSource', {
  description: 'Who asked for a claim.',
  values: {
    DEFAULT: { description: 'Kayle, because the create named none or because it always asks for it.' },
    RC: { description: 'The create.' },
    UNKNOWN: { description: 'Something that Kayle did not document.' },
  } as const,
})

const KayleShareField = builder.objectRef<SessionDetails['shareFields'][number]>('KayleShareField').implement({
  description: 'A claim about the end user that a Kayle session asks for.',
  fields: t => ({
    key: t.exposeString('key', {
      nullable: false,
      description: 'The claim, such as `date_of_birth` or `age_over_18`.',
    }),
    required: t.exposeBoolean('required', {
      nullable: false,
      description: 'True where the end user cannot decline it.',
    }),
    reason: t.exposeString('reason', { nullable: false, description: 'What the end user is told it is needed for.' }),
    source: t.expose('source', {
      type: KayleShareFieldSource,
      nullable: false,
      description: 'Who asked for it.',
    }),
  }),
})

sessionDetails.join(
  'KAYLE',
  builder.objectRef<SessionDetails>('KayleSession').implement({
    description: 'What Kayle alone knows about a session.',
    fields: t => ({
      contractVersion: t.exposeInt('contractVersion', { nullable: false, description: "Kayle's share contract." }),
      shareFields: t.expose('shareFields', {
        type: [KayleShareField],
        nullable: false,
        description: 'The claims asked for, by key.',
      }),
      failureCode: t.exposeString('failureCode', { description: 'Why it failed, where Kayle says so on the session.' }),
    }),
  }),
)

attemptDetails.join(
  'KAYLE',
  builder.objectRef<AttemptDetails>('KayleAttempt').implement({
    description: 'What Kayle alone knows about an attempt.',
    fields: t => ({
      sessionProviderId: t.exposeString('sessionProviderId', {
        nullable: false,
        description: "Kayle's id of the session.",
      }),
      claims: t.expose('claims', {
        type: 'JSON',
        description: 'What the end user shared, by claim. Only a webhook delivers it.',
      }),
      selectedFieldKeys: t.exposeStringList('selectedFieldKeys', {
        description: 'The claims that the end user chose to share.',
      }),
    }),
  }),
)

const KayleShareFieldInput = builder.inputType('KayleShareFieldInput', {
  description: 'A claim to ask for.',
  fields: t => ({
    key: t.string({
      required: true,
      description: 'A claim such as `date_of_birth`, or `age_over_N` with N from 12 to 130.',
    }),
    required: t.boolean({ required: true, description: 'True where the end user cannot decline it.' }),
    reason: t.string({
      required: true,
      description:
        'What the end user is told, 1 to 200 characters. An age gate beside `date_of_birth` may leave it empty.',
    }),
  }),
})

const KayleSessionInput = builder.inputType('KayleSessionInput', {
  description: 'An identity verification session at Kayle.',
  validate: { schema: sessionInput },
  fields: t => ({
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user goes afterwards: https, or http on localhost; on a domain verified at Kayle.',
    }),
    shareFields: t.field({
      type: [KayleShareFieldInput],
      description:
        'The claims to ask for, at most 32, each key once, at most one age gate. Left out: all claims. Empty: the document id.',
    }),
  }),
})

providerSessionInput.join({
  field: 'kayle',
  description: 'An identity verification session at Kayle.',
  type: KayleSessionInput,
  toRequest: input => ({ provider: 'KAYLE', input }),
})

decide('KayleSession', [PARENT, ['contractVersion', 'failureCode', 'shareFields']])
decide('KayleShareField', [PARENT, ['key', 'required', 'reason', 'source']])
decide('KayleAttempt', [PARENT, ['selectedFieldKeys', 'sessionProviderId']], [scoped('pii:read'), ['claims']])
