import { z } from 'zod'

export type DriftGrade = 'ABSORBED' | 'DEGRADED' | 'REFUSED'

/** Something in an answer that its schema does not say. Paths have no values in them: list places are `*`. */
export interface Drift {
  readonly operation: string
  readonly grade: DriftGrade
  readonly path: string
}

export interface CountedDrift extends Drift {
  readonly count: number
  readonly lastAt: Date
}

/** Counts drift by what, where and how bad. */
export interface DriftLog {
  add(drift: Drift): void
  readonly total: number
  list(): readonly CountedDrift[]
}

const MOST_KINDS = 500

export function createDriftLog(): DriftLog {
  const kinds = new Map<string, CountedDrift>()
  let total = 0
  return {
    add(drift) {
      total++
      const key = `${drift.operation}|${drift.grade}|${drift.path}`
      const known = kinds.get(key)
      // What a provider sends must not fill our memory: beyond so many kinds only the total grows.
      if (!known && kinds.size >= MOST_KINDS) return
      kinds.set(key, { ...drift, count: (known?.count ?? 0) + 1, lastAt: new Date() })
    },
    get total() {
      return total
    },
    list: () => [...kinds.values()],
  }
}

/** The paths at which an answer says more than its schema: fields it does not know, words that are none of its known ones. */
export function findUnknown(schema: z.ZodType, value: unknown): string[] {
  const found = new Set<string>()
  visit(schema, value, [], found)
  return [...found]
}

function visit(schema: z.ZodType, value: unknown, path: readonly string[], found: Set<string>): void {
  if (value === null || value === undefined) return
  const inner = unwrap(schema)
  if (inner instanceof z.ZodString && isUnknownWord(schema, inner, value)) found.add(path.join('.'))
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    for (const item of value) visit(inner.element as z.ZodType, item, [...path, '*'], found)
  }
  if (inner instanceof z.ZodRecord && isObject(value)) {
    for (const item of Object.values(value)) visit(inner.valueType as z.ZodType, item, [...path, '*'], found)
  }
  if (inner instanceof z.ZodObject && isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const field = Object.hasOwn(inner.shape, key) ? (inner.shape[key] as z.ZodType) : undefined
      if (field) visit(field, item, [...path, key], found)
      else found.add([...path, toSafeKey(key)].join('.'))
    }
  }
}

/** A wire schema names the known words of an open word list as `.meta({ known })`. */
function isUnknownWord(outer: z.ZodType, inner: z.ZodType, value: unknown): boolean {
  const known = (inner.meta() ?? outer.meta())?.known
  return Array.isArray(known) && typeof value === 'string' && !known.includes(value)
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema
}

/** A key is the provider's; one that does not look like a name could be a value. */
function toSafeKey(key: string): string {
  return /^[A-Za-z_][\w ]{0,39}$/.test(key) ? key : '?'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
