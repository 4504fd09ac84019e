import { builder } from '../builder.ts'
import { decodeId, searchedText } from '../inputs/rules.ts'
import { OperationKindEnum, OperationStateEnum } from './enums.ts'
import { globalIdField, providerField } from './record-fields.ts'
import { ApplicantRef, CustomerRef, ProviderOperationRef, SessionRef } from './refs.ts'
import { ProviderFailureRef } from './sync.ts'

builder.objectType(ProviderOperationRef, {
  description: 'The durable record of one create request, stored before the provider is called.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'ProviderOperation', 'id'),
    kind: t.expose('kind', { type: OperationKindEnum, nullable: false, description: 'The kind of the operation.' }),
    idempotencyKey: t.exposeString('idempotencyKey', { nullable: false, description: 'Your idempotency key.' }),
    provider: providerField(t),
    state: t.expose('state', {
      type: OperationStateEnum,
      nullable: false,
      description: 'Progress of the operation.',
    }),
    settlesItself: t.boolean({
      nullable: false,
      description: 'True if the result can be found out automatically.',
      resolve: (operation, _args, context) => context.services.operations.settlesItself(operation),
    }),
    nextCheckAt: t.expose('nextCheckAt', {
      type: 'DateTime',
      description: 'When the server checks next whether it succeeded; null if it will not.',
    }),
    recovered: t.exposeBoolean('recovered', {
      nullable: false,
      description: 'True if the record was found after the response was lost. `access` is then incomplete.',
    }),
    session: t.field({
      type: SessionRef,
      description: 'The created session.',
      resolve: ({ kind, recordId }, _args, { loaders }) =>
        kind === 'CREATE_SESSION' && recordId ? loaders.storedSession().load(recordId) : null,
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The created applicant.',
      resolve: ({ kind, recordId }, _args, { loaders }) =>
        kind === 'CREATE_APPLICANT' && recordId ? loaders.storedApplicant().load(recordId) : null,
    }),
    customer: t.field({
      type: CustomerRef,
      description: 'The created customer.',
      resolve: ({ kind, recordId }, _args, { loaders }) =>
        kind === 'CREATE_CUSTOMER' && recordId ? loaders.storedCustomer().load(recordId) : null,
    }),
    lastError: t.expose('lastError', { type: ProviderFailureRef, description: 'The latest error.' }),
    sendCount: t.exposeInt('sendCount', {
      nullable: false,
      description:
        'Number of times it was sent to the provider, by callers and by the server. An attempt that could not be sent, because the sign-in failed or the provider is failing, is not counted, and neither is a repeat that the provider put off.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it was created.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When its state last changed.',
    }),
  }),
})

const ProviderOperationLookup = builder.inputType('ProviderOperationLookup', {
  description: 'How to identify a create operation.',
  isOneOf: true,
  fields: t => ({
    id: t.id({ description: 'By its id here, at most 255 characters.', validate: searchedText }),
    idempotencyKey: t.string({
      description: 'By your idempotency key, at most 255 characters.',
      validate: searchedText,
    }),
  }),
})

builder.queryField('operation', t =>
  t.field({
    type: ProviderOperationRef,
    description: 'Looks up a create operation. Returns null and a NOT_FOUND error if it does not exist.',
    args: { by: t.arg({ type: ProviderOperationLookup, required: true, description: 'The record to look up.' }) },
    resolve: (_root, { by }, context) =>
      context.services.operations.get(context, {
        id: by.id == null ? null : decodeId('ProviderOperation', by.id),
        idempotencyKey: by.idempotencyKey,
      }),
  }),
)
