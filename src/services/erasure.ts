import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuid } from 'uuid'
import { insertAudit } from '../../db/audit-repository.ts'
import { wipeLog } from '../../db/checkpoint.ts'
import { type Database, inTransaction } from '../../db/database.ts'
import { lockErasure } from '../../db/dialect.ts'
import {
  deleteDeliveries,
  deletePerson,
  findPersonOperations,
  findPersonRecords,
  listAccountIds,
  listRawDeliveries,
  type PersonOperation,
  type PersonRecords,
  tracesOf,
} from '../../db/erasure-repository.ts'
import { hashTrace, setTombstones, type Trace } from '../../db/tombstone-repository.ts'
import { DomainError } from '../domain/errors.ts'
import type { WebhookNotice } from '../providers/contract.ts'
import type { Call } from './call.ts'
import { type KeptDelivery, toKeptNotice } from './kept-delivery.ts'

/**
 * Erases a person: first the tombstones, so that nothing comes back meanwhile, then what was delivered, then the records
 * with their creates and timelines in one transaction. Broken off anywhere, it is run again and ends the same.
 */

export interface Erased {
  readonly sessions: number
  readonly applicants: number
  readonly customers: number
  readonly creates: number
  readonly deliveries: number
}

const SETTLED = ['SUCCEEDED', 'FAILED']
/** How long a reader may keep the log from being wiped. */
const WIPE_TRIES = 50
const WIPE_PAUSE_MS = 100

interface Person {
  readonly records: PersonRecords
  readonly operations: readonly PersonOperation[]
}

export type Erasure = ReturnType<typeof createErasure>

export function createErasure({ db, now }: { readonly db: Database; readonly now: () => Date }) {
  /** Erases everything of the person with this externalId. Throws BAD_REQUEST while a create of it is under way. */
  async function erase({ tenantId }: Pick<Call, 'tenantId'>, externalId: string): Promise<Erased> {
    const person = await find(db, tenantId, externalId)
    await setTombstones(db, tenantId, tracesAll(person, tenantId, externalId), now())
    const deliveries = await eraseDeliveries(tenantId, externalId, person)
    const { records, operations } = await inTransaction(db, async trx => {
      // What came in before the tombstones stood is met here.
      await lockErasure(trx, 'ERASES')
      const whole = await find(trx, tenantId, externalId)
      await setTombstones(trx, tenantId, tracesAll(whole, tenantId, externalId), now())
      await deletePerson(trx, whole.records, whole.operations)
      await writeDown(trx, tenantId, externalId)
      return whole
    })
    await wipe()
    const { sessions, applicants, customers } = records
    return {
      sessions: sessions.length,
      applicants: applicants.length,
      customers: customers.length,
      creates: operations.length,
      deliveries,
    }
  }

  /** That somebody was erased, and nobody's name: the hash is that of the tombstone. */
  async function writeDown(trx: Database, tenantId: string, externalId: string): Promise<void> {
    const subjectHash = await hashTrace(trx, { tenantId, kind: 'externalId', value: externalId }, now())
    await insertAudit(trx, { id: uuid(), tenantId, at: now(), actor: 'cli', action: 'person.erase', subjectHash })
  }

  async function find(from: Database, tenantId: string, externalId: string): Promise<Person> {
    const records = await findPersonRecords(from, tenantId, externalId)
    const operations = await findPersonOperations(from, tenantId, externalId, records)
    const open = operations.filter(({ state }) => !SETTLED.includes(state))
    if (open.length === 0) return { records, operations }
    const ids = open.map(({ id }) => id).join(', ')
    throw new DomainError(
      'BAD_REQUEST',
      `A create of this person is not settled yet: ${ids}. Wait, or settle it with \`sessiongraph operations settle\`.`,
    )
  }

  async function eraseDeliveries(tenantId: string, externalId: string, person: Person): Promise<number> {
    const accounts = await listAccountIds(db, tenantId)
    const marks = new Set([
      ...tracesOf(person.records, person.operations, tenantId).map(({ value }) => value),
      externalId,
    ])
    let count = 0
    for (let after = ''; ; ) {
      const batch = await listRawDeliveries<KeptDelivery>(db, accounts, after)
      const about = batch.filter(({ kept }) => kept && isAbout(kept, marks)).map(({ id }) => id)
      await deleteDeliveries(db, about)
      count += about.length
      const last = batch.at(-1)
      if (!last) return count
      after = last.id
    }
  }

  async function wipe(): Promise<void> {
    for (let tries = 0; tries < WIPE_TRIES; tries++) {
      if (await wipeLog(db)) return
      await sleep(WIPE_PAUSE_MS)
    }
    throw new DomainError('OVERLOADED', 'The person is erased; the log could not be wiped yet. Run it again.')
  }

  return { erase }
}

function tracesAll({ records, operations }: Person, tenantId: string, externalId: string): Trace[] {
  return [...tracesOf(records, operations, tenantId), { tenantId, kind: 'externalId', value: externalId }]
}

/** By what the delivery says, or, where it could not be read, by the words in it. */
function isAbout(kept: KeptDelivery, marks: ReadonlySet<string>): boolean {
  const notice = toKeptNotice(kept)
  if (notice && namesOf(notice).some(name => marks.has(name))) return true
  const body = Buffer.from(kept.body, 'base64').toString('utf8')
  return [...marks].some(mark => body.includes(JSON.stringify(mark)))
}

function namesOf(notice: WebhookNotice): string[] {
  const { sessionProviderId, session, applicantProviderId, customer, reference } = notice
  const names = [
    sessionProviderId,
    session?.providerId,
    session?.externalId,
    applicantProviderId,
    customer?.providerId,
    customer?.externalId,
    reference,
  ]
  return names.flatMap(name => name ?? [])
}
