import { createServer } from 'node:http'
import SchemaBuilder from '@pothos/core'
import { createYoga } from 'graphql-yoga'
import { prepareCreate } from './creates.ts'
import { listenHere } from './listen.ts'
import { createPeerSource, type PeerContext, type PeerSession } from './peer-source.ts'
import { createProviders } from './providers.ts'
import { openStore } from './store.ts'
import type * as view from './views.ts'

/** Yoga and Pothos with their defaults, and the pool client of the limit. */

// Our plugins add to Pothos' types wherever they are loaded; their options are not needed here.
const settings = { defaultFieldNullability: false } as never
const builder = new SchemaBuilder<{ Context: PeerContext; DefaultFieldNullability: false }>(settings)

const Provider = builder.enumType('Provider', { values: ['KAYLE'] })
const Status = builder.enumType('SessionStatus', {
  values: ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'UNKNOWN'],
})
const Freshness = builder.inputType('Freshness', { fields: t => ({ maxAgeSeconds: t.int() }) })
const ProviderRef = builder.inputType('ProviderRef', {
  fields: t => ({
    provider: t.field({ type: Provider, required: true }),
    providerId: t.string({ required: true }),
  }),
})
const SessionLookup = builder.inputType('SessionLookup', {
  fields: t => ({ id: t.id(), atProvider: t.field({ type: ProviderRef }) }),
})
const SessionFilter = builder.inputType('SessionFilter', {
  fields: t => ({ statuses: t.field({ type: [Status] }), providers: t.field({ type: [Provider] }) }),
})
const ShareField = builder.inputType('KayleShareFieldInput', {
  fields: t => ({
    key: t.string({ required: true }),
    required: t.boolean({ required: true }),
    reason: t.string({ required: true }),
  }),
})
const KayleInput = builder.inputType('KayleSessionInput', {
  fields: t => ({
    redirectUrl: t.string({ required: true }),
    shareFields: t.field({ type: [ShareField], required: true }),
  }),
})
const SessionInput = builder.inputType('ProviderSessionInput', {
  fields: t => ({ kayle: t.field({ type: KayleInput, required: true }) }),
})
const CreateSessionInput = builder.inputType('CreateSessionInput', {
  fields: t => ({
    idempotencyKey: t.string({ required: true }),
    externalId: t.string({ required: true }),
    session: t.field({ type: SessionInput, required: true }),
  }),
})

const Attempt = builder.objectRef<ReturnType<typeof view.storedAttempt>>('Attempt').implement({
  fields: t => ({
    id: t.exposeID('id'),
    providerId: t.exposeString('providerId'),
    kind: t.exposeString('kind'),
    status: t.exposeString('status'),
    failureCode: t.exposeString('failureCode', { nullable: true }),
    riskScore: t.exposeFloat('riskScore', { nullable: true }),
    createdAt: t.exposeString('createdAt'),
  }),
})
const Attempts = builder.objectRef<{ nodes: ReturnType<typeof view.storedAttempt>[] }>('AttemptConnection').implement({
  fields: t => ({ nodes: t.field({ type: [Attempt], resolve: it => it.nodes }) }),
})
const Sync = builder.objectRef<{ stale: boolean }>('Sync').implement({
  fields: t => ({ stale: t.exposeBoolean('stale') }),
})
const Customer = builder.objectRef<ReturnType<typeof view.storedCustomer>>('Customer').implement({
  fields: t => ({
    id: t.exposeID('id'),
    providerId: t.exposeString('providerId'),
    email: t.exposeString('email'),
    name: t.exposeString('name'),
    createdAt: t.exposeString('createdAt'),
    sync: t.field({ type: Sync, resolve: () => ({ stale: false }) }),
  }),
})
const Applicant = builder.objectRef<ReturnType<typeof view.storedApplicant>>('Applicant').implement({
  fields: t => ({
    id: t.exposeID('id'),
    providerId: t.exposeString('providerId'),
    status: t.exposeString('status'),
    outcome: t.exposeString('outcome'),
    providerStatus: t.exposeString('providerStatus'),
    createdAt: t.exposeString('createdAt'),
  }),
})

type SessionShape = PeerSession & { readonly access?: { readonly hostedUrl: string } }
const Access = builder.objectRef<{ hostedUrl: string }>('SessionAccess').implement({
  fields: t => ({ hostedUrl: t.exposeString('hostedUrl') }),
})
const freshness = { type: Freshness }
const Session = builder.objectRef<SessionShape>('Session').implement({
  fields: t => ({
    id: t.exposeID('id'),
    provider: t.field({ type: Provider, resolve: it => it.provider as 'KAYLE' }),
    providerId: t.exposeString('providerId'),
    status: t.field({ type: Status, resolve: it => it.status as 'CREATED' }),
    outcome: t.exposeString('outcome'),
    externalId: t.exposeString('externalId', { nullable: true }),
    createdAt: t.exposeString('createdAt'),
    updatedAt: t.exposeString('updatedAt'),
    access: t.field({ type: Access, nullable: true, resolve: it => it.access }),
    attempts: t.field({
      type: Attempts,
      args: { freshness: t.arg(freshness) },
      resolve: (it, _, { source }) => source.attempts(it),
    }),
    customer: t.field({
      type: Customer,
      nullable: true,
      args: { freshness: t.arg(freshness) },
      resolve: (it, args, { source }) => source.customer(it, args),
    }),
    applicant: t.field({
      type: Applicant,
      nullable: true,
      args: { freshness: t.arg(freshness) },
      resolve: (it, args, { source }) => source.applicant(it, args),
    }),
  }),
})
const PageInfo = builder.objectRef<{ hasNextPage: boolean; endCursor: string | null }>('PageInfo').implement({
  fields: t => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    endCursor: t.exposeString('endCursor', { nullable: true }),
  }),
})
const Sessions = builder
  .objectRef<{ nodes: PeerSession[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }>(
    'SessionConnection',
  )
  .implement({
    fields: t => ({
      nodes: t.field({ type: [Session], resolve: it => it.nodes }),
      pageInfo: t.field({ type: PageInfo, resolve: it => it.pageInfo }),
    }),
  })
const Payload = builder.objectRef<{ replayed: boolean; session: unknown }>('CreateSessionPayload').implement({
  fields: t => ({
    replayed: t.exposeBoolean('replayed'),
    session: t.field({ type: Session, resolve: it => it.session as SessionShape }),
  }),
})
const Failure = builder.objectRef<{ message: string }>('CreateSessionError').implement({
  fields: t => ({ message: t.exposeString('message') }),
})
const Result = builder.unionType('CreateSessionResult', {
  types: [Payload, Failure],
  resolveType: () => 'CreateSessionPayload',
})

builder.queryType({
  fields: t => ({
    session: t.field({
      type: Session,
      nullable: true,
      args: { by: t.arg({ type: SessionLookup, required: true }), freshness: t.arg(freshness) },
      resolve: (_, args, { source }) => source.session(args),
    }),
    sessions: t.field({
      type: Sessions,
      args: { filter: t.arg({ type: SessionFilter }), first: t.arg.int(), after: t.arg.string() },
      resolve: (_, args, { source }) => source.sessions(args),
    }),
  }),
})
builder.mutationType({
  fields: t => ({
    createSession: t.field({
      type: Result,
      args: { input: t.arg({ type: CreateSessionInput, required: true }) },
      resolve: (_, args, { source }) => source.createSession(args),
    }),
  }),
})

const store = openStore(process.env)
const providers = createProviders(process.env)
const create = prepareCreate(store, providers)
const yoga = createYoga({
  schema: builder.toSchema(),
  context: () => ({ source: createPeerSource(store, providers, create) }),
  graphiql: false,
  logging: false,
})
listenHere(createServer(yoga))
