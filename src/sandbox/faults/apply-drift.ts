import type { DriftFault } from './fault-rule.ts'

type Json = Record<string, unknown>

/** The JSON text with one field changed; undefined if it has no such field or is not JSON. */
export function applyDrift(text: string, drift: DriftFault): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return changeAt(value, drift.field.split('.'), drift) ? JSON.stringify(value) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** `*` matches every item of an array and every field of an object; a number matches an array index. */
function changeAt(value: unknown, [name = '', ...rest]: readonly string[], drift: DriftFault): boolean {
  if (typeof value !== 'object' || value === null) return false
  const parent = value as Json
  // From last to first, because dropping an item shifts the ones after it.
  const keys = Object.keys(parent).filter(key => name === '*' || key === name)
  const changed = keys.reverse().map(key => {
    return rest.length > 0 ? changeAt(parent[key], rest, drift) : change(parent, key, drift)
  })
  return changed.includes(true)
}

function change(parent: Json, key: string, drift: DriftFault): boolean {
  const value = parent[key]
  if (drift.change === 'word' && typeof value !== 'string') return false
  if (drift.change === 'drop' || drift.change === 'rename') drop(parent, key)
  if (drift.change === 'rename') parent[drift.to ?? `${key}_renamed`] = value
  if (drift.change === 'retype') parent[key] = drift.to === undefined ? changeType(value) : drift.to
  if (drift.change === 'word') parent[key] = drift.to
  return true
}

function drop(parent: Json, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete parent[key]
}

function changeType(value: unknown): unknown {
  return typeof value === 'string' ? 7 : 'of another type'
}
