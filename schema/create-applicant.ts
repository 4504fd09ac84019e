import { builder } from './builder.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerApplicantInput } from './provider-inputs.ts'
import { ApplicantRef } from './refs.ts'

const CreateApplicantInput = builder.inputType('CreateApplicantInput', {
  description: 'An applicant to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    applicant: t.field({
      type: providerApplicantInput.ref,
      required: true,
      description: 'Where, and what the provider needs.',
    }),
  }),
})

builder.mutationField('createApplicant', t =>
  t.field({
    type: createResult('Applicant', ApplicantRef),
    description: 'Creates an applicant at a provider. Safe to repeat with the same idempotency key.',
    args: { input: t.arg({ type: CreateApplicantInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, context) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'APPLICANT',
        fingerprintOf: input,
        request: providerApplicantInput.toRequest(input.applicant),
      }),
  }),
)
