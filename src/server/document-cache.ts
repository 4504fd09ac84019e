import { createLRUCache } from 'graphql-yoga'

const MOST_DOCUMENTS = 256
const MOST_CHARACTERS = 16 * 1024

/** Remembers what became of documents by their text: not so many, and no long ones, that a client could fill the memory. */
export function createDocumentCache<T>(): { get(text: string): T | undefined; set(text: string, value: T): void } {
  const known = createLRUCache<T & object>({ max: MOST_DOCUMENTS })
  return {
    get: text => known.get(text),
    set: (text, value) => {
      if (text.length <= MOST_CHARACTERS) known.set(text, value as T & object)
    },
  }
}
