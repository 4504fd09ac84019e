/** Wakes readers of a tenant's events. It carries nothing: what is read comes from the table. */
export interface Hub {
  wake(tenantId: string): void
  wakeAll(): void
  /** How long a reader may sleep: another process may write without waking us. */
  pollMs(): number
  /** Sleeps until the next wake, for `ms`, or until the signal is aborted; whichever ends first. */
  nap(tenantId: string, ms: number, signal: AbortSignal): Nap
  /** How many sleep. */
  asleep(): number
}

export interface Nap {
  readonly over: Promise<void>
  /** Ends it now. Whoever does not sleep to the end has to, or a timer stays behind. */
  end(): void
}

const POLL_MS = 1_000

export function createHub(): Hub {
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
    nap: (tenantId, ms, signal) => {
      let end = () => {}
      const over = new Promise<void>(resolve => {
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
      return { over, end }
    },
    pollMs: () => POLL_MS,
    wakeAll: () => {
      for (const group of [...sleepers.values()]) for (const end of [...group]) end()
    },
    wake: tenantId => {
      for (const end of [...(sleepers.get(tenantId) ?? [])]) end()
    },
  }
}
