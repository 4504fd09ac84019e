/** What is followed live in this process. */
export interface Watched {
  add(id: string): void
  delete(id: string): void
  has(id: string): boolean
  ids(): readonly string[]
}

export function createWatched(): Watched {
  const counts = new Map<string, number>()
  return {
    add: id => void counts.set(id, (counts.get(id) ?? 0) + 1),
    delete: id => {
      const left = (counts.get(id) ?? 0) - 1
      if (left > 0) counts.set(id, left)
      else counts.delete(id)
    },
    has: id => counts.has(id),
    ids: () => [...counts.keys()],
  }
}
