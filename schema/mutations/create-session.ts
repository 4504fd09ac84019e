import type { JsonObject } from '../../src/domain/json.ts'
import { metadata } from '../../src/input/rules.ts'
import { builder } from '../builder.ts'
import { equivalentInputs } from '../inputs/input-defaults.ts'
import { searchedText } from '../inputs/rules.ts'
import { SessionRef } from '../types/refs.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerSessionInput } from './provider-inputs.ts'

const CreateSessionInput = builder.inputType('CreateSessionInput', {
  description: 'A session to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    applicantId: t.id({
      description: 'An applicant to link, of any provider, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    customerId: t.id({
      description: 'A customer to link, of any provider, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Your own data: a JSON object of at most 50 keys of 1 to 255 characters, 8192 bytes and 10 levels. Numbers must be exact as doubles. Verilock receives it too.',
      validate: { schema: metadata() },
    }),
    session: t.field({
      type: providerSessionInput.ref,
      required: true,
      description: 'The provider, and the input that it requires.',
    }),
  }),
})

builder.mutationField('createSession', t =>
  t.field({
    type: createResult('Session', SessionRef, ({ storedSession }, id) => storedSession().load(id)),
    description: 'Creates a session at a provider. Safe to repeat with the same idempotency key.',
    args: {
      input: t.arg({
        type: CreateSessionInput,
        required: true,
        description: 'The record to create, and your idempotency key.',
      }),
    },
    resolve: (_root, { input }, context, info) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'CREATE_SESSION',
        equivalentInputs: equivalentInputs(input, info),
        request: providerSessionInput.toRequest(input.session),
        metadata: input.metadata as JsonObject | null | undefined,
      }),
  }),
)
