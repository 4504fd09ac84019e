import { setTimeout as sleep } from 'node:timers/promises'
import type { AdmissionControl } from './admission-control.ts'

/** Whether this instance can take requests. `details`: the state of its dependencies, without secrets. */
export interface Readiness {
  readonly ready: boolean
  readonly details: Readonly<Record<string, string | undefined>>
}

export interface ReadinessOptions {
  readonly admission: Pick<AdmissionControl, 'draining'>
  /** CURRENT: it can be used. Rejects if the database is unavailable. */
  readonly pingDatabase: () => Promise<string>
  /** Optional dependencies, without which the instance is still ready. */
  readonly degraded: () => Readiness['details']
}

const TIMEOUT_MS = 1_000

/** Ready: the database is available and migrated, and the server is not shutting down. Providers are not checked. */
export function createReadiness({ admission, pingDatabase, degraded }: ReadinessOptions): () => Promise<Readiness> {
  let checking: Promise<string> | undefined

  /** Concurrent requests share one check. */
  function check(): Promise<string> {
    checking ??= Promise.race([runCheck(pingDatabase), sleep(TIMEOUT_MS, 'AWAY', { ref: false })]).finally(() => {
      checking = undefined
    })
    return checking
  }

  return async (): Promise<Readiness> => {
    if (admission.draining) return { ready: false, details: { state: 'DRAINING' } }
    const database = await check()
    return { ready: database === 'CURRENT', details: { database, ...degraded() } }
  }
}

function runCheck(pingDatabase: ReadinessOptions['pingDatabase']): Promise<string> {
  return pingDatabase().catch(() => 'AWAY')
}
