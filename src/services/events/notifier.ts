import type { AbortSignalLike } from '../../domain/abort-signal.ts'

/** Wakes the readers of a tenant's events. It carries no data: readers query the table. */
export interface Notifier {
  notify(tenantId: string): void
  wakeAll(): void
  /** The longest wait: another process can write without a notification here. */
  pollMs(): number
  /** Waits for the next notification, for `ms`, or for the abort, whichever comes first. */
  wait(tenantId: string, ms: number, signal: AbortSignalLike): WaitHandle
  /** The number of waiting readers. */
  asleep(): number
}

export interface WaitHandle {
  readonly ended: Promise<void>
  /** Ends the wait and clears its timer. Required unless the wait ended. */
  end(): void
}

const POLL_MS = 1_000

export function createNotifier(): Notifier {
  const sleepers = new Map<string, Set<() => void>>()

  function add(tenantId: string, end: () => void): void {
    const group = sleepers.get(tenantId)
    if (group) group.add(end)
    else sleepers.set(tenantId, new Set([end]))
  }

  function remove(tenantId: string, end: () => void): void {
    const group = sleepers.get(tenantId)
    group?.delete(end)
    if (group?.size === 0) sleepers.delete(tenantId)
  }

  return {
    asleep: () => [...sleepers.values()].reduce((sum, group) => sum + group.size, 0),
    wait: (tenantId, ms, signal) => {
      let end = () => {}
      const ended = new Promise<void>(resolve => {
        end = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', end)
          remove(tenantId, end)
          resolve()
        }
      })
      const timer = setTimeout(end, ms)
      add(tenantId, end)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
      return { ended, end }
    },
    pollMs: () => POLL_MS,
    wakeAll: () => {
      for (const group of [...sleepers.values()]) for (const end of [...group]) end()
    },
    notify: tenantId => {
      for (const end of [...(sleepers.get(tenantId) ?? [])]) end()
    },
  }
}
