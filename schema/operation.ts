import { builder } from './builder.ts'
import { CreateKindEnum, CreateStateEnum, ProviderEnum } from './enums.ts'
import { decodeId } from './ids.ts'
import { ApplicantRef, CreateOperationRef, CustomerRef, SessionRef } from './refs.ts'
import { SyncErrorRef } from './sync.ts'

builder.objectType(CreateOperationRef, {
  description: 'The durable record of one create: it exists before the provider is called, and is never lost.',
  fields: t => ({
    kind: t.field({ type: CreateKindEnum, nullable: false, description: 'What it makes.', resolve: it => it.kind }),
    idempotencyKey: t.exposeString('idempotencyKey', { nullable: false, description: "The caller's key." }),
    provider: t.field({ type: ProviderEnum, nullable: false, description: 'Where.', resolve: it => it.provider }),
    state: t.field({ type: CreateStateEnum, nullable: false, description: 'How far it got.', resolve: it => it.state }),
    settles: t.boolean({
      nullable: false,
      description: 'True where there is a way to find out what became of it.',
      resolve: (operation, _args, context) => context.services.operations.settles(operation),
    }),
    nextCheckAt: t.field({
      type: 'DateTime',
      description: 'When it is looked for next.',
      resolve: it => it.nextCheckAt,
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
    lastError: t.field({ type: SyncErrorRef, description: 'What went wrong last.', resolve: it => it.lastError }),
    attemptsMade: t.exposeInt('attemptsMade', { nullable: false, description: 'How often it was sent.' }),
    createdAt: t.field({
      type: 'DateTime',
      nullable: false,
      description: 'When it began.',
      resolve: it => it.createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: false,
      description: 'When it last moved on.',
      resolve: it => it.updatedAt,
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
