import { builder } from './builder.ts'
import { ApplicantConnection, AttemptConnection, SessionConnection } from './connections.ts'
import { applicantDetails, withProvider } from './details.ts'
import { ApplicantStatusEnum, OutcomeEnum, ProviderEnum } from './enums.ts'
import { RecordLookup, toLookup } from './lookups.ts'
import { isPlain } from './plain.ts'
import { RecordFilterInput } from './record-filter.ts'
import { ApplicantRef, CustomerRef } from './refs.ts'
import { FreshnessInput, SyncRef, syncOf } from './sync.ts'

builder.objectType(ApplicantRef, {
  description: 'A person at a provider who is being verified or who applies.',
  fields: t => ({
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'Where.' }),
    providerId: t.exposeString('providerId', { nullable: false, description: "The provider's id of the applicant." }),
    externalId: t.exposeString('externalId', {
      description: "The caller's own user id; it joins everything about one person.",
    }),
    status: t.expose('status', {
      type: ApplicantStatusEnum,
      nullable: false,
      description: 'How far it got.',
    }),
    outcome: t.expose('outcome', {
      type: OutcomeEnum,
      nullable: false,
      description: 'What the provider decided.',
    }),
    providerStatus: t.exposeString('providerStatus', { description: "The provider's own word, verbatim." }),
    email: t.string({ description: 'The e-mail address.', resolve: applicant => applicant.email }),
    phone: t.string({
      description: 'The phone number, as the provider keeps it.',
      resolve: applicant => applicant.phone,
    }),
    firstName: t.string({ description: 'The given name.', resolve: applicant => applicant.firstName }),
    lastName: t.string({ description: 'The family name.', resolve: applicant => applicant.lastName }),
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
    customer: t.field({
      type: CustomerRef,
      description: 'The customer that the applicant is at the same provider, fetched only when selected.',
      args: { freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }) },
      resolve: (applicant, { freshness }, context) =>
        applicant.customerId && context.loaders.customer.load({ of: applicant.customerId, freshness }),
    }),
    attempts: t.field({
      type: AttemptConnection,
      description:
        'The attempts of the applicant, oldest first, fetched only when selected. Null where the provider has none.',
      args: {
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
        freshness: t.arg({ type: FreshnessInput, description: 'How fresh they have to be.' }),
      },
      resolve: async (applicant, { freshness, ...page }, context) =>
        context.services.attempts.toConnection(
          applicant,
          await context.loaders.attemptsOfApplicant.load({ of: applicant, freshness }),
          page,
        ),
    }),
    sessions: t.field({
      type: SessionConnection,
      description: 'The sessions linked to the applicant, newest first, from our store.',
      args: {
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
      },
      resolve: (applicant, page, context, info) =>
        context.services.sessions.list(context, { applicantId: applicant.id }, page, { plain: isPlain(info) }),
    }),
    sync: t.field({ type: SyncRef, nullable: false, description: 'How fresh this is.', resolve: syncOf }),
    details: t.field({
      type: applicantDetails.ref,
      nullable: false,
      description: 'What differs by provider.',
      resolve: withProvider,
    }),
  }),
})

builder.queryFields(t => ({
  applicant: t.field({
    type: ApplicantRef,
    description: 'One applicant. Null with NOT_FOUND where there is none.',
    args: {
      by: t.arg({ type: RecordLookup, required: true, description: 'Which one.' }),
      freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.applicants.get(context, toLookup('Applicant', by), freshness),
  }),
  applicants: t.field({
    type: ApplicantConnection,
    description: 'Applicants from our store, newest first, a page at a time. No provider is asked.',
    args: {
      filter: t.arg({ type: RecordFilterInput, description: 'Which.' }),
      first: t.arg.int({ description: 'How many from the start, at most 100; 20 if left out.' }),
      after: t.arg.string({ description: 'The cursor to go on from.' }),
      last: t.arg.int({ description: 'How many from the end, at most 100.' }),
      before: t.arg.string({ description: 'The cursor to stop before.' }),
    },
    resolve: (_root, { filter, ...page }, context) => context.services.applicants.list(context, filter ?? {}, page),
  }),
}))
