import { LRUCache } from 'lru-cache'

const TTL_MS = 5_000
const MAX_RESULTS = 500

export type QueryCache = ReturnType<typeof createQueryCache>

/** Results of the console's queries, which all operators share for some seconds. Errors are not cached. */
export function createQueryCache() {
  const results = new LRUCache<string, Promise<unknown>>({ max: MAX_RESULTS, ttl: TTL_MS })

  /** A key names one query, so all of its results have one type. */
  function getOrLoad<T>(key: string, load: () => Promise<T>): Promise<T> {
    const cached = results.get(key)
    if (cached) return cached as Promise<T>
    const result = load()
    results.set(key, result)
    result.catch(() => results.delete(key))
    return result
  }

  return { getOrLoad, delete: (key: string) => results.delete(key) }
}
