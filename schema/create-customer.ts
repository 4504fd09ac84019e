import { builder } from './builder.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerCustomerInput } from './provider-inputs.ts'
import { CustomerRef } from './refs.ts'

const CreateCustomerInput = builder.inputType('CreateCustomerInput', {
  description: 'A customer to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    customer: t.field({
      type: providerCustomerInput.ref,
      required: true,
      description: 'Where, and what the provider needs.',
    }),
  }),
})

builder.mutationField('createCustomer', t =>
  t.field({
    type: createResult('Customer', CustomerRef),
    description: 'Creates a customer at a provider. Safe to repeat with the same idempotency key.',
    args: { input: t.arg({ type: CreateCustomerInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, context) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'CUSTOMER',
        fingerprintOf: input,
        request: providerCustomerInput.toRequest(input.customer),
      }),
  }),
)
