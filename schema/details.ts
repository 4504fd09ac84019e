import type { ObjectRef } from '@pothos/core'
import type { Details } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import { builder, type SchemaTypes } from './builder.ts'

/** What a member's resolvers get: the stored details, with the provider that chose the member. */
export type DetailsOf<T> = T & { readonly provider: Provider }

/** A union that provider folders join, one member each. */
function openUnion(name: string, description: string) {
  const members = new Map<Provider, { name: string; ref: ObjectRef<SchemaTypes, unknown> }>()
  const ref = builder.unionType(name, {
    description,
    types: () => [...members.values()].sort((a, b) => a.name.localeCompare(b.name)).map(member => member.ref),
    resolveType: value => members.get((value as DetailsOf<Details>).provider)?.name,
  })
  /** Adds a provider's member. `T` is the zod type of the provider's stored details. */
  function join<T>(provider: Provider, member: ObjectRef<SchemaTypes, T>): void {
    // The stored details were parsed by the provider's own zod type, so they have the member's shape.
    members.set(provider, { name: member.name, ref: member as ObjectRef<SchemaTypes, unknown> })
  }
  return { ref, join }
}

export const sessionDetails = openUnion('SessionDetails', 'What differs by provider about a session.')
export const applicantDetails = openUnion('ApplicantDetails', 'What differs by provider about an applicant.')
export const customerDetails = openUnion('CustomerDetails', 'What differs by provider about a customer.')
export const attemptDetails = openUnion('AttemptDetails', 'What differs by provider about an attempt.')

/** The value of a `details` field: what is stored, named by its provider. */
export function withProvider(record: { readonly provider: Provider; readonly details: Details }): DetailsOf<Details> {
  return { ...record.details, provider: record.provider }
}
