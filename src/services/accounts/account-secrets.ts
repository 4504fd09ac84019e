import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../../db/core/database.ts'
import { releaseLease, takeLease } from '../../../db/repositories/lease-repository.ts'
import { findSecret, saveSecret } from '../../../db/repositories/secret-repository.ts'
import { DomainError } from '../../domain/errors.ts'
import type { AccountSecrets } from '../../providers/contract.ts'

/** Longer than any work under the lease, so that only a crash loses it. */
const LEASE_MS = 30_000
const LOCK_TIMEOUT_MS = 10_000
const POLL_INTERVAL_MS = 50

/** The secrets of one account, encrypted in the database. */
export function createAccountSecrets(db: Database, accountId: string, now: () => Date): AccountSecrets {
  return {
    read: name => findSecret(db, accountId, name),
    write: (name, value) => saveSecret(db, accountId, name, value, now()),
    async withLock(name, run) {
      const lease = { name: `${accountId}|${name}`, owner: randomUUID() }
      await waitForLease(db, lease, now)
      try {
        return await run()
      } finally {
        await releaseLease(db, lease)
      }
    },
  }
}

async function waitForLease(db: Database, lease: Parameters<typeof takeLease>[1], now: () => Date): Promise<void> {
  const timeoutMs = performance.now() + LOCK_TIMEOUT_MS
  while (!(await takeLease(db, lease, new Date(now().getTime() + LEASE_MS), now()))) {
    if (performance.now() > timeoutMs)
      throw new DomainError(
        'OVERLOADED',
        'Timed out waiting for another process to finish updating this account. Send the request again later.',
      )
    await sleep(POLL_INTERVAL_MS)
  }
}
