/**
 * The results of `next`, one after another; `stop` ends them early. In the place of an async generator: `return` of a generator
 * waits for the result that is under way, and on one that was never started it runs no `finally`.
 */
export function iterateResults<T>(
  next: () => Promise<IteratorResult<T, undefined>>,
  stop: () => Promise<unknown>,
): AsyncGenerator<T, undefined> {
  const results: AsyncGenerator<T, undefined> = {
    next,
    return: async () => {
      await stop()
      return OVER
    },
    throw: async error => {
      await stop()
      throw error
    },
    [Symbol.asyncIterator]: () => results,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
  return results
}

/** What `next` returns after the last result. */
export const OVER = { done: true, value: undefined } as const
