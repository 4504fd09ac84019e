import { isDeepStrictEqual } from 'node:util'
import type { Details } from '../domain/json.ts'
import type { StatusSource } from '../domain/sync.ts'
import type { Account } from './accounts.ts'

/**
 * What a provider said is written down by store-*.ts. What it did not say stays as it is; of two answers the one whose
 * request began later wins, whichever comes in first. Each function is one step of a transaction that the caller holds.
 */

export interface Said {
  readonly account: Account
  readonly source: StatusSource
  /** When the request began whose answer this is. */
  readonly beganAt: Date
  readonly now: Date
}

export function keyOf({ account }: Said, id: string, providerId: string) {
  return { id, tenantId: account.tenantId, accountId: account.id, provider: account.provider, providerId }
}

/** The externalId to store: what was known first stays, and what the caller set or removed stays as it is. */
export function toExternalId(
  known: { readonly externalId: string | null; readonly externalIdPinned: boolean } | undefined,
  ...said: readonly (string | null | undefined)[]
): string | undefined {
  if (known?.externalIdPinned) return undefined
  return [known?.externalId, ...said].find(id => id != null) ?? undefined
}

/** What is stored under what was told now, in the shape that the provider's own zod type gives it. */
export function mergeDetails(
  schema: Account['details']['applicant'],
  known: Details | undefined,
  told: Details,
): Details {
  const merged = { ...known, ...withoutUndefined(told) }
  return schema ? schema.parse(merged) : merged
}

function withoutUndefined(details: Details): Details {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}

/** True where the stored record holds already what a change tells of these fields. */
export function holds<K extends string>(
  known: Readonly<Record<K, unknown>>,
  change: Readonly<Partial<Record<K, unknown>>>,
  fields: readonly K[],
): boolean {
  return fields.every(field => change[field] === undefined || isDeepStrictEqual(known[field], change[field]))
}

/** A record that another one names: what is passed on of it. */
export interface LinkTarget {
  readonly id: string
  readonly externalId: string | null
}
