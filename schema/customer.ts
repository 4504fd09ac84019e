import { builder } from './builder.ts'
import { CustomerConnection, SessionConnection } from './connections.ts'
import { customerDetails, withProvider } from './details.ts'
import { ProviderEnum } from './enums.ts'
import { RecordLookup, toLookup } from './lookups.ts'
import { isPlain } from './plain.ts'
import { RecordFilterInput } from './record-filter.ts'
import { CustomerRef } from './refs.ts'
import { FreshnessInput, SyncRef, syncOf } from './sync.ts'

builder.objectType(CustomerRef, {
  description: 'A customer as a provider keeps it.',
  fields: t => ({
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'Where.' }),
    providerId: t.exposeString('providerId', { nullable: false, description: "The provider's id of the customer." }),
    externalId: t.exposeString('externalId', {
      description: "The caller's own user id; it joins everything about one person.",
    }),
    email: t.string({ description: 'The e-mail address.', resolve: customer => customer.email }),
    name: t.string({ description: 'The name.', resolve: customer => customer.name }),
    phone: t.string({
      description: 'The phone number, as the provider keeps it.',
      resolve: customer => customer.phone,
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'What the caller keeps with the customer at the provider.',
      resolve: customer => customer.metadata,
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
    sessions: t.field({
      type: SessionConnection,
      description: 'The sessions linked to the customer, newest first, from our store.',
      args: {
        first: t.arg.int({ description: 'How many, at most 100; 20 if left out.' }),
        after: t.arg.string({ description: 'The cursor to go on from.' }),
      },
      resolve: (customer, page, context, info) =>
        context.services.sessions.list(context, { customerId: customer.id }, page, { plain: isPlain(info) }),
    }),
    sync: t.field({ type: SyncRef, nullable: false, description: 'How fresh this is.', resolve: syncOf }),
    details: t.field({
      type: customerDetails.ref,
      nullable: false,
      description: 'What differs by provider.',
      resolve: withProvider,
    }),
  }),
})

builder.queryFields(t => ({
  customer: t.field({
    type: CustomerRef,
    description: 'One customer. Null with NOT_FOUND where there is none.',
    args: {
      by: t.arg({ type: RecordLookup, required: true, description: 'Which one.' }),
      freshness: t.arg({ type: FreshnessInput, description: 'How fresh it has to be.' }),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.customers.get(context, toLookup('Customer', by), freshness),
  }),
  customers: t.field({
    type: CustomerConnection,
    description: 'Customers from our store, newest first, a page at a time. No provider is asked.',
    args: {
      filter: t.arg({ type: RecordFilterInput, description: 'Which.' }),
      first: t.arg.int({ description: 'How many from the start, at most 100; 20 if left out.' }),
      after: t.arg.string({ description: 'The cursor to go on from.' }),
      last: t.arg.int({ description: 'How many from the end, at most 100.' }),
      before: t.arg.string({ description: 'The cursor to stop before.' }),
    },
    resolve: (_root, { filter, ...page }, context) => context.services.customers.list(context, filter ?? {}, page),
  }),
}))
