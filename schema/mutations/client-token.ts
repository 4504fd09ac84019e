import type { Subject } from '../../src/domain/access/caller.ts'
import type { ClientToken } from '../../src/services/access/client-tokens.ts'
import { builder } from '../builder.ts'
import { decodeId, searchedText, shortString } from '../inputs/rules.ts'
import { LOCAL_ERRORS } from '../types/errors.ts'

const MIN_SECONDS = 60
const MAX_SECONDS = 3_600
const LENGTH_RULE = { message: `Expected ${MIN_SECONDS} to ${MAX_SECONDS} seconds.` }

const ClientTokenSubject = builder.inputType('ClientTokenSubject', {
  description: 'The record that a client token gives access to: exactly one field.',
  isOneOf: true,
  fields: t => ({
    sessionId: t.id({ description: 'One session, by an id of at most 255 characters.', validate: searchedText }),
    externalId: t.string({
      description: 'One of your users: all present and future sessions with this externalId, 1 to 255 characters.',
      validate: shortString,
    }),
  }),
})

const CreateClientTokenInput = builder.inputType('CreateClientTokenInput', {
  description: 'A token for a browser or a phone.',
  fields: t => ({
    subject: t.field({
      type: ClientTokenSubject,
      required: true,
      description: 'The record that the token gives access to.',
    }),
    expiresInSeconds: t.int({
      defaultValue: 900,
      description: 'Lifetime, 60 to 3600 seconds; never longer than that of the API key that creates it.',
      validate: { min: [MIN_SECONDS, LENGTH_RULE], max: [MAX_SECONDS, LENGTH_RULE] },
    }),
  }),
})

const CreateClientTokenPayload = builder.objectRef<ClientToken>('CreateClientTokenPayload').implement({
  description: 'A token for a browser or a phone. A bearer secret.',
  fields: t => ({
    token: t.exposeString('token', { nullable: false, description: 'Sent as `Authorization: Bearer <token>`.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it expires.',
    }),
  }),
})

builder.mutationField('createClientToken', t =>
  t.field({
    type: builder.errorUnion('CreateClientTokenResult', {
      description: 'The token, or the error.',
      types: [CreateClientTokenPayload, ...LOCAL_ERRORS],
      resolveType: () => 'CreateClientTokenPayload',
    }),
    description:
      "Creates a short-lived token for a browser or phone. It can read and follow one session or one person's sessions, and nothing else. It ends with its API key.",
    args: {
      input: t.arg({
        type: CreateClientTokenInput,
        required: true,
        description: 'The subject and lifetime of the token.',
      }),
    },
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
