import { DatabaseUnavailableError } from '../../db/failure.ts'

/**
 * What this process knows of its creates and could not write down, because the database was away. It is written down when
 * the database is back. Where the process ends before that, the create is looked for as any lost one.
 */
export interface Backlog {
  /** Runs it now; later, again and again, where the database is away. Throws what it throws, all the same. */
  keep<T>(write: () => Promise<T>): Promise<T>
  /** Has it written down later. */
  add(write: () => Promise<unknown>): void
  /** Tries all that is left. */
  writeDown(): Promise<void>
}

export function createBacklog(report: (error: unknown) => void): Backlog {
  const left = new Set<() => Promise<unknown>>()

  async function keep<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) left.add(write)
      throw error
    }
  }

  async function writeDown(): Promise<void> {
    for (const write of [...left]) {
      left.delete(write)
      // Where it cannot be written down because it is known otherwise by now, it is not needed any more.
      await keep(write).catch(error => {
        if (!(error instanceof DatabaseUnavailableError)) report(error)
      })
    }
  }

  return { keep, add: write => void left.add(write), writeDown }
}
