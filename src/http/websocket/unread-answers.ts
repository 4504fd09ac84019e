/** The answers to messages that have no place, such as refusals and pongs, until they are written to the network. */
export interface UnreadAnswers {
  /** Counts the answer to a message. Returns false if too much is unread. */
  add(message: object, characters: number): boolean
  delete(message: object): void
}

const MAX_ANSWERS = 64
const MAX_CHARACTERS = 256 * 1024

export function createUnreadAnswers(): UnreadAnswers {
  const sizes = new Map<object, number>()
  let total = 0
  const remove = (message: object) => {
    total -= sizes.get(message) ?? 0
    sizes.delete(message)
  }
  return {
    add: (message, characters) => {
      remove(message)
      sizes.set(message, characters)
      total += characters
      return sizes.size <= MAX_ANSWERS && total <= MAX_CHARACTERS
    },
    delete: remove,
  }
}
