import { v7 as uuid } from 'uuid'
import { addDrift, listDrift, type StoredDrift } from '../../db/drift-repository.ts'
import { insertMinutes, listMinutes, type StoredMinute } from '../../db/minute-repository.ts'
import type { Provider } from '../domain/provider.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'

/**
 * What this process saw of its providers, written down now and then: where answers drifted from their documentation, and
 * how the calls of each minute went. Each instance adds what it saw itself.
 */

/** What could not be written waits, but not without end. */
const MOST_WAITING = 5_000

type Owner = Pick<StoredDrift, 'tenantId' | 'accountId' | 'provider'>

export type Observations = ReturnType<typeof createObservations>

export function createObservations({ db, accounts }: Pick<Deps, 'db' | 'accounts'>) {
  const instance = uuid()
  let drift: StoredDrift[] = []
  let minutes: StoredMinute[] = []

  /** Writes down what came since the last time; with `all` the minute that runs, too, as before the end. */
  async function flush(all = false): Promise<void> {
    for (const account of accounts.all()) collect(account, all)
    await write()
  }

  function collect({ upstream, ...account }: Account, all: boolean): void {
    const owner: Owner = { tenantId: account.tenantId, accountId: account.id, provider: account.provider }
    drift = [...drift, ...upstream.takeDrift().map(each => ({ ...owner, ...each }))].slice(-MOST_WAITING)
    const taken = upstream.takeMinutes(all).map(each => ({ ...owner, ...each, at: new Date(each.at), instance }))
    minutes = [...minutes, ...taken].slice(-MOST_WAITING)
  }

  async function write(): Promise<void> {
    for (let next = drift[0]; next; next = drift[0]) {
      await addDrift(db, next)
      drift.shift()
    }
    for (let some = firstDistinct(minutes); some.length > 0; some = firstDistinct(minutes)) {
      await insertMinutes(db, some)
      minutes.splice(0, some.length)
    }
  }

  return {
    flush,
    /** What drifted, the newest first. */
    drift: (call: Pick<Call, 'tenantId'>, limit: number, provider?: Provider) =>
      listDrift(db, call.tenantId, limit, provider),
    /** How the calls went by minute, account and instance, the oldest first. */
    minutes: (call: Pick<Call, 'tenantId'>, since: Date) => listMinutes(db, call.tenantId, since),
  }
}

const BATCH = 50

/** An account that was replaced has the same minute twice, and no statement may write a row twice. */
function firstDistinct(minutes: readonly StoredMinute[]): readonly StoredMinute[] {
  const keys = minutes.slice(0, BATCH).map(({ accountId, at }) => `${accountId} ${at.getTime()}`)
  const again = keys.findIndex((key, index) => keys.indexOf(key) < index)
  return minutes.slice(0, again === -1 ? BATCH : again)
}
