import { z } from 'zod'
import type { JsonObject } from '../src/domain/json.ts'
import { builder } from './builder.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerSessionInput } from './provider-inputs.ts'
import { SessionRef } from './refs.ts'

const MAX_METADATA_KEYS = 50
const MAX_METADATA_BYTES = 8192

const metadata = z
  .custom<unknown>(isObject, { error: 'Expected an object.' })
  .refine(value => !isObject(value) || Object.keys(value).length <= MAX_METADATA_KEYS, {
    error: `Expected at most ${MAX_METADATA_KEYS} keys.`,
  })
  .refine(value => Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES, {
    error: `Expected at most ${MAX_METADATA_BYTES} bytes of JSON.`,
  })

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const CreateSessionInput = builder.inputType('CreateSessionInput', {
  description: 'A session to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    applicantId: t.id({ description: 'An applicant of ours to link, of any provider.' }),
    customerId: t.id({ description: 'A customer of ours to link, of any provider.' }),
    metadata: t.field({
      type: 'JSON',
      description: "The caller's own: an object of at most 50 keys and 8 KiB. Verilock is told it too.",
      validate: { schema: metadata },
    }),
    session: t.field({
      type: providerSessionInput.ref,
      required: true,
      description: 'Where, and what the provider needs.',
    }),
  }),
})

builder.mutationField('createSession', t =>
  t.field({
    type: createResult('Session', SessionRef),
    description: 'Creates a session at a provider. Safe to repeat with the same idempotency key.',
    args: { input: t.arg({ type: CreateSessionInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, context) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'SESSION',
        fingerprintOf: input,
        request: providerSessionInput.toRequest(input.session),
        metadata: input.metadata as JsonObject | null | undefined,
      }),
  }),
)
