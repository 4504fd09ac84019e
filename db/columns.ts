import type { Json } from '../src/domain/json.ts'
import type { StatusSource, Sync } from '../src/domain/sync.ts'
import { UnreadableError, type Vault } from '../src/security/vault.ts'

/** Between the domain's values and what the columns hold. Undefined stays undefined: the column is left as it is. */

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

export function sealJson(vault: Vault, value: Json): string
export function sealJson(vault: Vault, value: Json | undefined): string | null | undefined
export function sealJson(vault: Vault, value: Json | undefined): string | null | undefined {
  return value == null ? value : vault.seal(JSON.stringify(value))
}

/**
 * What `sealJson` wrote of a value of type T: only repositories write these columns. Null for what cannot be opened, which
 * is reported: one damaged value must not take a whole list with it.
 */
export function openJson<T>(vault: Vault, sealed: string | null): T | null {
  const text = openText(vault, sealed)
  return text === null ? null : (JSON.parse(text) as T)
}

/** The text that was sealed; null for what cannot be opened, which is reported. */
export function openText(vault: Vault, sealed: string | null): string | null {
  if (sealed === null) return null
  try {
    return vault.open(sealed)
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    vault.report(error)
    return null
  }
}

/** The same for what nothing can be done without. Throws UnreadableError. */
export function mustOpenJson<T>(vault: Vault, sealed: string): T {
  return JSON.parse(vault.open(sealed)) as T
}

export function parseJson<T>(text: string): T {
  return JSON.parse(text) as T
}

/** What a row knows of when and how its record was read; what went wrong since is known by whoever tries. */
export function toSync(fetchedAt: Date, source: string): Sync {
  return { fetchedAt, stale: false, source: source as StatusSource, lastError: null }
}

/** Leaves out what is undefined, so that an update changes only what was told. */
export function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const told: Partial<T> = {}
  for (const name in values) if (values[name] !== undefined) told[name] = values[name]
  return told as { [K in keyof T]: Exclude<T[K], undefined> }
}
