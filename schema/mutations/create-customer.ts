import { builder } from '../builder.ts'
import { equivalentInputs } from '../inputs/input-defaults.ts'
import { CustomerRef } from '../types/refs.ts'
import { createResult, externalId, idempotencyKey } from './create.ts'
import { providerCustomerInput } from './provider-inputs.ts'

const CreateCustomerInput = builder.inputType('CreateCustomerInput', {
  description: 'A customer to create.',
  fields: t => ({
    idempotencyKey: t.string(idempotencyKey),
    externalId: t.string(externalId),
    customer: t.field({
      type: providerCustomerInput.ref,
      required: true,
      description: 'The provider, and the input that it requires.',
    }),
  }),
})

builder.mutationField('createCustomer', t =>
  t.field({
    type: createResult('Customer', CustomerRef, ({ storedCustomer }, id) => storedCustomer().load(id)),
    description: 'Creates a customer at a provider. Safe to repeat with the same idempotency key.',
    args: {
      input: t.arg({
        type: CreateCustomerInput,
        required: true,
        description: 'The record to create, and your idempotency key.',
      }),
    },
    resolve: (_root, { input }, context, info) =>
      context.services.creates.create(context, {
        ...input,
        kind: 'CREATE_CUSTOMER',
        equivalentInputs: equivalentInputs(input, info),
        request: providerCustomerInput.toRequest(input.customer),
      }),
  }),
)
