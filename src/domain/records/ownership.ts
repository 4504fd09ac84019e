import type { InputIssue } from '../errors.ts'

/**
 * The owner of a record is its externalId, the caller's own id of a person. It comes from the record itself, else from
 * its applicant, else from its customer. All of them have to name the same person. A contradiction in an input is
 * rejected before anything is sent. A contradiction in a provider's response clears the externalId, so that no client
 * token grants access to the record until the caller sets one.
 */

/** The stored owner. Pinned: the caller set or removed it, or it was contradicted; nothing changes it automatically. */
export interface Owned {
  readonly externalId: string | null
  readonly externalIdPinned: boolean
}

export interface Ownership {
  readonly externalId: string | null
  readonly isContradicted: boolean
}

type Named = string | null | undefined

/** `named` in order of precedence. `others` set no owner, but may not contradict it. */
export function ownerOf(named: readonly Named[], others: readonly Named[] = []): Ownership {
  const persons = new Set([...named, ...others].filter(externalId => externalId != null))
  if (persons.size > 1) return { externalId: null, isContradicted: true }
  return { externalId: named.find(externalId => externalId != null) ?? null, isContradicted: false }
}

/**
 * The owner of a record after a response. A stored owner stays, whatever the response reports; without one, all
 * reported ids have to agree. `linked`: the owners of the linked records, in order of precedence. `others` may not
 * contradict the owner.
 */
export function takeOwnership(
  known: Owned | undefined,
  reported: readonly Named[],
  linked: readonly Named[] = [],
  others: readonly Named[] = [],
): Ownership {
  if (known?.externalIdPinned && known.externalId === null) return { externalId: null, isContradicted: false }
  if (known?.externalId != null) return ownerOf([known.externalId, ...linked], others)
  return ownerOf([...reported, ...linked], others)
}

/** True if the record follows a change of its linked records. `from`: the previous externalId of one of them. */
export function follows({ externalId, externalIdPinned }: Owned, from: string | null): boolean {
  return !externalIdPinned && (externalId === null || externalId === from)
}

/** The values to store. Undefined keeps the stored value. */
export function toOwnershipChange({ externalId, isContradicted }: Ownership, isCallers: boolean) {
  if (isContradicted) return { externalId: null, externalIdPinned: true }
  return { externalId: externalId ?? undefined, externalIdPinned: isCallers || undefined }
}

/** A person named in an input. `field`: relative to `input`. */
export interface Claim {
  readonly field: string
  readonly externalId: Named
}

/** The issue of an input whose fields name different persons. The message names no person. */
export function findContradiction(claims: readonly Claim[]): InputIssue[] {
  const naming = claims.filter(claim => claim.externalId != null)
  if (!ownerOf(naming.map(claim => claim.externalId)).isContradicted) return []
  const fields = [...new Set(naming.map(claim => claim.field))].join(', ')
  return [
    {
      path: ['input', 'externalId'],
      message: `Expected the same externalId for all records in these fields: ${fields}.`,
    },
  ]
}
