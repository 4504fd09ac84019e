import { v7 as uuid } from 'uuid'
import { listDrift, type StoredDrift, upsertDrift } from '../../../db/repositories/drift-repository.ts'
import {
  insertMinutes,
  listMinutes,
  type MinuteCursor,
  type StoredMinute,
} from '../../../db/repositories/provider-stats-repository.ts'
import type { Provider } from '../../domain/provider.ts'
import type { Account } from '../accounts/account.ts'
import type { ServiceDeps } from '../deps.ts'
import type { RequestScope } from '../request-scope.ts'

/**
 * Stores this instance's observations of its providers: drift of answers from their documentation, and call statistics per
 * minute.
 */

/** The most entries that wait for a failed write to be repeated. */
const MAX_PENDING = 5_000

type Owner = Pick<StoredDrift, 'tenantId' | 'accountId' | 'provider'>

export type ProviderStatsRecorder = ReturnType<typeof createProviderStatsRecorder>

export function createProviderStatsRecorder({ db, accounts }: Pick<ServiceDeps, 'db' | 'accounts'>) {
  const instance = uuid()
  let drift: StoredDrift[] = []
  let minutes: StoredMinute[] = []

  /** Writes the entries since the last flush; with `all` also the current minute, for shutdown. */
  async function flush(all = false): Promise<void> {
    for (const account of accounts.all()) collect(account, all)
    await write()
  }

  function collect({ upstream, ...account }: Account, all: boolean): void {
    const owner: Owner = { tenantId: account.tenantId, accountId: account.id, provider: account.provider }
    drift = [...drift, ...upstream.takeDrift().map(each => ({ ...owner, ...each }))].slice(-MAX_PENDING)
    const taken = upstream
      .takeMinutes(all)
      .map(each => ({ ...owner, ...each, id: uuid(), at: new Date(each.at), instance }))
    minutes = [...minutes, ...taken].slice(-MAX_PENDING)
  }

  async function write(): Promise<void> {
    for (let next = drift[0]; next; next = drift[0]) {
      await upsertDrift(db, next)
      drift.shift()
    }
    for (let some = minutes.slice(0, BATCH); some.length > 0; some = minutes.slice(0, BATCH)) {
      await insertMinutes(db, some)
      minutes.splice(0, some.length)
    }
  }

  return {
    flush,
    /** Newest first. */
    drift: (call: Pick<RequestScope, 'tenantId'>, limit: number, provider?: Provider) =>
      listDrift(db, call.tenantId, limit, provider),
    /** A page of minutes, the newest first. */
    minutes: (call: Pick<RequestScope, 'tenantId'>, since: Date, limit: number, cursor?: MinuteCursor) =>
      listMinutes(db, call.tenantId, since, limit, cursor),
    /** Names this process in its minutes. */
    instance,
  }
}

const BATCH = 50
