import { builder } from './builder.ts'
import { CreateKindEnum, CreateStateEnum, ProviderEnum } from './enums.ts'
import { decodeId } from './ids.ts'
import { ApplicantRef, CreateOperationRef, CustomerRef, SessionRef } from './refs.ts'
import { SyncErrorRef } from './sync.ts'

builder.objectType(CreateOperationRef, {
  description: 'The durable record of one create: it exists before the provider is called, and is never lost.',
  fields: t => ({
    kind: t.expose('kind', { type: CreateKindEnum, nullable: false, description: 'What it makes.' }),
    idempotencyKey: t.exposeString('idempotencyKey', { nullable: false, description: "The caller's key." }),
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'Where.' }),
    state: t.expose('state', { type: CreateStateEnum, nullable: false, description: 'How far it got.' }),
    settles: t.boolean({
      nullable: false,
      description: 'True where there is a way to find out what became of it.',
      resolve: (operation, _args, context) => context.services.operations.settles(operation),
    }),
    nextCheckAt: t.expose('nextCheckAt', {
      type: 'DateTime',
      description: 'When it is looked for next.',
    }),
    recovered: t.exposeBoolean('recovered', {
      nullable: false,
      description: 'True where it was found later, so that what only the create tells is missing in `access`.',
    }),
    session: t.field({
      type: SessionRef,
      description: 'The session it made.',
      resolve: it => (it.kind === 'SESSION' ? it.recordId : null),
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant it made.',
      resolve: it => (it.kind === 'APPLICANT' ? it.recordId : null),
    }),
    customer: t.field({
      type: CustomerRef,
      description: 'The customer it made.',
      resolve: it => (it.kind === 'CUSTOMER' ? it.recordId : null),
    }),
    lastError: t.expose('lastError', { type: SyncErrorRef, description: 'What went wrong last.' }),
    attemptsMade: t.exposeInt('attemptsMade', { nullable: false, description: 'How often it was sent.' }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it began.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it last moved on.',
    }),
  }),
})

const CreateOperationLookup = builder.inputType('CreateOperationLookup', {
  description: 'Which create.',
  isOneOf: true,
  fields: t => ({
    id: t.id({ description: 'By our id.' }),
    idempotencyKey: t.string({ description: "By the caller's key." }),
  }),
})

builder.queryField('createOperation', t =>
  t.field({
    type: CreateOperationRef,
    description: 'What became of a create. Null with NOT_FOUND where there is none.',
    args: { by: t.arg({ type: CreateOperationLookup, required: true, description: 'Which one.' }) },
    resolve: (_root, { by }, context) =>
      context.services.operations.get(context, {
        id: by.id == null ? null : decodeId('CreateOperation', by.id),
        idempotencyKey: by.idempotencyKey,
      }),
  }),
)
