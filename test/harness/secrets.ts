import type { AccountSecrets } from '../../src/providers/contract.ts'

/** An account's secrets in memory, for a client without a database. */
export function memorySecrets(): AccountSecrets {
  const kept = new Map<string, string>()
  return {
    read: async name => kept.get(name),
    write: async (name, value) => void kept.set(name, value),
    exclusively: (_name, run) => run(),
  }
}
