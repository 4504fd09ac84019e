import type { Subject } from '../src/domain/caller.ts'
import type { ClientToken } from '../src/services/client-tokens.ts'
import { builder } from './builder.ts'
import { LOCAL_ERRORS } from './errors.ts'
import { decodeId } from './ids.ts'
import { shortText } from './rules.ts'

const MIN_SECONDS = 60
const MAX_SECONDS = 3_600
const LENGTH_RULE = { message: `Expected ${MIN_SECONDS} to ${MAX_SECONDS} seconds.` }

const ClientTokenSubject = builder.inputType('ClientTokenSubject', {
  description: 'What a client token opens: exactly one key.',
  isOneOf: true,
  fields: t => ({
    sessionId: t.id({ description: 'One session.' }),
    externalId: t.string({
      description: "One user of the caller's: the sessions that have this externalId, also those to come.",
      validate: shortText,
    }),
  }),
})

const CreateClientTokenInput = builder.inputType('CreateClientTokenInput', {
  description: 'A token for a browser or a phone.',
  fields: t => ({
    subject: t.field({ type: ClientTokenSubject, required: true, description: 'What it opens.' }),
    expiresInSeconds: t.int({
      defaultValue: 900,
      description: 'How long, 60 to 3600 seconds; never longer than the API key that makes it.',
      validate: { min: [MIN_SECONDS, LENGTH_RULE], max: [MAX_SECONDS, LENGTH_RULE] },
    }),
  }),
})

const CreateClientTokenPayload = builder.objectRef<ClientToken>('CreateClientTokenPayload').implement({
  description: 'A token for a browser or a phone. Whoever holds it is let in.',
  fields: t => ({
    token: t.exposeString('token', { nullable: false, description: 'Sent as `Authorization: Bearer <token>`.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it ends.',
    }),
  }),
})

builder.mutationField('createClientToken', t =>
  t.field({
    type: builder.errorUnion('CreateClientTokenResult', {
      description: 'The token, or why it was not made.',
      types: [CreateClientTokenPayload, ...LOCAL_ERRORS],
      resolveType: () => 'CreateClientTokenPayload',
    }),
    description:
      'A token that opens one session or one person, to read and to follow, and nothing else. It ends with its API key.',
    args: { input: t.arg({ type: CreateClientTokenInput, required: true, description: 'What it opens, how long.' }) },
    resolve: (_root, { input }, context) =>
      context.services.clientTokens.create(context, {
        subject: toSubject(input.subject),
        expiresIn: input.expiresInSeconds ?? undefined,
      }),
  }),
)

function toSubject({ sessionId, externalId }: { sessionId?: string | null; externalId?: string | null }): Subject {
  return sessionId == null ? { externalId: externalId ?? '' } : { sessionId: decodeId('Session', sessionId) }
}
