/** Wakes readers of a tenant's events. It carries nothing: what is read comes from the table. */
export interface Hub {
  wake(tenantId: string): void
  /** Resolves at the next wake, after `ms`, or when the signal is aborted; whichever comes first. */
  wait(tenantId: string, ms: number, signal: AbortSignal): Promise<void>
}

export function createHub(): Hub {
  const sleepers = new Map<string, Set<() => void>>()

  return {
    wake(tenantId) {
      for (const wakeUp of sleepers.get(tenantId) ?? []) wakeUp()
    },
    wait(tenantId, ms, signal) {
      if (signal.aborted) return Promise.resolve()
      return new Promise(resolve => {
        const group = sleepers.get(tenantId) ?? new Set()
        sleepers.set(tenantId, group)
        const timer = setTimeout(wakeUp, ms)
        function wakeUp() {
          clearTimeout(timer)
          signal.removeEventListener('abort', wakeUp)
          group.delete(wakeUp)
          if (group.size === 0 && sleepers.get(tenantId) === group) sleepers.delete(tenantId)
          resolve()
        }
        group.add(wakeUp)
        signal.addEventListener('abort', wakeUp, { once: true })
      })
    },
  }
}
