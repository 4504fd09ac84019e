import type { SessionOrder } from '../../src/domain/records/session.ts'
import { builder } from '../builder.ts'
import { pageArguments } from '../inputs/page-arguments.ts'
import { choices, decodeId, searchedText } from '../inputs/rules.ts'
import { SessionConnectionRef } from '../types/connections.ts'
import { described, OutcomeEnum, ProviderEnum, SessionStatusEnum } from '../types/enums.ts'
import { freshnessBelowArgument } from '../types/sync.ts'

const SessionOrderEnum = builder.enumType('SessionOrder', {
  description: 'The order of a list of sessions.',
  values: described<SessionOrder>({
    CREATED_AT_ASC: 'Oldest first, by creation.',
    CREATED_AT_DESC: 'Newest first, by creation.',
    UPDATED_AT_ASC: 'Least recently changed first.',
    UPDATED_AT_DESC: 'Most recently changed first.',
  }),
})

export const SessionFilterInput = builder.inputType('SessionFilter', {
  description:
    'Conditions for sessions, all of which must match. An omitted condition matches every session; an empty list matches none.',
  fields: t => ({
    providers: t.field({
      type: [ProviderEnum],
      description: 'At one of these providers, at most 20.',
      validate: choices,
    }),
    statuses: t.field({
      type: [SessionStatusEnum],
      description: 'With one of these statuses, at most 20.',
      validate: choices,
    }),
    outcomes: t.field({
      type: [OutcomeEnum],
      description: 'With one of these outcomes, at most 20.',
      validate: choices,
    }),
    externalId: t.string({
      description: 'Has this externalId, at most 255 characters.',
      validate: searchedText,
    }),
    applicantId: t.id({
      description: 'Linked to this applicant, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    customerId: t.id({
      description: 'Linked to this customer, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    createdAfter: t.field({ type: 'DateTime', description: 'Created after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Created before this time.' }),
    updatedAfter: t.field({ type: 'DateTime', description: 'Changed after this time.' }),
  }),
})

/** The filter with decoded global ids. */
export function toSessionFilter<T extends { applicantId?: string | null; customerId?: string | null }>(filter: T): T {
  return {
    ...filter,
    applicantId: filter.applicantId == null ? null : decodeId('Applicant', filter.applicantId),
    customerId: filter.customerId == null ? null : decodeId('Customer', filter.customerId),
  }
}

builder.queryField('sessions', t =>
  t.field({
    type: SessionConnectionRef,
    description: 'Lists stored sessions. Does not call providers.',
    args: {
      filter: t.arg({ type: SessionFilterInput, description: 'Conditions that the items must match.' }),
      orderBy: t.arg({
        type: SessionOrderEnum,
        defaultValue: 'CREATED_AT_DESC',
        description: 'The order of the sessions.',
      }),
      ...pageArguments(t.arg),
      freshness: freshnessBelowArgument(t.arg),
    },
    resolve: (_root, { filter, orderBy: order, ...page }, context) =>
      context.services.sessions.list(context, toSessionFilter(filter ?? {}), page, {
        order,
        withoutEncrypted: !context.selectsEncryptedField,
      }),
  }),
)
