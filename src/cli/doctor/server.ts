import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countEncryptedByUnknownKey, probeWrite, readDurability } from '../../../db/core/diagnostics.ts'
import { engineOf, sqliteFile } from '../../../db/core/dialect.ts'
import { readStatus } from '../../../db/core/status.ts'
import type { StoredOperation } from '../../../db/repositories/operation-repository.ts'
import type { Config } from '../../app/config.ts'
import type { AppContainer } from '../../app/container.ts'
import type { CliContext } from '../cli.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** The checks of the server itself. */

/** Below this the disk fills up soon: a busy server writes it in a day, with its log. */
const MIN_FREE_BYTES = 512 * 1024 ** 2
const GIGABYTE = 1024 ** 3
/** A create is settled within minutes if its provider can be read. */
const LONG_UNKNOWN_MS = 3_600_000
const MAX_CREATES = 1_000
/** A search is late after this. */
const LATE_MS = 300_000
const REDIS_TIMEOUT_MS = 2_000
const REDIS_POLL_MS = 50
/** A webhook that waits longer than this is stuck. */
const LONG_WAIT_SECONDS = 300

export async function checkStore({ db }: AppContainer, url: string): Promise<Finding> {
  try {
    await probeWrite(db, new Date())
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return problem(
      'store',
      `Cannot write: ${message} Check the permissions of the database user and the free disk space.`,
    )
  }
  const { safe, settings } = await readDurability(db)
  const driver = sqliteFile(url) === ':memory:' ? '' : `${engineOf(url)} ${(await readStatus(url)).version}: `
  if (safe) return ok('store', `${driver}writable, and committed data survives a crash (${settings}).`)
  return problem('store', `Committed data may be lost in a crash: ${settings}. Restore the default.`)
}

/** Opening the application has verified the instance key, so the first key is the right one. */
export async function checkEncryption({ db }: AppContainer, { server }: Config): Promise<Finding> {
  const { older, unknown } = await countEncryptedByUnknownKey(db)
  if (unknown.size > 0) {
    const keys = [...unknown].map(([id, count]) => `${count} of key ${id}`).join(', ')
    return problem(
      'encryption',
      `Values cannot be decrypted: ${keys}. Add that key to ENCRYPTION_KEY again, after the first one.`,
    )
  }
  if (older > 0) {
    return note('encryption', `${older} values use older keys. Re-encrypt them with \`sessiongraph secrets rotate\`.`)
  }
  if (server.ENCRYPTION_KEY) return ok('encryption', 'All values are encrypted with the current key.')
  return note('encryption', 'The key is a file beside the database. Store a copy somewhere else.')
}

export async function checkBacklog({ services }: AppContainer): Promise<Finding[]> {
  const { deliveriesQuarantined, deliveriesWaiting, webhookLagSeconds } = await services.storeStats.store()
  const findings: Finding[] = []
  if (deliveriesQuarantined > 0) {
    const look =
      'List them with `sessiongraph webhooks list --state QUARANTINED`, for another tenant with `--tenant`, fix the cause, and run `sessiongraph webhooks replay`, or `sessiongraph webhooks dismiss`.'
    findings.push(problem('inbox', `${toDeliveries(deliveriesQuarantined)} could not be applied. ${look}`))
  }
  if (webhookLagSeconds > LONG_WAIT_SECONDS) {
    const waiting = `${toDeliveries(deliveriesWaiting)} not applied yet, the oldest for ${Math.round(webhookLagSeconds)} s`
    findings.push(problem('inbox', `${waiting}. Check that a server is running and that its providers respond.`))
  }
  if (findings.length === 0) findings.push(ok('inbox', 'No deliveries are waiting.'))
  return findings
}

function toDeliveries(count: number): string {
  return count === 1 ? '1 delivery' : `${count} deliveries`
}

/** Whether a create is settled by a search depends on its provider. */
export async function checkCreates({ services, now }: AppContainer, tenantId: string): Promise<Finding[]> {
  const check = `creates of ${tenantId}`
  const unknown = await services.operations.list({ tenantId }, ['UNKNOWN'], MAX_CREATES)
  if (unknown.length === 0) return [ok(check, 'All outcomes are known.')]
  const stuck: StoredOperation[] = []
  const searched: StoredOperation[] = []
  for (const operation of unknown)
    ((await services.operations.settlesItself(operation)) ? searched : stuck).push(operation)
  return [
    ...(stuck.length > 0 ? [problem(check, `${describe(stuck)}, and no search can settle it. ${SETTLE}`)] : []),
    ...(searched.length > 0 ? [toSearched(check, searched, now())] : []),
  ]
}

const SETTLE = '`sessiongraph operations list` shows them; look at the provider, then settle them.'

function toSearched(check: string, operations: readonly StoredOperation[], now: Date): Finding {
  const overdue = operations.filter(({ nextCheckAt }) => nextCheckAt && now.getTime() - nextCheckAt.getTime() > LATE_MS)
  if (overdue.length > 0)
    return problem(check, `${describe(overdue)}, and the search for it is late. Check that a server is running.`)
  const isLong = now.getTime() - oldestOf(operations).getTime() > LONG_UNKNOWN_MS
  if (isLong) return problem(check, `${describe(operations)}, and searching the provider had no result yet. ${SETTLE}`)
  const next = operations.flatMap(({ nextCheckAt }) => (nextCheckAt ? [nextCheckAt.getTime()] : [])).sort()[0]
  const when = next === undefined ? '' : ` The next search is due at ${new Date(next).toISOString()}.`
  return note(check, `${describe(operations)}.${when}`)
}

function describe(operations: readonly StoredOperation[]): string {
  const count = operations.length === 1 ? '1 create' : `${operations.length} creates`
  return `The outcome of ${count} is unknown, the oldest since ${oldestOf(operations).toISOString()}`
}

function oldestOf(operations: readonly StoredOperation[]): Date {
  return new Date(Math.min(...operations.map(({ sentAt, createdAt }) => (sentAt ?? createdAt).getTime())))
}

export async function checkDisk({ freeBytes }: CliContext, url: string): Promise<Finding> {
  if (engineOf(url) === 'postgres')
    return note('disk', 'Not checked: PostgreSQL stores the data. Check the disk of its machine.')
  const file = sqliteFile(url)
  if (file === ':memory:' || !existsSync(dirname(file))) return ok('disk', 'Nothing is stored on disk yet.')
  const free = await freeBytes(dirname(file))
  const message = `${(free / GIGABYTE).toFixed(1)} GB are free on the disk of the database.`
  return free < MIN_FREE_BYTES
    ? problem('disk', `${message} Free up space: writes fail on a full disk.`)
    : ok('disk', message)
}

export async function checkRedis({ redis }: AppContainer): Promise<Finding[]> {
  if (!redis) return []
  for (let waited = 0; !redis.isUp && waited < REDIS_TIMEOUT_MS; waited += REDIS_POLL_MS) await sleep(REDIS_POLL_MS)
  if (redis.isUp) return [ok('redis', 'It responds.')]
  const message =
    'It does not respond. Servers run without it, but count rate limits separately and learn of changes later.'
  return [problem('redis', `${message} Check REDIS_URL and whether Redis is running.`)]
}
