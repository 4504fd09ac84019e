import type { Deadline } from './deadline.ts'

/** Every slot is taken, and so is every place in the queue. */
export class NoSlotError extends Error {}

/** Lets so many run at a time; so many more wait, first come, first served, and the rest are turned away. */
export function createSlots(most: number, queue: number) {
  let free = most
  const waiting = new Set<() => void>()

  /** Runs it in a slot of its own. Throws NoSlotError, or the deadline's reason where that comes before its turn. */
  async function run<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await turn(deadline)
    try {
      deadline.throwIfAborted()
      return await work()
    } finally {
      leave()
    }
  }

  function turn(deadline: Deadline): Promise<void> {
    if (waiting.size >= queue) throw new NoSlotError('There is no slot.')
    deadline.throwIfAborted()
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.delete(enter)
        reject(deadline.reason)
      }
      const enter = () => {
        deadline.off('abort', giveUp)
        resolve()
      }
      waiting.add(enter)
      deadline.once('abort', giveUp)
    })
  }

  /** The slot goes to whoever has waited longest. */
  function leave(): void {
    const [next] = waiting
    if (!next) free++
    else {
      waiting.delete(next)
      next()
    }
  }

  return { run }
}
