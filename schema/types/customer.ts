import { builder } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { CustomerFilterInput, CustomerLookup, toLookup } from '../queries/lookups.ts'
import { CustomerConnectionRef, SessionConnectionRef } from './connections.ts'
import { customerDetailsUnion, withProvider } from './details.ts'
import { externalIdField, globalIdField, providerField, timestampFields } from './record-fields.ts'
import { CustomerRef } from './refs.ts'
import { freshnessArgument, freshnessBelowArgument, SyncRef, syncOf } from './sync.ts'

builder.objectType(CustomerRef, {
  description: 'A customer, as a provider knows it.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'Customer', 'id'),
    provider: providerField(t),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description: 'The id that the provider uses for this customer.',
    }),
    externalId: externalIdField(t),
    email: t.string({ description: 'The e-mail address.', resolve: customer => customer.email }),
    name: t.string({ description: 'The name.', resolve: customer => customer.name }),
    phone: t.string({
      description: 'The phone number, as the provider stores it.',
      resolve: customer => customer.phone,
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Your own data, stored with the customer at the provider.',
      resolve: customer => customer.metadata,
    }),
    ...timestampFields(t),
    sessions: t.field({
      type: SessionConnectionRef,
      description: 'The stored sessions that are linked to the customer, newest first.',
      args: pageArguments(t.arg),
      resolve: (customer, page, context) =>
        context.services.sessions.list(context, { customerId: customer.id }, page, {
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
      type: customerDetailsUnion.ref,
      nullable: false,
      description: 'Fields that only this provider has.',
      resolve: withProvider,
    }),
  }),
})

builder.queryFields(t => ({
  customer: t.field({
    type: CustomerRef,
    description: 'Looks up a customer. Returns null and a NOT_FOUND error if it does not exist.',
    args: {
      by: t.arg({ type: CustomerLookup, required: true, description: 'The record to look up.' }),
      freshness: freshnessArgument(t.arg),
    },
    resolve: (_root, { by, freshness }, context) =>
      context.services.customers.get(context, toLookup('Customer', by), freshness),
  }),
  customers: t.field({
    type: CustomerConnectionRef,
    description: 'Lists stored customers, newest first. Does not call providers.',
    args: {
      filter: t.arg({ type: CustomerFilterInput, description: 'Conditions that the items must match.' }),
      ...pageArguments(t.arg),
      freshness: freshnessBelowArgument(t.arg),
    },
    resolve: (_root, { filter, ...page }, context) => context.services.customers.list(context, filter ?? {}, page),
  }),
}))
