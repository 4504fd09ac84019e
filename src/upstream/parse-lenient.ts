import type { z } from 'zod'
import { type SchemaPath, toSafePath, toShape } from './drift.ts'

/** A parsed response, and the paths of the optional values that were unusable. */
export interface Parsed<T> {
  readonly value: T
  readonly degraded: readonly SchemaPath[]
}

/**
 * Parses a provider's response. Unknown fields are ignored. An optional value that does not match the schema is dropped
 * and reported as degraded. If a required value does not match, the result is undefined.
 */
export function parseLenient<T>(schema: z.ZodType<T>, sent: unknown): Parsed<T> | undefined {
  const degraded = new Map<string, SchemaPath>()
  let candidate = sent
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(candidate)
    if (result.success) return { value: result.data, degraded: [...degraded.values()] }
    const paths = result.error.issues.map(issue => nearestValue(candidate, issue.path))
    if (paths.some(path => path.length === 0)) return undefined
    for (const path of paths) {
      const location = { path: toSafePath(schema, path), shape: toShape(valueAt(candidate, path)) }
      degraded.set(location.path, location)
    }
    candidate = paths.reduce(withNull, structuredClone(candidate))
  }
  return undefined
}

/** Each round drops a value or moves one level up, which bounds deep nesting. */
const MAX_ROUNDS = 16

type Path = readonly PropertyKey[]

/** The path if it has a value, else the path of its nearest existing ancestor. */
function nearestValue(value: unknown, path: Path): Path {
  const found = valueAt(value, path)
  return path.length === 0 || (found !== undefined && found !== null) ? path : nearestValue(value, path.slice(0, -1))
}

/**
 * Sets the value at `path` to null, in place. Optional fields of a wire schema accept null; required ones fail the next
 * round.
 */
function withNull(value: unknown, path: Path): unknown {
  const parent = valueAt(value, path.slice(0, -1))
  const last = path.at(-1)
  if (isIndexable(parent) && last !== undefined) parent[last] = null
  return value
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (isIndexable(inner) ? inner[key] : undefined), value)
}

function isIndexable(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null
}
