import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countSealedByOthers, readDurability, tryWrite } from '../../db/checkup.ts'
import { engineOf, sqliteFile } from '../../db/dialect.ts'
import { readStatus } from '../../db/status.ts'
import type { Config } from '../config.ts'
import type { House } from '../house.ts'
import type { CliContext } from './cli.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** What `sessiongraph doctor` looks at in the house itself. */

/** Less than this is soon full: a day of a busy server, with its log. */
const LEAST_BYTES = 512 * 1024 ** 2
const GIGABYTE = 1024 ** 3
/** A create is settled in minutes where its provider can be asked. */
const LONG_UNKNOWN_MS = 3_600_000
const REDIS_PATIENCE_MS = 2_000
const REDIS_LOOK_MS = 50
/** A webhook that waits longer than this is not about to be applied. */
const LONG_WAIT_SECONDS = 300

export async function checkStore({ db }: House): Promise<Finding> {
  try {
    await tryWrite(db, new Date())
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return problem('store', `It cannot be written: ${message} Look at what its user may do, and the room on its disk.`)
  }
  const { safe, settings } = await readDurability(db)
  if (safe) return ok('store', `It can be written, and what it acknowledged survives a crash (${settings}).`)
  return problem('store', `What it acknowledged may be lost in a crash: ${settings}. Set it back to its default.`)
}

/** The house has opened its own key when this runs, so the first key is the right one. */
export async function checkEncryption({ db }: House, { house }: Config): Promise<Finding> {
  const { older, unknown } = await countSealedByOthers(db)
  if (unknown.size > 0) {
    const keys = [...unknown].map(([id, count]) => `${count} of key ${id}`).join(', ')
    return problem('encryption', `Values cannot be opened: ${keys}. Put that key back behind ENCRYPTION_KEY's first.`)
  }
  if (older > 0) {
    return note('encryption', `${older} values are of older keys. \`sessiongraph secrets rotate\` rewrites them.`)
  }
  if (house.ENCRYPTION_KEY) return ok('encryption', 'The key opens what is sealed, and sealed all of it.')
  return note('encryption', 'The key is a file beside the database, and opens it. Keep a copy somewhere else.')
}

export async function checkBacklog({ services }: House, url: string): Promise<Finding[]> {
  const { deliveriesQuarantined, deliveriesWaiting, webhookLagSeconds } = await services.figures.store()
  const findings: Finding[] = []
  if (deliveriesQuarantined > 0) {
    const look = 'Look with `sessiongraph webhooks list`, mend the cause, and replay.'
    findings.push(problem('inbox', `${toDeliveries(deliveriesQuarantined)} could not be applied. ${look}`))
  }
  if (webhookLagSeconds > LONG_WAIT_SECONDS) {
    const waits = `${toDeliveries(deliveriesWaiting)} not applied yet, the oldest for ${Math.round(webhookLagSeconds)} s`
    findings.push(problem('inbox', `${waits}. Is a server running, and do its providers answer?`))
  }
  if (findings.length === 0) findings.push(ok('inbox', 'No delivery waits to be applied.'))
  return [...findings, await checkCreates(url)]
}

function toDeliveries(count: number): string {
  return count === 1 ? '1 delivery' : `${count} deliveries`
}

async function checkCreates(url: string): Promise<Finding> {
  if (sqliteFile(url) === ':memory:') return ok('creates', 'There are none in memory.')
  const { oldestUnknown, unknown } = await readStatus(url)
  if (!oldestUnknown) return ok('creates', 'The outcome of every create is known.')
  const creates = unknown === 1 ? '1 create' : `${unknown} creates`
  const says = `The outcome of ${creates} is not known, of the oldest since ${oldestUnknown.toISOString()}`
  if (Date.now() - oldestUnknown.getTime() < LONG_UNKNOWN_MS) {
    return note('creates', `${says}. The server looks for it by itself.`)
  }
  return problem('creates', `${says}. Look at it with \`sessiongraph operations list\`, then settle it.`)
}

export async function checkDisk({ freeBytes }: CliContext, url: string): Promise<Finding> {
  if (engineOf(url) === 'postgres') return note('disk', 'It is PostgreSQL that needs room; look at its own machine.')
  const file = sqliteFile(url)
  if (file === ':memory:' || !existsSync(dirname(file))) return ok('disk', 'Nothing is on disk yet.')
  const free = await freeBytes(dirname(file))
  const says = `${(free / GIGABYTE).toFixed(1)} GB are free beside the database.`
  return free < LEAST_BYTES ? problem('disk', `${says} Make room: a full disk ends every write.`) : ok('disk', says)
}

export async function checkRedis({ redis }: House): Promise<Finding[]> {
  if (!redis) return []
  for (let waited = 0; !redis.isUp && waited < REDIS_PATIENCE_MS; waited += REDIS_LOOK_MS) await sleep(REDIS_LOOK_MS)
  if (redis.isUp) return [ok('redis', 'It answers.')]
  const says = 'It does not answer. Servers work on without it, but count limits alone and hear of news later.'
  return [problem('redis', `${says} Look at REDIS_URL, and whether it runs.`)]
}
