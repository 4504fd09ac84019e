import { builder } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { ApplicantFilterInput, ApplicantLookup, toLookup } from '../queries/lookups.ts'
import { ApplicantConnectionRef, AttemptConnectionRef, SessionConnectionRef } from './connections.ts'
import { applicantDetailsUnion, withProvider } from './details.ts'
import { ApplicantStatusEnum, OutcomeEnum } from './enums.ts'
import { externalIdField, globalIdField, providerField, providerStatusField, timestampFields } from './record-fields.ts'
import { ApplicantRef, CustomerRef } from './refs.ts'
import { freshnessArgument, freshnessBelowArgument, SyncRef, syncOf } from './sync.ts'

builder.objectType(ApplicantRef, {
  description: 'A person, as a provider knows them, who is being verified or is applying.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'Applicant', 'id'),
    provider: providerField(t),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description: 'The id that the provider uses for this applicant.',
    }),
    externalId: externalIdField(t),
    status: t.expose('status', {
      type: ApplicantStatusEnum,
      nullable: false,
      description: 'Progress, the same for all providers.',
    }),
    outcome: t.expose('outcome', {
      type: OutcomeEnum,
      nullable: false,
      description: "The provider's decision.",
    }),
    providerStatus: providerStatusField(t),
    email: t.string({ description: 'The e-mail address.', resolve: applicant => applicant.email }),
    phone: t.string({
      description: 'The phone number, as the provider stores it.',
      resolve: applicant => applicant.phone,
    }),
    firstName: t.string({ description: 'The given name.', resolve: applicant => applicant.firstName }),
    lastName: t.string({ description: 'The family name.', resolve: applicant => applicant.lastName }),
    ...timestampFields(t),
    customer: t.field({
      type: CustomerRef,
      description: 'The customer of the applicant at the same provider. May call the provider.',
      extensions: { link: 'customerId' },
      args: { freshness: freshnessArgument(t.arg) },
      resolve: (applicant, { freshness }, context) =>
        applicant.customerId ? context.loaders.customer().load({ of: applicant.customerId, freshness }) : null,
    }),
    attempts: t.field({
      type: AttemptConnectionRef,
      description: 'Attempts, oldest first. May call the provider. Null if this provider has no attempts.',
      args: {
        ...pageArguments(t.arg),
        freshness: freshnessArgument(t.arg),
      },
      resolve: async (applicant, { freshness, ...args }, { loaders, services: { attempts } }) => {
        const page = attempts.parsePage(applicant, args)
        return attempts.toConnection(
          applicant,
          await loaders.attemptsOfApplicant().load({ of: applicant, freshness }),
          page,
        )
      },
    }),
    sessions: t.field({
      type: SessionConnectionRef,
      description: 'The stored sessions that are linked to the applicant, newest first.',
      args: pageArguments(t.arg),
      resolve: (applicant, page, context) =>
        context.services.sessions.list(context, { applicantId: applicant.id }, page, {
          withoutEncrypted: !context.selectsEncryptedField,
        }),
    }),
    sync: t.field({
      type: SyncRef,
      nullable: false,
      description: 'When this record was last read from the provider.',
      resolve: syncOf,
    }),
    details: t.field({
      type: applicantDetailsUnion.ref,
      nullable: false,
      description: 'Fields that only this provider has.',
      resolve: withProvider,
    }),
  }),
})

builder.queryFields(t => ({
  applicant: t.field({
    type: ApplicantRef,
    description: 'Looks up an applicant. Returns null and a NOT_FOUND error if it does not exist.',
    args: {
      by: t.arg({ type: ApplicantLookup, required: true, description: 'The record to look up.' }),
      freshness: freshnessArgument(t.arg),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.applicants.get(context, toLookup('Applicant', by), freshness),
  }),
  applicants: t.field({
    type: ApplicantConnectionRef,
    description: 'Lists stored applicants, newest first. Does not call providers.',
    args: {
      filter: t.arg({ type: ApplicantFilterInput, description: 'Conditions that the items must match.' }),
      ...pageArguments(t.arg),
      freshness: freshnessBelowArgument(t.arg),
    },
    resolve: (_root, { filter, ...page }, context) => context.services.applicants.list(context, filter ?? {}, page),
  }),
}))
