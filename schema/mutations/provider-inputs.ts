import type { InputObjectRef } from '@pothos/core'
import type { CreateRequest } from '../../src/domain/records/operation.ts'
import { builder, type SchemaTypes } from '../builder.ts'

/** One provider's key of a one-of input. `T` is the type of its value. */
export interface InputMember<T> {
  readonly field: string
  readonly description: string
  readonly type: InputObjectRef<SchemaTypes, T>
  toRequest(value: T): CreateRequest
}

/** A one-of input with one key for each provider, which the provider folders add. */
function extensibleOneOf(name: string, description: string) {
  const members = new Map<string, InputMember<object>>()
  const ref = builder.inputRef<Record<string, object | null | undefined>>(name).implement({
    description,
    isOneOf: true,
    fields: t =>
      Object.fromEntries(
        [...members.values()]
          .sort((a, b) => a.field.localeCompare(b.field))
          .map(({ field, description, type }) => [field, t.field({ description, type })]),
      ),
  })
  function join<T>(member: InputMember<T>): void {
    // GraphQL parses the value of a key by that member's input type, so `toRequest` receives its T.
    members.set(member.field, member as InputMember<object>)
  }
  /** The request for the given key. GraphQL has checked that there is exactly one. */
  function toRequest(value: Readonly<Record<string, object | null | undefined>>): CreateRequest {
    const [field = '', given] = Object.entries(value).find(([, inner]) => inner != null) ?? []
    const member = members.get(field)
    if (!member || !given) throw new TypeError(`${name} has no key ${field}`)
    return member.toRequest(given)
  }
  return { ref, join, toRequest }
}

export const providerSessionInput = extensibleOneOf(
  'ProviderSessionInput',
  'The provider to create a session at: exactly one key.',
)
export const providerApplicantInput = extensibleOneOf(
  'ProviderApplicantInput',
  'The provider to create an applicant at: exactly one key.',
)
export const providerCustomerInput = extensibleOneOf(
  'ProviderCustomerInput',
  'The provider to create a customer at: exactly one key.',
)
