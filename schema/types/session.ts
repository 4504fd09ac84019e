import type { SessionAccess } from '../../src/domain/records/session.ts'
import { builder } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { SessionLookup, toLookup } from '../queries/lookups.ts'
import { AttemptConnectionRef, LIVE_CURSOR } from './connections.ts'
import { sessionDetailsUnion, withProvider } from './details.ts'
import { OutcomeEnum, SessionStatusEnum } from './enums.ts'
import { NextActionRef } from './next-action.ts'
import { externalIdField, globalIdField, providerField, providerStatusField, timestampFields } from './record-fields.ts'
import { ApplicantRef, CustomerRef, SessionRef } from './refs.ts'
import { freshnessArgument, SyncRef } from './sync.ts'
import { TimelineEventConnection } from './timeline.ts'

/** Columns that a list reads and decrypts only if its operation selects one of these fields. */
const ENCRYPTED = { encrypted: true }

const SessionAccessRef = builder.objectRef<SessionAccess>('SessionAccess').implement({
  description: 'Links and tokens that let the end user continue. Bearer secrets: their holder can act as the end user.',
  fields: t => ({
    hostedUrl: t.expose('hostedUrl', {
      type: 'URL',
      description: "The provider's page for the end user. Open it in a browser or web view.",
    }),
    sdkToken: t.exposeString('sdkToken', { description: "The token that starts the provider's own SDK." }),
    cancelToken: t.exposeString('cancelToken', {
      description: 'Lets its holder cancel the session without an API key.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it expires.' }),
  }),
})

builder.objectType(SessionRef, {
  description: 'One verification or application journey of an end user at one provider.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'Session', 'id'),
    provider: providerField(t),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description: 'The id that the provider uses for this session.',
    }),
    status: t.expose('status', {
      type: SessionStatusEnum,
      nullable: false,
      description: 'Progress, the same for all providers.',
    }),
    outcome: t.expose('outcome', {
      type: OutcomeEnum,
      nullable: false,
      description: "The provider's decision. Can still change after COMPLETED, for example after a manual review.",
    }),
    providerStatus: providerStatusField(t),
    externalId: externalIdField(t),
    testMode: t.exposeBoolean('testMode', {
      nullable: false,
      description: 'True if the session was created in a sandbox or with a test key.',
    }),
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user is redirected afterwards.',
      extensions: ENCRYPTED,
      resolve: session => session.redirectUrl,
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Your own data, as passed to the mutation that created the session.',
      extensions: ENCRYPTED,
      resolve: session => session.metadata,
    }),
    ...timestampFields(t),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the session expires unless it is completed before.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      description: 'When the session ended.',
    }),
    access: t.field({
      type: SessionAccessRef,
      description:
        'Links and tokens that let the end user continue. Secrets: treat them like passwords. Only the create returns tokens.',
      extensions: { ...ENCRYPTED, cost: 1 / 2 },
      resolve: session => session.access,
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The linked applicant, or null. May call the provider.',
      extensions: { link: 'applicantId' },
      args: { freshness: freshnessArgument(t.arg) },
      resolve: (session, { freshness }, context) => {
        if (context.subject) return context.services.linkedRecords.applicantOf(context, session, freshness)
        return session.applicantId ? context.loaders.applicant().load({ of: session.applicantId, freshness }) : null
      },
    }),
    customer: t.field({
      type: CustomerRef,
      description: 'The linked customer, or null, possibly of another provider. May call the provider.',
      extensions: { link: 'customerId' },
      args: { freshness: freshnessArgument(t.arg) },
      resolve: (session, { freshness }, context) => {
        if (context.subject) return context.services.linkedRecords.customerOf(context, session, freshness)
        return session.customerId ? context.loaders.customer().load({ of: session.customerId, freshness }) : null
      },
    }),
    attempts: t.field({
      type: AttemptConnectionRef,
      description: 'Attempts, oldest first. May call the provider. Null if this provider has no attempts.',
      args: {
        ...pageArguments(t.arg),
        freshness: freshnessArgument(t.arg),
      },
      resolve: async (session, { freshness, ...args }, { loaders, services: { attempts } }) => {
        const page = attempts.parsePage(session, args)
        return attempts.toConnection(session, await loaders.attemptsOfSession().load({ of: session, freshness }), page)
      },
    }),
    liveCursor: t.string({
      nullable: false,
      extensions: LIVE_CURSOR,
      description: 'Pass this as `after` to a subscription to receive everything that happened since this read.',
      resolve: (_session, _args, context) => context.liveCursor,
    }),
    timeline: t.field({
      type: TimelineEventConnection,
      nullable: false,
      description: 'What happened to the session, oldest first.',
      args: pageArguments(t.arg),
      resolve: (session, page, context) => context.services.eventStream.timeline(session, page),
    }),
    nextAction: t.field({
      type: NextActionRef,
      nullable: false,
      description: 'What the end user has to do next in this session, without regard to other sessions.',
      extensions: { ...ENCRYPTED, cost: 5 / 3 },
      resolve: (session, _args, { loaders }) => loaders.nextActionOfSession().load(session),
    }),
    sync: t.expose('sync', {
      type: SyncRef,
      nullable: false,
      description: 'When this record was last read from the provider.',
    }),
    details: t.field({
      type: sessionDetailsUnion.ref,
      nullable: false,
      description: 'Fields that only this provider has.',
      extensions: ENCRYPTED,
      resolve: withProvider,
    }),
  }),
})

builder.queryField('session', t =>
  t.field({
    type: SessionRef,
    description: 'Looks up a session. Returns null and a NOT_FOUND error if it does not exist.',
    args: {
      by: t.arg({ type: SessionLookup, required: true, description: 'The record to look up.' }),
      freshness: freshnessArgument(t.arg),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.sessions.get(context, toLookup('Session', by), freshness),
  }),
)
