import type { Provider } from '../src/domain/provider.ts'
import type { Lookup } from '../src/services/deps.ts'
import { builder } from './builder.ts'
import { ProviderEnum } from './enums.ts'
import { decodeId } from './ids.ts'
import { shortText } from './rules.ts'

const ProviderRef = builder.inputType('ProviderRef', {
  description: 'A record as its provider names it.',
  fields: t => ({
    provider: t.field({ type: ProviderEnum, required: true, description: 'The provider.' }),
    providerId: t.string({
      required: true,
      description: "The provider's id.",
      validate: shortText,
    }),
    parentProviderId: t.string({
      description: "The provider's id of the record it is reached through: a Yorlet applicant's application.",
      validate: shortText,
    }),
  }),
})

export const SessionLookup = builder.inputType('SessionLookup', {
  description:
    'Which session. One known only at the provider is fetched and stored where the provider can read it, else it is UNSUPPORTED_BY_PROVIDER.',
  isOneOf: true,
  fields: t => ({
    id: t.id({ description: 'By our id.' }),
    provider: t.field({ type: ProviderRef, description: "By the provider's id." }),
  }),
})

export const RecordLookup = builder.inputType('RecordLookup', {
  description:
    'Which record. One known only at the provider is fetched and stored where the provider can read it, else it is UNSUPPORTED_BY_PROVIDER.',
  isOneOf: true,
  fields: t => ({
    id: t.id({ description: 'By our id.' }),
    provider: t.field({ type: ProviderRef, description: "By the provider's id." }),
  }),
})

interface LookupInput {
  readonly id?: string | null
  readonly provider?: { provider: Provider; providerId: string; parentProviderId?: string | null } | null
}

export function toLookup(typename: string, by: LookupInput): Lookup {
  return { id: by.id == null ? null : decodeId(typename, by.id), provider: by.provider }
}
