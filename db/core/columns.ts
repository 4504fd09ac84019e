import type { Json } from '../../src/domain/json.ts'
import type { ChangeSource, Sync } from '../../src/domain/records/sync.ts'
import { type FieldEncryption, type Place, UnreadableError } from '../../src/security/field-encryption.ts'
import type { RecordRow, Tables } from './tables.ts'

/** Conversion between domain values and columns. Undefined stays undefined, so that an update omits the column. */

export function toTime(value: Date | null): number | null
export function toTime(value: Date | null | undefined): number | null | undefined
export function toTime(value: Date | null | undefined): number | null | undefined {
  return value == null ? value : value.getTime()
}

export function toDate(value: number): Date
export function toDate(value: number | null): Date | null
export function toDate(value: number | null): Date | null {
  return value === null ? null : new Date(value)
}

export function toFlag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

/** The names of a table's encrypted columns. */
export type EncryptedColumn<Table extends keyof Tables> = Extract<keyof Tables[Table], `${string}_encrypted`>

/** A row whose primary key is its id. */
export interface TenantOwnedRow {
  readonly id: string
  readonly tenantId: string
}

/** The place of a value in a tenant's row. */
export function placeIn<Table extends keyof Tables>(
  table: Table,
  column: EncryptedColumn<Table>,
  { id, tenantId }: TenantOwnedRow,
): Place {
  return { table, column, tenantId, key: [id] }
}

export function encryptJson(encryption: FieldEncryption, value: Json, place: Place): string
export function encryptJson(
  encryption: FieldEncryption,
  value: Json | undefined,
  place: Place,
): string | null | undefined
export function encryptJson(
  encryption: FieldEncryption,
  value: Json | undefined,
  place: Place,
): string | null | undefined {
  return value == null ? value : encryption.encrypt(JSON.stringify(value), place)
}

/**
 * A value of type T that `encryptJson` wrote: only repositories write these columns. Null for a value that cannot be
 * decrypted, which is reported: one damaged value must not fail a whole list.
 */
export function decryptJson<T>(encryption: FieldEncryption, encrypted: string | null, place: Place): T | null {
  const text = decryptText(encryption, encrypted, place)
  return text === null ? null : (JSON.parse(text) as T)
}

/** The decrypted text; null for a value that cannot be decrypted, which is reported. */
export function decryptText(encryption: FieldEncryption, encrypted: string | null, place: Place): string | null {
  if (encrypted === null) return null
  try {
    return encryption.decrypt(encrypted, place)
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    encryption.report(error)
    return null
  }
}

/** Throws UnreadableError where the value cannot be decrypted. */
export function decryptJsonOrThrow<T>(encryption: FieldEncryption, encrypted: string, place: Place): T {
  return JSON.parse(encryption.decrypt(encrypted, place)) as T
}

export function parseJson<T>(text: string): T {
  return JSON.parse(text) as T
}

/** When and how the row was fetched. A later error is known only to the request that met it. */
export function toSync(fetchedAt: Date, row: ReadColumns): Sync {
  const { read_id: readId, read_started_at: startedMs, source, unrecognized = 0 } = row
  const sync = { fetchedAt, stale: false, source: source as ChangeSource, lastError: null, readId, startedMs }
  if (unrecognized === 0) return sync
  const lastError = { code: 'PROVIDER_CONTRACT_BROKEN', message: UNRECOGNIZED, at: fetchedAt } as const
  return { ...sync, stale: true, lastError, unrecognized: true }
}

type ReadColumns = Pick<RecordRow, 'read_started_at' | 'read_id'> & {
  readonly source: string
  readonly unrecognized?: number
}

const UNRECOGNIZED = 'The provider sent an unknown status or outcome. The record shows the last known one.'

/** Omits undefined values, so that an update changes only the given columns. */
export function omitUndefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present: Partial<T> = {}
  for (const name in values) if (values[name] !== undefined) present[name] = values[name]
  return present as { [K in keyof T]: Exclude<T[K], undefined> }
}
