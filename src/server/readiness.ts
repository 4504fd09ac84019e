import { setTimeout as sleep } from 'node:timers/promises'
import type { Gate } from './gate.ts'

/** Whether this instance should be sent requests. `details` names what it lacks or does without; no secrets. */
export interface Readiness {
  readonly ready: boolean
  readonly details: Readonly<Record<string, string | undefined>>
}

export interface ReadinessOptions {
  readonly gate: Pick<Gate, 'draining'>
  /** What the database says of itself. Rejects where it cannot be asked. */
  readonly askDatabase: () => Promise<'CURRENT' | 'BEHIND'>
  /** What it does without, and is ready all the same. */
  readonly degraded: () => Readiness['details']
}

/** Longer than this a database that is well does not take. */
const PATIENCE_MS = 1_000

/** Ready is who has its own database, migrated, and does not stop. No provider is asked. */
export function createReadiness({ gate, askDatabase, degraded }: ReadinessOptions): () => Promise<Readiness> {
  let asking: Promise<string> | undefined

  /** One question at a time, however many want to know. */
  function ask(): Promise<string> {
    asking ??= Promise.race([look(askDatabase), sleep(PATIENCE_MS, 'AWAY', { ref: false })]).finally(() => {
      asking = undefined
    })
    return asking
  }

  return async (): Promise<Readiness> => {
    if (gate.draining) return { ready: false, details: { state: 'DRAINING' } }
    const database = await ask()
    return { ready: database === 'CURRENT', details: { database, ...degraded() } }
  }
}

function look(askDatabase: ReadinessOptions['askDatabase']): Promise<string> {
  return askDatabase().catch(() => 'AWAY')
}
