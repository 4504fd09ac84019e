import type { SessionAccess } from '../src/domain/session.ts'
import { builder } from './builder.ts'
import { AttemptConnection } from './connections.ts'
import { sessionDetails, withProvider } from './details.ts'
import { OutcomeEnum, ProviderEnum, SessionStatusEnum } from './enums.ts'
import { SessionLookup, toLookup } from './lookups.ts'
import { ApplicantRef, CustomerRef, SessionRef } from './refs.ts'
import { FreshnessInput, SyncRef } from './sync.ts'
import { TimelineEventConnection } from './timeline.ts'

const SessionAccessRef = builder.objectRef<SessionAccess>('SessionAccess').implement({
  description: 'What the end user is sent to. Bearer secrets: whoever holds them may act as the end user.',
  fields: t => ({
    hostedUrl: t.expose('hostedUrl', { type: 'URL', description: "The provider's page." }),
    token: t.exposeString('token', { description: "A token for the provider's own SDK." }),
    cancelToken: t.exposeString('cancelToken', { description: 'Lets its holder cancel the session without a key.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends.' }),
  }),
})

builder.objectType(SessionRef, {
  description: 'One journey of an end user at a provider.',
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'Where it is.',
    }),
    providerId: t.exposeString('providerId', { nullable: false, description: "The provider's id of it." }),
    status: t.expose('status', {
      type: SessionStatusEnum,
      nullable: false,
      description: 'How far it got.',
    }),
    outcome: t.expose('outcome', {
      type: OutcomeEnum,
      nullable: false,
      description: 'What the provider decided. It may still change under COMPLETED.',
    }),
    providerStatus: t.exposeString('providerStatus', { description: "The provider's own word, verbatim." }),
    externalId: t.exposeString('externalId', {
      description: "The caller's own user id; it joins everything about one person.",
    }),
    livemode: t.exposeBoolean('livemode', {
      nullable: false,
      description: 'True at the real provider with a key that is no test key.',
    }),
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user goes afterwards.',
      resolve: session => session.redirectUrl,
    }),
    metadata: t.field({
      type: 'JSON',
      description: "The caller's own, as given at the create.",
      resolve: session => session.metadata,
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: "The provider's time where it tells one, else when we stored it.",
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description: "The provider's time where it tells one, else when we saw the last change.",
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When it ends by itself.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      description: 'When it came to its end.',
    }),
    access: t.field({
      type: SessionAccessRef,
      description: 'What the end user is sent to, from the create. Encrypted at rest.',
      resolve: session => session.access,
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant it is about, fetched only when selected. Null where none is linked.',
      args: { freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }) },
      resolve: (session, { freshness }, context) =>
        session.applicantId && context.loaders.applicant.load({ of: session.applicantId, freshness }),
    }),
    customer: t.field({
      type: CustomerRef,
      description: 'The customer it is about, fetched only when selected; it may live at another provider.',
      args: { freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }) },
      resolve: (session, { freshness }, context) =>
        session.customerId && context.loaders.customer.load({ of: session.customerId, freshness }),
    }),
    attempts: t.field({
      type: AttemptConnection,
      description:
        'The attempts of the end user, oldest first, fetched only when selected. Null where the provider has none.',
      args: {
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
        freshness: t.arg({ type: FreshnessInput, description: 'How fresh they have to be.' }),
      },
      resolve: async (session, { freshness, ...page }, context) =>
        context.services.attempts.toConnection(
          session,
          await context.loaders.attemptsOfSession.load({ of: session, freshness }),
          page,
        ),
    }),
    liveCursor: t.string({
      nullable: false,
      description: 'The position before this read: pass it as `after` to a subscription, and nothing falls between.',
      resolve: (_session, _args, context) => context.liveCursor,
    }),
    timeline: t.field({
      type: TimelineEventConnection,
      nullable: false,
      description: 'What happened to it, oldest first, from our store.',
      args: {
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
      },
      resolve: (session, page, context) => context.services.live.timeline(session, page),
    }),
    sync: t.expose('sync', {
      type: SyncRef,
      nullable: false,
      description: 'How fresh this is.',
    }),
    details: t.field({
      type: sessionDetails.ref,
      nullable: false,
      description: 'What differs by provider.',
      resolve: withProvider,
    }),
  }),
})

builder.queryField('session', t =>
  t.field({
    type: SessionRef,
    description: 'One session. Null with NOT_FOUND where there is none.',
    args: {
      by: t.arg({ type: SessionLookup, required: true, description: 'Which one.' }),
      freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.sessions.get(context, toLookup('Session', by), freshness),
  }),
)
