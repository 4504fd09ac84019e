import { isDeepStrictEqual } from 'node:util'
import type { StoredApplicant } from '../../../db/records/applicant-repository.ts'
import type { StoredCustomer } from '../../../db/records/customer-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import type { Details } from '../../domain/json.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'
import type { Account } from '../accounts/account.ts'
import { OverlapError, type ProviderRead } from './read-sequence.ts'

/**
 * The upsert-*.ts files store provider answers. A field that the answer lacks stays unchanged. Of two answers the one whose
 * request began later wins; if that order is unknown, storing throws an OverlapError and the record must be read again.
 * Each function is one step of the caller's transaction.
 */

export interface SnapshotContext {
  readonly account: Account
  readonly source: ChangeSource
  /** The request whose answer this is. */
  readonly providerRead: ProviderRead
  readonly now: Date
  /** True if the answer cannot be requested again: an overlapping one is then dropped without an OverlapError. */
  readonly once?: boolean
  /** When the create was sent, for an answer to a create. */
  readonly sentAt?: Date
}

/** True if the answer replaces the stored one. Throws OverlapError if their order is unknown. */
export function isNewer({ providerRead, once }: SnapshotContext, storedId: string | null): boolean {
  const order = providerRead.compareTo(storedId)
  if (order === 'OVERLAPPING' && !once) throw new OverlapError(storedId ?? '')
  return order === 'LATER'
}

/** The columns that identify the read of a record. */
export function readColumnsOf({ providerRead }: SnapshotContext) {
  return { fetchedAt: providerRead.startedAt, startedMs: providerRead.startedMs, readId: providerRead.id }
}

/** The same for the attempts, if the answer has them. */
export function attemptsReadColumnsOf({ providerRead }: SnapshotContext, attempts: readonly unknown[] | undefined) {
  if (!attempts) return {}
  return { attemptsFetchedAt: providerRead.startedAt, attemptsStartedMs: providerRead.startedMs }
}

export function recordKeyOf({ account }: SnapshotContext, id: string, providerId: string) {
  return { id, tenantId: account.tenantId, accountId: account.id, provider: account.provider, providerId }
}

/** The reported details over the stored ones, parsed by the provider's schema. */
export function mergeDetails(
  schema: Account['details']['applicant'],
  known: Details | undefined,
  reported: Details,
): Details {
  const merged = { ...known, ...withoutUndefined(reported) }
  return schema ? schema.parse(merged) : merged
}

function withoutUndefined(details: Details): Details {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}

/** The fields of a change that differ from the stored record. */
export function newTo<Change extends object>(known: Known, change: Change): Partial<Change> {
  const { sync } = known
  const holds = (field: string, value: unknown) => {
    if (field === 'source') return value === sync?.source
    if (field === 'unrecognized') return value === (sync?.unrecognized ?? false)
    return isDeepStrictEqual(known[field as keyof Known], value)
  }
  return Object.fromEntries(Object.entries(change).filter(([field, value]) => !holds(field, value))) as Partial<Change>
}

type Known = Pick<StoredApplicant | StoredCustomer | StoredSession, 'sync'>

/** True if these fields of a change equal the stored record. */
export function isAlreadyStored<K extends string>(
  known: Readonly<Record<K, unknown>>,
  change: Readonly<Partial<Record<K, unknown>>>,
  fields: readonly K[],
): boolean {
  return fields.every(field => change[field] === undefined || isDeepStrictEqual(known[field], change[field]))
}

/** The fields of a linked record that the linking record needs. */
export interface LinkTarget {
  readonly id: string
  readonly externalId: string | null
  /** An applicant's own. */
  readonly customerId?: string | null
  readonly details?: Details
}
