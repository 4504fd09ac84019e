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
  const [key, ...rest] = path
  if (key === undefined) return otherType(value)
  if (Array.isArray(value)) return value.map((inner, index) => (index === key ? mistypedAt(inner, rest) : inner))
  const entries = Object.entries(value as object)
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === key ? mistypedAt(inner, rest) : inner]))
}

/** The same value with every leaf of another type. */
export function mistyped(value: unknown): unknown {
  return mapLeaves(value, otherType)
}

function otherType(value: unknown): unknown {
  if (value === null) return null
  return typeof value === 'object' ? 'no object' : { no: typeof value }
}

/** The same value with a field in every object that nobody documented. */
export function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([key, inner]) => [key, withUnknownFields(inner)])
  return { ...Object.fromEntries(fields), never_heard_of: 'a word' }
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
