/** Values that were looked up lately, so that the same is not looked up for each request. */
export interface ShortMemory<T> {
  /** What was remembered, else what `find` gives now. A value that is undefined is not remembered. */
  recall(key: string, find: () => Promise<T | undefined>): Promise<T | undefined>
  forget(): void
}

export interface ShortMemoryOptions {
  readonly forMs: number
  readonly atMost: number
  readonly now: () => Date
}

export function createShortMemory<T>({ forMs, atMost, now }: ShortMemoryOptions): ShortMemory<T> {
  const known = new Map<string, { readonly value: T; readonly until: number }>()
  return {
    recall: async (key, find) => {
      const remembered = known.get(key)
      if (remembered && remembered.until > now().getTime()) return remembered.value
      known.delete(key)
      const value = await find()
      if (value === undefined) return undefined
      // The one that came in first is the first to go.
      if (known.size >= atMost) known.delete(known.keys().next().value ?? '')
      known.set(key, { value, until: now().getTime() + forMs })
      return value
    },
    forget: () => known.clear(),
  }
}
