import type { InputFieldBuilder } from '@pothos/core'
import type { Provider } from '../../src/domain/provider.ts'
import type { Lookup } from '../../src/services/deps.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { choices, decodeId, searchedText, shortString } from '../inputs/rules.ts'
import { ApplicantStatusEnum, OutcomeEnum, ProviderEnum } from '../types/enums.ts'

const ProviderRef = builder.inputType('ProviderRef', {
  description: 'A record by its id at a provider.',
  fields: t => ({
    provider: t.field({ type: ProviderEnum, required: true, description: 'The provider.' }),
    providerId: t.string({
      required: true,
      description: "The provider's id, 1 to 255 characters.",
      validate: shortString,
    }),
    parentProviderId: t.string({
      description:
        "The provider's id of the record it is reached through: a Yorlet applicant's application. 1 to 255 characters.",
      validate: shortString,
    }),
  }),
})

/** Clients write the name of each lookup type, so every record type has its own. */
function defineLookup(name: string, record: string) {
  return builder.inputType(name, {
    description: `How to identify ${record}. One that is not stored is read from the provider and stored; if the provider cannot read it, the error is UNSUPPORTED_BY_PROVIDER.`,
    isOneOf: true,
    fields: t => ({
      id: t.id({ description: 'By its id here, at most 255 characters.', validate: searchedText }),
      atProvider: t.field({ type: ProviderRef, description: "By the provider's id." }),
    }),
  })
}

export const SessionLookup = defineLookup('SessionLookup', 'a session')
export const ApplicantLookup = defineLookup('ApplicantLookup', 'an applicant')
export const CustomerLookup = defineLookup('CustomerLookup', 'a customer')

interface LookupInput {
  readonly id?: string | null
  readonly atProvider?: { provider: Provider; providerId: string; parentProviderId?: string | null } | null
}

export function toLookup(typename: string, by: LookupInput): Lookup {
  return { id: by.id == null ? null : decodeId(typename, by.id), atProvider: by.atProvider }
}

type FilterFields = InputFieldBuilder<SchemaTypes, 'InputObject'>

/** The conditions that the filters of applicants and of customers share. */
function recordConditions(t: FilterFields) {
  return {
    providers: t.field({
      type: [ProviderEnum],
      description: 'At one of these providers, at most 20.',
      validate: choices,
    }),
    externalId: t.string({ description: 'Has this externalId, at most 255 characters.', validate: searchedText }),
    email: t.string({
      description: 'Has this e-mail address, ignoring case and surrounding white space, at most 255 characters.',
      validate: searchedText,
    }),
    createdAfter: t.field({ type: 'DateTime', description: 'Created after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Created before this time.' }),
    updatedAfter: t.field({ type: 'DateTime', description: 'Changed after this time.' }),
  }
}

export const ApplicantFilterInput = builder.inputType('ApplicantFilter', {
  description:
    'Conditions for applicants, all of which must match. An omitted condition matches every applicant; an empty list matches none.',
  fields: t => ({
    ...recordConditions(t),
    statuses: t.field({
      type: [ApplicantStatusEnum],
      description: 'With one of these statuses, at most 20.',
      validate: choices,
    }),
    outcomes: t.field({
      type: [OutcomeEnum],
      description: 'With one of these outcomes, at most 20.',
      validate: choices,
    }),
  }),
})

export const CustomerFilterInput = builder.inputType('CustomerFilter', {
  description:
    'Conditions for customers, all of which must match. An omitted condition matches every customer; an empty list matches none.',
  fields: recordConditions,
})
