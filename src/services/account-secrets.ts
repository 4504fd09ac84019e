import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/database.ts'
import { releaseLease, takeLease } from '../../db/lease-repository.ts'
import { findSecret, saveSecret } from '../../db/secret-repository.ts'
import { DomainError } from '../domain/errors.ts'
import type { AccountSecrets } from '../providers/contract.ts'

/** Longer than anything takes that is done under it, so that only a process that died loses it. */
const LEASE_MS = 30_000
const PATIENCE_MS = 10_000
const PAUSE_MS = 50

/** The secrets of one account, sealed in the store. */
export function createAccountSecrets(db: Database, accountId: string, now: () => Date): AccountSecrets {
  return {
    read: name => findSecret(db, accountId, name),
    write: (name, value) => saveSecret(db, accountId, name, value, now()),
    async exclusively(name, run) {
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
  const patience = performance.now() + PATIENCE_MS
  while (!(await takeLease(db, lease, new Date(now().getTime() + LEASE_MS), now()))) {
    if (performance.now() > patience) throw new DomainError('OVERLOADED', 'Another process is still at it.')
    await sleep(PAUSE_MS)
  }
}
