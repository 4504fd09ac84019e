import { SESSION_ORDERS } from '../src/domain/session.ts'
import { builder } from './builder.ts'
import { SessionConnection } from './connections.ts'
import { OutcomeEnum, ProviderEnum, SessionStatusEnum } from './enums.ts'
import { decodeId } from './ids.ts'
import { isPlain } from './plain.ts'

const SessionOrderEnum = builder.enumType('SessionOrder', {
  description: 'The order of a list of sessions.',
  values: SESSION_ORDERS,
})

export const SessionFilterInput = builder.inputType('SessionFilter', {
  description: 'Which sessions: all conditions have to hold; one that is left out does not narrow.',
  fields: t => ({
    provider: t.field({ type: [ProviderEnum], description: 'At one of these providers.' }),
    status: t.field({ type: [SessionStatusEnum], description: 'With one of these statuses.' }),
    outcome: t.field({ type: [OutcomeEnum], description: 'With one of these outcomes.' }),
    externalId: t.string({ description: "Of this user of the caller's." }),
    applicantId: t.id({ description: 'Linked to this applicant.' }),
    customerId: t.id({ description: 'Linked to this customer.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Made later than this.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Made earlier than this.' }),
  }),
})

/** The filter in the store's words: ids of ours are decoded. */
export function toSessionFilter<T extends { applicantId?: string | null; customerId?: string | null }>(filter: T): T {
  return {
    ...filter,
    applicantId: filter.applicantId == null ? null : decodeId('Applicant', filter.applicantId),
    customerId: filter.customerId == null ? null : decodeId('Customer', filter.customerId),
  }
}

builder.queryField('sessions', t =>
  t.field({
    type: SessionConnection,
    description: 'Sessions from our store, a page at a time. No provider is asked.',
    args: {
      filter: t.arg({ type: SessionFilterInput, description: 'Which.' }),
      orderBy: t.arg({ type: SessionOrderEnum, defaultValue: 'CREATED_AT_DESC', description: 'In which order.' }),
      first: t.arg.int({ description: 'How many from the start, at most 100; 20 if left out.' }),
      after: t.arg.string({ description: 'The cursor to go on from.' }),
      last: t.arg.int({ description: 'How many from the end, at most 100.' }),
      before: t.arg.string({ description: 'The cursor to stop before.' }),
    },
    resolve: (_root, { filter, orderBy: order, ...page }, context, info) =>
      context.services.sessions.list(context, toSessionFilter(filter ?? {}), page, { order, plain: isPlain(info) }),
  }),
)
