/** Mutations of provider responses. */

export type Path = readonly (string | number)[]

/** All paths in a JSON value, including containers, without the root. */
export function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, inner]) => [[...at, key], ...placesIn(inner, [...at, key])])
}

/** Replaces the value at a path by one of another type. Null stays null, because its type is unknown. */
export function mistypedAt(value: unknown, path: Path): unknown {
  return changedAt(value, path, otherType)
}

/** Returns a copy with the value at a path changed. A missing path is created. */
export function changedAt(value: unknown, [key, ...rest]: Path, change: (inner: unknown) => unknown): unknown {
  if (key === undefined) return change(value)
  if (Array.isArray(value)) return value.map((inner, at) => (at === key ? changedAt(inner, rest, change) : inner))
  const inner = changedAt((value as Record<string, unknown>)[key], rest, change)
  return { ...(value as object), [key]: inner }
}

/** Returns a copy in which every leaf has another type. */
export function mistyped(value: unknown): unknown {
  return mapLeaves(value, otherType)
}

function otherType(value: unknown): unknown {
  if (value === null) return null
  return typeof value === 'object' ? 'no object' : { no: typeof value }
}

/**
 * Returns a copy with an undocumented field in every object. An object whose values all have the same type other than string
 * may be a map, where a new key is no new field: only the root gets one then, of the type of its values.
 */
export function withUnknownFields(value: unknown, isRoot = true): unknown {
  if (Array.isArray(value)) return value.map(inner => withUnknownFields(inner, isRoot))
  if (!isObject(value)) return value
  const fields = Object.entries(value).map(([key, inner]) => [key, withUnknownFields(inner, false)])
  const [beside] = Object.values(value)
  const isMap = Object.values(value).every(inner => typeof inner !== 'string' && kindOf(inner) === kindOf(beside))
  if (isMap && !isRoot) return Object.fromEntries(fields)
  return { ...Object.fromEntries(fields), never_heard_of: isMap && isObject(beside) ? {} : 'a word' }
}

function isObject(value: unknown): value is object {
  return kindOf(value) === 'object'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** All paths with this value, as a string or as a number. */
export function placesOf(word: string, value: unknown): Path[] {
  return placesIn(value).filter(path => {
    const found = path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value)
    return typeof found !== 'object' && String(found) === word
  })
}

function mapLeaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(inner => mapLeaves(inner, change))
  if (typeof value !== 'object' || value === null) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapLeaves(inner, change)]))
}
