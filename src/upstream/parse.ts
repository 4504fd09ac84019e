import type { z } from 'zod'

/** What an answer lost against its schema: the paths whose values were unusable and optional. */
export interface Parsed<T> {
  readonly value: T
  readonly degraded: readonly string[]
}

/**
 * Parses what a provider sent. An unknown field is absorbed; an optional field of a wrong type is dropped and reported
 * as degraded; anything else that does not fit gives undefined: the answer is refused.
 */
export function parseTolerantly<T>(schema: z.ZodType<T>, sent: unknown): Parsed<T> | undefined {
  const degraded: string[] = []
  let candidate = sent
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(candidate)
    if (result.success) return { value: result.data, degraded }
    const paths = result.error.issues.map(issue => issue.path.map(key => (typeof key === 'symbol' ? '' : key)))
    const fresh = paths.filter(path => path.length > 0 && hasValue(candidate, path))
    if (fresh.length === 0) return undefined
    candidate = fresh.reduce(without, structuredClone(candidate))
    degraded.push(...fresh.map(path => path.join('.')))
  }
  return undefined
}

const MAX_ROUNDS = 8

type Path = readonly (string | number)[]

function hasValue(value: unknown, path: Path): boolean {
  const found = path.reduce<unknown>((inner, key) => (isIndexable(inner) ? inner[key] : undefined), value)
  return found !== undefined && found !== null
}

/** Sets the value at `path` to null, in place: what is optional in a wire schema may be null, what is not is refused. */
function without(value: unknown, path: Path): unknown {
  const parent = path.slice(0, -1).reduce<unknown>((inner, key) => (isIndexable(inner) ? inner[key] : undefined), value)
  const last = path.at(-1)
  if (isIndexable(parent) && last !== undefined) parent[last] = null
  return value
}

function isIndexable(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}
