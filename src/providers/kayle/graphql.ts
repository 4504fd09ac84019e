import { defineRule, INHERIT, scoped } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { attemptDetailsUnion, sessionDetailsUnion } from '../../../schema/types/details.ts'
import { TREAT_AS_UNKNOWN } from '../../../schema/types/enums.ts'
import { sessionInputOf } from './input.ts'
import type { AttemptDetails, SessionDetails } from './mapper.ts'

const KayleShareFieldSource = builder.enumType('KayleShareFieldSource', {
  description: `Why a session requests a claim. ${TREAT_AS_UNKNOWN}`,
  values: {
    DEFAULT: { description: 'Kayle requests it by default.' },
    REQUEST: { description: 'The request that created the session names it.' },
    UNKNOWN: { description: 'A source that is not known here.' },
  } as const,
})

const KayleShareField = builder.objectRef<SessionDetails['shareFields'][number]>('KayleShareField').implement({
  description: 'A claim about the end user that a Kayle session requests.',
  fields: t => ({
    key: t.exposeString('key', {
      nullable: false,
      description: 'The claim, such as `date_of_birth` or `age_over_18`.',
    }),
    required: t.exposeBoolean('required', {
      nullable: false,
      description: 'True if the end user cannot decline it.',
    }),
    reason: t.exposeString('reason', { nullable: false, description: 'The reason that is shown to the end user.' }),
    source: t.expose('source', {
      type: KayleShareFieldSource,
      nullable: false,
      description: 'Why it is requested.',
    }),
  }),
})

sessionDetailsUnion.join(
  'KAYLE',
  builder.objectRef<SessionDetails>('KayleSessionDetails').implement({
    description: 'Fields of a session that only Kayle has.',
    fields: t => ({
      contractVersion: t.exposeInt('contractVersion', {
        nullable: false,
        description: "The version of Kayle's share contract.",
      }),
      shareFields: t.expose('shareFields', {
        type: [KayleShareField],
        nullable: false,
        description: 'The requested claims, in the order of their keys.',
      }),
      failureCode: t.exposeString('failureCode', {
        description: "Kayle's code of the failure, if it reports one for the session.",
      }),
      nfcTriesUsed: t.exposeInt('nfcTriesUsed', { description: "Number of failed reads of the document's chip." }),
      livenessTriesUsed: t.exposeInt('livenessTriesUsed', { description: 'Number of failed selfies.' }),
      webhookEndpointId: t.exposeString('webhookEndpointId', {
        description:
          "Kayle's id of the webhook endpoint that receives the events of this session, if it is limited to some; several are separated by commas.",
      }),
      claims: t.expose('claims', {
        type: 'JSON',
        description: 'The shared claims by key, if this version of Kayle has no attempts. Known only after a webhook.',
      }),
      selectedFieldKeys: t.exposeStringList('selectedFieldKeys', {
        description:
          'The keys of the claims that the end user chose to share, if this version of Kayle has no attempts.',
      }),
      outcome: t.exposeString('outcome', {
        description: 'How a canceled session ended, such as `not_verified`. Known only after a webhook.',
      }),
      reason: t.exposeString('reason', {
        description:
          'Why the session was canceled, such as `cancelled_after_failed_check`. Known only after a webhook.',
      }),
    }),
  }),
)

attemptDetailsUnion.join(
  'KAYLE',
  builder.objectRef<AttemptDetails>('KayleAttemptDetails').implement({
    description: 'Fields of an attempt that only Kayle has.',
    fields: t => ({
      sessionProviderId: t.exposeString('sessionProviderId', {
        nullable: false,
        description: "Kayle's id of the session.",
      }),
      claims: t.expose('claims', {
        type: 'JSON',
        description: 'The shared claims by key. Known only after a webhook.',
      }),
      selectedFieldKeys: t.exposeStringList('selectedFieldKeys', {
        description: 'The keys of the claims that the end user chose to share.',
      }),
    }),
  }),
)

const KayleShareFieldInput = builder.inputType('KayleShareFieldInput', {
  description: 'A claim to request.',
  fields: t => ({
    key: t.string({
      required: true,
      description: 'A claim such as `date_of_birth`, or `age_over_N` with N from 12 to 130; at most 32 characters.',
    }),
    required: t.boolean({ required: true, description: 'True if the end user cannot decline it.' }),
    reason: t.string({
      required: true,
      description:
        'The reason that is shown to the end user, 1 to 200 characters. It may be empty for an age gate beside `date_of_birth`.',
    }),
  }),
})

const KayleSessionInput = builder.inputType('KayleSessionInput', {
  description: 'An identity verification session at Kayle.',
  rules: sessionInputOf,
  fields: t => ({
    redirectUrl: t.field({
      type: 'URL',
      description:
        'Where the end user is redirected afterwards, at most 2048 characters, on a domain verified at Kayle.',
    }),
    shareFields: t.field({
      type: [KayleShareFieldInput],
      description:
        'The claims to request, at most 32, each key once, at most one age gate. Default: all claims. An empty list requests the document id only.',
    }),
  }),
})

providerSessionInput.join({
  field: 'kayle',
  description: 'An identity verification session at Kayle.',
  type: KayleSessionInput,
  toRequest: input => ({ provider: 'KAYLE', input }),
})

defineRule(
  'KayleSessionDetails',
  [
    INHERIT,
    [
      'contractVersion',
      'failureCode',
      'livenessTriesUsed',
      'nfcTriesUsed',
      'outcome',
      'reason',
      'selectedFieldKeys',
      'shareFields',
      'webhookEndpointId',
    ],
  ],
  [scoped('pii:read'), ['claims']],
)
defineRule('KayleShareField', [INHERIT, ['key', 'required', 'reason', 'source']])
defineRule(
  'KayleAttemptDetails',
  [INHERIT, ['selectedFieldKeys', 'sessionProviderId']],
  [scoped('pii:read'), ['claims']],
)
