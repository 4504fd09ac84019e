/** JSON with sorted keys: equal values give equal texts. Undefined counts as absent. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !(inner instanceof Date)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * Provider-specific fields of a record, as stored. The shape is the provider's zod type of its stored details; shared
 * code treats it as opaque.
 */
export type Details = JsonObject
