import { builder } from '../builder.ts'
import { equivalentInputs } from '../inputs/input-defaults.ts'
import { ApplicantRef } from '../types/refs.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerApplicantInput } from './provider-inputs.ts'

const CreateApplicantInput = builder.inputType('CreateApplicantInput', {
  description: 'An applicant to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    applicant: t.field({
      type: providerApplicantInput.ref,
      required: true,
      description: 'The provider, and the input that it requires.',
    }),
  }),
})

builder.mutationField('createApplicant', t =>
  t.field({
    type: createResult('Applicant', ApplicantRef, ({ storedApplicant }, id) => storedApplicant().load(id)),
    description: 'Creates an applicant at a provider. Safe to repeat with the same idempotency key.',
    args: {
      input: t.arg({
        type: CreateApplicantInput,
        required: true,
        description: 'The record to create, and your idempotency key.',
      }),
    },
    resolve: (_root, { input }, context, info) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'CREATE_APPLICANT',
        equivalentInputs: equivalentInputs(input, info),
        request: providerApplicantInput.toRequest(input.applicant),
      }),
  }),
)
