import type { ObjectRef } from '@pothos/core'
import type { Details } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { builder, type SchemaTypes } from '../builder.ts'

/** The parent value of a member's resolvers: the stored details, with the provider that determines the member. */
export type DetailsOf<T> = T & { readonly provider: Provider }

/** A union with one member for each provider, which the provider folders add. */
function extensibleUnion(name: string, description: string) {
  const members = new Map<Provider, { name: string; ref: ObjectRef<SchemaTypes, unknown> }>()
  const ref = builder.unionType(name, {
    description,
    types: () => [...members.values()].sort((a, b) => a.name.localeCompare(b.name)).map(member => member.ref),
    resolveType: value => members.get((value as DetailsOf<Details>).provider)?.name,
  })
  /** Adds a provider's member. `T` is the zod type of the provider's stored details. */
  function join<T>(provider: Provider, member: ObjectRef<SchemaTypes, T>): void {
    // The provider's zod type parsed the stored details, so they have the member's shape.
    members.set(provider, { name: member.name, ref: member as ObjectRef<SchemaTypes, unknown> })
  }
  return { ref, join }
}

export const sessionDetailsUnion = extensibleUnion('SessionDetails', 'Fields of a session that only its provider has.')
export const applicantDetailsUnion = extensibleUnion(
  'ApplicantDetails',
  'Fields of an applicant that only its provider has.',
)
export const customerDetailsUnion = extensibleUnion(
  'CustomerDetails',
  'Fields of a customer that only its provider has.',
)
export const attemptDetailsUnion = extensibleUnion('AttemptDetails', 'Fields of an attempt that only its provider has.')

/** The value of a `details` field. */
export function withProvider(record: { readonly provider: Provider; readonly details: Details }): DetailsOf<Details> {
  return { ...record.details, provider: record.provider }
}
