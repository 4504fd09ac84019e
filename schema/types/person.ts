import type { ObjectRef } from '@pothos/core'
import { personOf } from '../../src/domain/access/caller.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { choices, shortString } from '../inputs/rules.ts'
import { SessionFilterInput, toSessionFilter } from '../queries/sessions.ts'
import { ApplicantConnectionRef, CustomerConnectionRef, LIVE_CURSOR, SessionConnectionRef } from './connections.ts'
import { ProviderEnum } from './enums.ts'
import { NextActionRef } from './next-action.ts'
import { globalIdField } from './record-fields.ts'
import { ApplicantRef, CustomerRef, PersonRef, SessionRef } from './refs.ts'
import { freshnessBelowArgument } from './sync.ts'

builder.objectType(PersonRef, {
  description: 'All stored records of one of your users, at all providers, joined by externalId.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'Person', 'externalId'),
    externalId: t.exposeString('externalId', { nullable: false, description: 'Your id for this user.' }),
    liveCursor: t.string({
      nullable: false,
      extensions: LIVE_CURSOR,
      description: 'Pass this as `after` to a subscription to receive everything that happened since this read.',
      resolve: (_person, _args, context) => context.liveCursor,
    }),
    applicants: t.field({
      type: ApplicantConnectionRef,
      description: 'The applicants with this externalId, newest first.',
      args: pageArguments(t.arg),
      resolve: (person, page, { loaders }) => loaders.applicantsOfPerson().load({ person, page }),
    }),
    customers: t.field({
      type: CustomerConnectionRef,
      description: 'The customers with this externalId, newest first.',
      args: pageArguments(t.arg),
      resolve: (person, page, { loaders }) => loaders.customersOfPerson().load({ person, page }),
    }),
    sessions: t.field({
      type: SessionConnectionRef,
      description: 'The sessions with this externalId, newest first.',
      args: {
        filter: t.arg({ type: SessionFilterInput, description: 'Conditions that the sessions must match.' }),
        ...pageArguments(t.arg),
      },
      resolve: (person, { filter, ...page }, { loaders }) =>
        loaders.sessionsOfPerson().load({ person, filter: toSessionFilter(filter ?? {}), page }),
    }),
    nextAction: t.field({
      type: NextActionRef,
      description:
        'What the person has to do next: by the open sessions, else by the last decision, else by an open portal.',
      extensions: { cost: 3 },
      args: {
        providers: t.arg({
          type: [ProviderEnum],
          description: 'Only the records of these providers count, at most 20. Default: all.',
          validate: choices,
        }),
      },
      resolve: (person, { providers }, { loaders }) => loaders.nextActionOfPerson().load({ person, providers }),
    }),
  }),
})

/** The person of a record. */
function addPersonField<R extends { readonly externalId: string | null }>(ref: ObjectRef<SchemaTypes, R>): void {
  builder.objectField(ref, 'person', t =>
    t.field({
      type: PersonRef,
      description: 'The user with this externalId. Null without one, and for a client token that is not of this user.',
      extensions: { link: 'externalId' },
      resolve: (record, _args, { subject }) => personOf(subject, record),
    }),
  )
}

addPersonField(SessionRef)
addPersonField(ApplicantRef)
addPersonField(CustomerRef)

builder.queryField('person', t =>
  t.field({
    type: PersonRef,
    description:
      'One of your users. Answers for every valid externalId: for a user without records, with empty lists and the next action START.',
    args: {
      externalId: t.arg.string({
        required: true,
        description: 'Your id for this user, 1 to 255 characters.',
        validate: shortString,
      }),
      freshness: freshnessBelowArgument(t.arg),
    },
    resolve: (_root, { externalId }) => ({ externalId }),
  }),
)
