/** The sessions with subscribers in this process. */
export interface FollowedSessions {
  add(id: string): void
  delete(id: string): void
  has(id: string): boolean
  ids(): readonly string[]
}

export function createFollowedSessions(): FollowedSessions {
  const counts = new Map<string, number>()
  return {
    add: id => void counts.set(id, (counts.get(id) ?? 0) + 1),
    delete: id => {
      const remaining = (counts.get(id) ?? 0) - 1
      if (remaining > 0) counts.set(id, remaining)
      else counts.delete(id)
    },
    has: id => counts.has(id),
    ids: () => [...counts.keys()],
  }
}
