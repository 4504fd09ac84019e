/** So long an answer does for everybody who asks the same. */
const REMEMBERED_MS = 5_000
const MOST_REMEMBERED = 500

export interface BriefMemory {
  <T>(key: string, ask: () => Promise<T>): Promise<T>
  /** The next one asks. */
  forget(key: string): void
}

/** Asks once for all who want to know the same within some seconds. What failed is asked again. */
export function createBriefMemory(): BriefMemory {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<unknown> }>()

  const remember = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const at = performance.now()
    const before = known.get(key)
    // What is under a key was asked by the same question.
    if (before && at - before.at < REMEMBERED_MS) return before.answer as Promise<T>
    if (known.size >= MOST_REMEMBERED) known.clear()
    const answer = ask()
    known.set(key, { at, answer })
    answer.catch(() => known.delete(key))
    return answer
  }
  return Object.assign(remember, { forget: (key: string) => void known.delete(key) })
}
