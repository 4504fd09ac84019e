import type { Drift } from './fault-rule.ts'

type Json = Record<string, unknown>

/** Changes a field of a JSON text. Text without that field, or that is not JSON, comes back as it was. */
export function drifted(text: string, drift: Drift): string {
  try {
    const value: unknown = JSON.parse(text)
    changeAt(value, drift.field.split('.'), drift)
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** `*` stands for every item of an array and every field of an object; an array's place can also be given by number. */
function changeAt(value: unknown, [name = '', ...rest]: readonly string[], drift: Drift): void {
  if (typeof value !== 'object' || value === null) return
  const parent = value as Json
  // From the last to the first: an item that is dropped moves those behind it.
  const names = Object.keys(parent).filter(key => name === '*' || key === name)
  for (const key of names.reverse()) {
    if (rest.length > 0) changeAt(parent[key], rest, drift)
    else change(parent, key, drift)
  }
}

function change(parent: Json, key: string, drift: Drift): void {
  const value = parent[key]
  switch (drift.change) {
    case 'drop':
      return drop(parent, key)
    case 'rename':
      drop(parent, key)
      parent[drift.to ?? `${key}_renamed`] = value
      return
    case 'retype':
      parent[key] = drift.to === undefined ? ofAnotherType(value) : drift.to
      return
    case 'word':
      if (typeof value === 'string') parent[key] = drift.to
  }
}

function drop(parent: Json, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete parent[key]
}

function ofAnotherType(value: unknown): unknown {
  return typeof value === 'string' ? 7 : 'of another type'
}
