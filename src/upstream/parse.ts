import type { z } from 'zod'
import { type Place, toSafePath, toShape } from './drift.ts'

/** What an answer lost against its schema: the places whose values were unusable and optional. */
export interface Parsed<T> {
  readonly value: T
  readonly degraded: readonly Place[]
}

/**
 * Parses what a provider sent. An unknown field is absorbed; an optional field of a wrong type is dropped and reported
 * as degraded, and so is an optional part with something unusable in it; anything else that does not fit gives
 * undefined: the answer is refused.
 */
export function parseTolerantly<T>(schema: z.ZodType<T>, sent: unknown): Parsed<T> | undefined {
  const degraded = new Map<string, Place>()
  let candidate = sent
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(candidate)
    if (result.success) return { value: result.data, degraded: [...degraded.values()] }
    const paths = result.error.issues.map(issue => nearestValue(candidate, issue.path))
    if (paths.some(path => path.length === 0)) return undefined
    for (const path of paths) {
      const place = { path: toSafePath(schema, path), shape: toShape(valueAt(candidate, path)) }
      degraded.set(place.path, place)
    }
    candidate = paths.reduce(withNull, structuredClone(candidate))
  }
  return undefined
}

/** Each round drops something or goes one level up, so that deep nesting ends. */
const MAX_ROUNDS = 16

type Path = readonly PropertyKey[]

/** The path itself where something stands there, else that of the nearest thing around it. */
function nearestValue(value: unknown, path: Path): Path {
  const found = valueAt(value, path)
  return path.length === 0 || (found !== undefined && found !== null) ? path : nearestValue(value, path.slice(0, -1))
}

/** Sets the value at `path` to null, in place: what is optional in a wire schema may be null, what is not is refused. */
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
