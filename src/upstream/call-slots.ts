import type { CallDeadline } from './call-deadline.ts'

/** Limits the calls in progress of one account. Further calls wait in the order of their arrival. */
export interface CallSlots {
  /**
   * Takes a slot: at once, then it returns undefined, or when one is free. The promise rejects with the deadline's reason if
   * that ends first, and with SlotsFullError if too many calls wait already.
   */
  take(deadline: CallDeadline): Promise<void> | undefined
  /** Gives the slot to the next call. */
  release(): void
}

export class SlotsFullError extends Error {}

export function createCallSlots(slots: number, maxWaiting: number): CallSlots {
  /** In the order of arrival. */
  const waiting = new Set<() => void>()
  let free = slots

  function take(deadline: CallDeadline): Promise<void> | undefined {
    if (free > 0) {
      free--
      return undefined
    }
    if (waiting.size >= maxWaiting) return Promise.reject(new SlotsFullError())
    return waitForSlot(deadline)
  }

  function waitForSlot(deadline: CallDeadline): Promise<void> {
    return new Promise((resolve, reject) => {
      if (deadline.isOver) return reject(deadline.reason)
      const start = () => {
        deadline.listener = undefined
        resolve()
      }
      waiting.add(start)
      deadline.listener = reason => {
        waiting.delete(start)
        reject(reason)
      }
    })
  }

  function release(): void {
    const [next] = waiting
    if (!next) {
      free++
      return
    }
    waiting.delete(next)
    next()
  }

  return { take, release }
}
