import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The objects of one kind by id, in order of creation. */
export interface Collection<T> {
  get(id: string): T | undefined
  all(): T[]
  put(id: string, value: T): T
  delete(id: string): boolean
}

export interface Store {
  collection<T>(name: string): Collection<T>
  /** True if nothing was stored yet, so that the seed is needed. */
  readonly isNew: boolean
  toJSON(): Record<string, Record<string, unknown>>
}

/** Stores objects in memory, starting from the file of an earlier process. */
export function createStore(saved?: Record<string, Record<string, unknown>>): Store {
  const kinds = new Map<string, Map<string, unknown>>(
    Object.entries(saved ?? {}).map(([kind, values]) => [kind, new Map(Object.entries(values))]),
  )

  function collection<T>(name: string): Collection<T> {
    const values = (kinds.get(name) ?? new Map()) as Map<string, T>
    kinds.set(name, values)
    return {
      get: id => values.get(id),
      all: () => [...values.values()],
      put: (id, value) => {
        values.set(id, value)
        return value
      },
      delete: id => values.delete(id),
    }
  }

  return {
    collection,
    isNew: saved === undefined,
    toJSON: () => Object.fromEntries([...kinds].map(([kind, values]) => [kind, Object.fromEntries(values)])),
  }
}

export interface SavedState {
  readonly offsetSeconds: number
  readonly objects: Record<string, Record<string, unknown>>
}

export function readState(file: string): SavedState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SavedState
  } catch {
    return undefined
  }
}

export function writeState(file: string, state: SavedState): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
