import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuid } from 'uuid'
import { type Database, inTransaction } from '../../../db/core/database.ts'
import { lockErasure } from '../../../db/core/dialect.ts'
import { updateSessions } from '../../../db/records/session-repository.ts'
import { forgetObjects, insertAudit } from '../../../db/repositories/audit-repository.ts'
import {
  deleteDeliveries,
  deletePerson,
  findPersonOperations,
  findPersonRecords,
  findRemainingSessions,
  idsOf,
  listStoredDeliveries,
  type PersonOperation,
  type PersonRecords,
  type RemainingSession,
  type StoredDelivery,
  tombstoneKeysOf,
  truncateWal,
} from '../../../db/repositories/erasure-repository.ts'
import {
  hashTombstoneKeys,
  listErased,
  setTombstones,
  type TombstoneKey,
} from '../../../db/repositories/tombstone-repository.ts'
import { getEndpointForAccount } from '../../../db/repositories/webhook-repository.ts'
import { DomainError } from '../../domain/errors.ts'
import type { WebhookNotice } from '../../providers/contract.ts'
import type { ServiceDeps } from '../deps.ts'
import { recordLinkChanges } from '../events/timeline.ts'
import type { RequestScope } from '../request-scope.ts'
import { decryptBody } from '../webhooks/decrypt-body.ts'
import { deserializeDelivery, deserializeNotice, type SerializedDelivery } from '../webhooks/delivery-serialization.ts'
import { findNames, findQuoted, isDistinct } from './text-names.ts'

/**
 * Erases a person: first the tombstones, so that nothing is stored again meanwhile, then the deliveries, then the records
 * with their creates and timelines in one transaction. An interrupted erasure can be run again with the same result.
 */

export interface ErasureReport {
  readonly sessions: number
  readonly applicants: number
  readonly customers: number
  readonly creates: number
  readonly deliveries: number
}

const SETTLED = ['SUCCEEDED', 'FAILED']
/** How long the truncation of the write-ahead log waits for readers. */
const TRUNCATE_ATTEMPTS = 50
const TRUNCATE_PAUSE_MS = 100

interface ErasedPerson {
  readonly records: PersonRecords
  readonly operations: readonly PersonOperation[]
}

export type Erasure = ReturnType<typeof createErasure>

export function createErasure({
  accounts,
  db,
  notifier,
  now,
}: Pick<ServiceDeps, 'accounts' | 'db' | 'notifier' | 'now'>) {
  /** Erases all data of the person with this externalId. Throws BAD_REQUEST while a create for it is in flight. */
  async function erase({ tenantId }: Pick<RequestScope, 'tenantId'>, externalId: string): Promise<ErasureReport> {
    const person = await find(db, tenantId, externalId)
    await setTombstones(db, tenantId, collectTombstoneKeys(person, tenantId, externalId), now())
    // Waits for the transactions that did not see the tombstones, so that what they stored is deleted below.
    await inTransaction(db, trx => lockErasure(trx, tenantId, 'ERASE'))
    const deliveries = await findDeliveries(tenantId, externalId, person, async ids => {
      await deleteDeliveries(db, ids)
      await forgetObjects(db, tenantId, ids)
    })
    const { records, operations } = await inTransaction(db, async trx => {
      await lockErasure(trx, tenantId, 'ERASE')
      const person = await find(trx, tenantId, externalId)
      await addTombstones(trx, tenantId, externalId, person)
      const remaining = await findRemainingSessions(trx, tenantId, person.records)
      await deletePerson(trx, tenantId, person.records, person.operations)
      await forgetObjects(trx, tenantId, [...idsOf(person.records), ...person.operations.map(({ id }) => id)])
      await reportRemaining(trx, remaining, person.records)
      await recordErasure(trx, tenantId, externalId)
      return person
    })
    notifier.notify(tenantId)
    await wipe()
    return toReport(records, operations, deliveries)
  }

  /** Sets the tombstones of what was stored meanwhile, and the time of the external id's. */
  async function addTombstones(
    trx: Database,
    tenantId: string,
    externalId: string,
    person: ErasedPerson,
  ): Promise<void> {
    const keys = tombstoneKeysOf(person.records, person.operations, tenantId)
    const set = new Set(await listErased(trx, keys))
    const added: TombstoneKey[] = keys.filter(key => !set.has(key))
    await setTombstones(trx, tenantId, [...added, { tenantId, kind: 'externalId', value: externalId }], now())
  }

  /** What `erase` would erase. Throws BAD_REQUEST while a create for the person is in flight. */
  async function preview({ tenantId }: Pick<RequestScope, 'tenantId'>, externalId: string): Promise<ErasureReport> {
    const { records, operations } = await find(db, tenantId, externalId)
    const deliveries = await findDeliveries(tenantId, externalId, { records, operations }, async () => {})
    return toReport(records, operations, deliveries)
  }

  /** The audit entry has no name, only the hash of the tombstone. */
  async function recordErasure(trx: Database, tenantId: string, externalId: string): Promise<void> {
    const [subjectHash = null] = await hashTombstoneKeys(
      trx,
      [{ tenantId, kind: 'externalId', value: externalId }],
      now(),
    )
    const entry = { id: uuid(), tenantId, at: now(), actor: 'cli', subjectHash, object: null }
    await insertAudit(trx, { ...entry, action: 'person.erase' })
  }

  /** Sessions of other persons that were linked to erased records. */
  async function reportRemaining(
    trx: Database,
    remaining: readonly RemainingSession[],
    records: PersonRecords,
  ): Promise<void> {
    const erased = new Set(idsOf(records))
    const unlessErased = (id: string | null) => (id !== null && erased.has(id) ? null : id)
    const at = now()
    const ids = remaining.map(({ id }) => id)
    await updateSessions(trx, ids, { updatedAt: at })
    const changes = remaining.map(session => ({
      session,
      after: { applicantId: unlessErased(session.applicantId), customerId: unlessErased(session.customerId) },
    }))
    await recordLinkChanges(trx, { source: 'CALLER', at }, changes)
  }

  async function find(from: Database, tenantId: string, externalId: string): Promise<ErasedPerson> {
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

  /** Calls `handle` with the ids of the deliveries about the person, in batches. Returns their number. */
  async function findDeliveries(
    tenantId: string,
    externalId: string,
    person: ErasedPerson,
    handle: (ids: readonly string[]) => Promise<void>,
  ): Promise<number> {
    const marks = new Set([
      ...tombstoneKeysOf(person.records, person.operations, tenantId).map(({ value }) => value),
      externalId,
    ])
    let count = 0
    for (let after = ''; ; ) {
      const batch = await listStoredDeliveries<SerializedDelivery>(db, tenantId, after)
      const about: string[] = []
      for (const delivery of batch) if (await isAbout(delivery, marks)) about.push(delivery.id)
      await handle(about)
      count += about.length
      const last = batch.at(-1)
      if (!last) return count
      after = last.id
    }
  }

  /** By the notice and the texts of a delivery that is readable; otherwise by all that may be an id in it. */
  async function isAbout(
    { stored, ...delivery }: StoredDelivery<SerializedDelivery | null>,
    marks: ReadonlySet<string>,
  ): Promise<boolean> {
    if (!stored) return false
    const notice = deserializeNotice(stored)
    const raw = deserializeDelivery(stored)
    // A short text that is quoted anywhere can be something else.
    const quoted = findQuoted(raw.body.toString()).filter(isDistinct)
    if (notice) return [...namesOf(notice), ...quoted].some(name => marks.has(name))
    const names = findNames(
      await decryptBody(await accounts.find(delivery), await getEndpointForAccount(db, delivery), raw),
    )
    return [...names].some(name => marks.has(name))
  }

  async function wipe(): Promise<void> {
    for (let attempt = 0; attempt < TRUNCATE_ATTEMPTS; attempt++) {
      if (await truncateWal(db)) return
      await sleep(TRUNCATE_PAUSE_MS)
    }
    throw new DomainError(
      'OVERLOADED',
      'The person is erased, but the write-ahead log could not be truncated. Run the command again.',
    )
  }

  return { erase, preview }
}

function toReport(
  { sessions, applicants, customers }: PersonRecords,
  operations: readonly PersonOperation[],
  deliveries: number,
): ErasureReport {
  return {
    sessions: sessions.length,
    applicants: applicants.length,
    customers: customers.length,
    creates: operations.length,
    deliveries,
  }
}

function collectTombstoneKeys(
  { records, operations }: ErasedPerson,
  tenantId: string,
  externalId: string,
): TombstoneKey[] {
  return [...tombstoneKeysOf(records, operations, tenantId), { tenantId, kind: 'externalId', value: externalId }]
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
