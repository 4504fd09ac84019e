import type { budgetsOf } from '../../domain/access/caller.ts'

/** Whose a connection or place is: an API key, and for a client token its subject. */
export type Owner = Pick<ReturnType<typeof budgetsOf>, 'key' | 'token'>

/** All callers whose key was not valid before. */
export const UNKNOWN_OWNER: Owner = { key: '', token: null }

export interface OwnedPlace {
  readonly owner: Owner
}

/** Those of the key that has most, and of these those of the client token that has most. `sizeOf`: what one of them takes. */
export function ofLargestOwner<One extends OwnedPlace>(
  all: readonly One[],
  sizeOf: (one: One) => number,
): readonly One[] {
  const ofKey = largestGroup(all, ({ owner }) => owner.key, sizeOf)
  return largestGroup(ofKey, ({ owner }) => owner.token, sizeOf)
}

function largestGroup<One>(
  all: readonly One[],
  nameOf: (one: One) => string | null,
  sizeOf: (one: One) => number,
): readonly One[] {
  const sizes = new Map<string | null, number>()
  for (const one of all) sizes.set(nameOf(one), (sizes.get(nameOf(one)) ?? 0) + sizeOf(one))
  const [largest] = [...sizes].reduce((most, group) => (group[1] > most[1] ? group : most), [null, -1])
  return all.filter(one => nameOf(one) === largest)
}

/** True if both are the same key or client token. */
export function isSameOwner(one: Owner, other: Owner): boolean {
  return one.key === other.key && one.token === other.token
}
