import type { AccountSecrets } from '../../src/providers/contract.ts'

/** An account's secrets in memory, for a client without a database. */
export function memorySecrets(): AccountSecrets {
  const stored = new Map<string, string>()
  return {
    read: async name => stored.get(name),
    write: async (name, value) => void stored.set(name, value),
    withLock: (_name, run) => run(),
  }
}
