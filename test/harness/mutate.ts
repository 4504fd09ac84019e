/** Changes to what a provider sends. */

export type Path = readonly (string | number)[]

/** Every place in a JSON value, the containers included and the root not. */
export function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, inner]) => [[...at, key], ...placesIn(inner, [...at, key])])
}

/** Puts something of another type at a place; null stays null, for nobody knows what else it may be. */
export function mistypedAt(value: unknown, path: Path): unknown {
  return changedAt(value, path, otherType)
}

/** The same value with what stands at a place changed; a place that is not there is made. */
export function changedAt(value: unknown, [key, ...rest]: Path, change: (inner: unknown) => unknown): unknown {
  if (key === undefined) return change(value)
  if (Array.isArray(value)) return value.map((inner, at) => (at === key ? changedAt(inner, rest, change) : inner))
  const inner = changedAt((value as Record<string, unknown>)[key], rest, change)
  return { ...(value as object), [key]: inner }
}

/** The same value with every leaf of another type. */
export function mistyped(value: unknown): unknown {
  return mapLeaves(value, otherType)
}

function otherType(value: unknown): unknown {
  if (value === null) return null
  return typeof value === 'object' ? 'no object' : { no: typeof value }
}

/** The same value with a field in every object that nobody documented, of the kind of those beside it. */
export function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([key, inner]) => [key, withUnknownFields(inner)])
  const beside = Object.values(value)
  const isRecord = beside.length > 0 && beside.every(isObject)
  return { ...Object.fromEntries(fields), never_heard_of: isRecord ? {} : 'a word' }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same value with a status word replaced wherever it stands as one. */
export function withStatusWord(value: unknown, word: string, other: string, key = ''): unknown {
  if (Array.isArray(value)) return value.map(inner => withStatusWord(inner, word, other, key))
  if (typeof value !== 'object' || value === null) return /status|answer/i.test(key) && value === word ? other : value
  const fields = Object.entries(value).map(([name, inner]) => [name, withStatusWord(inner, word, other, name)])
  return Object.fromEntries(fields)
}

function mapLeaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(inner => mapLeaves(inner, change))
  if (typeof value !== 'object' || value === null) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapLeaves(inner, change)]))
}
