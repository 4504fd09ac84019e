import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import type { Database } from '../../db/database.ts'
import { deleteDeliveries } from '../../db/erasure-repository.ts'
import {
  claimDelivery,
  type Delivery,
  findDelivery,
  findDueDeliveries,
  findEndpoint,
  getEndpointOf,
  insertDelivery,
  readDelivery,
  updateDelivery,
  type WebhookEndpoint,
  wasDelivered,
} from '../../db/webhook-repository.ts'
import { DomainError, NotFoundError } from '../domain/errors.ts'
import type { RawDelivery, WebhookNotice, WebhookReading } from '../providers/contract.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import { isAboutErased } from './erased.ts'
import { type KeptDelivery, toKept, toKeptNotice, toRaw } from './kept-delivery.ts'
import type { Notices } from './notices.ts'

/**
 * Takes in what providers send: verified, stored, acknowledged, and only then applied, as often as it takes. What is
 * stored survives a crash; what was delivered twice is applied once, whichever process does it.
 */

/** How a delivery was received. STORED is also said of one that came before, and of one about somebody who was erased. */
export type Reception = 'STORED' | 'FORGED' | 'UNKNOWN_ENDPOINT'

/** Bodies of providers that name no event collapse within this time; a later one is news. */
const SAME_BODY_MS = 60_000
const BATCH = 50
const AT_ONCE = 8
/** Who took a delivery has so long for it, and longer each time. */
const FIRST_CLAIM_MS = 10_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 600_000
/** After about a day it is left to an operator. */
const MOST_TRIES = 150

export type Inbox = ReturnType<typeof createInbox>

export function createInbox(deps: Deps, notices: Notices) {
  const { db, accounts, now } = deps
  let round: Promise<number> = Promise.resolve(0)
  let next: Promise<number> | undefined

  /** Verifies and stores a delivery. Throws only where it could not be stored. */
  async function receive(provider: string, endpointId: string, raw: RawDelivery): Promise<Reception> {
    const endpoint = await findEndpoint(db, provider, endpointId)
    const read = endpoint && (await accounts.find(endpoint))?.webhook
    if (!endpoint || !read) return 'UNKNOWN_ENDPOINT'
    const reading = await read(raw, endpoint, now())
    if (reading === 'FORGED') return 'FORGED'
    const notice = reading === 'UNREADABLE' ? undefined : reading.notice
    if (notice && (await isAboutErased(db, endpoint.accountId, notice))) return 'STORED'
    const stored = await store(endpoint, raw, notice)
    if (stored && notice) void applyDue().catch(deps.report)
    return 'STORED'
  }

  async function store(endpoint: WebhookEndpoint, raw: RawDelivery, notice?: WebhookNotice): Promise<boolean> {
    const receivedAt = now()
    if (notice?.eventId == null && (await cameJustNow(endpoint, raw, receivedAt))) return false
    return insertDelivery(db, {
      id: uuid(),
      tenantId: endpoint.tenantId,
      accountId: endpoint.accountId,
      endpointId: endpoint.id,
      provider: endpoint.provider,
      key: notice?.eventId ?? bodyKey(raw, receivedAt),
      event: notice?.event ?? null,
      state: notice ? 'STORED' : 'QUARANTINED',
      receivedAt,
      raw: { ...toKept(raw, notice) },
    })
  }

  /** True where the same body came in the minute before this one, and not a whole minute ago. */
  function cameJustNow({ accountId }: WebhookEndpoint, raw: RawDelivery, at: Date): Promise<boolean> {
    const after = new Date(at.getTime() - SAME_BODY_MS)
    return wasDelivered(db, accountId, bodyKey(raw, after), after)
  }

  /** Applies what waits, one round at a time. Gives how many deliveries it looked at. */
  function applyDue(): Promise<number> {
    next ??= round
      .catch(() => 0)
      .then(() => {
        next = undefined
        round = applyAll()
        return round
      })
    return next
  }

  async function applyAll(): Promise<number> {
    let count = 0
    for (let due = BATCH; due === BATCH; count += due) {
      const deliveries = await findDueDeliveries(db, now(), BATCH)
      due = deliveries.length
      const waiting = deliveries.values()
      await Promise.all(Array.from({ length: AT_ONCE }, () => applyEach(waiting)))
    }
    return count
  }

  async function applyEach(waiting: Iterable<Delivery>): Promise<void> {
    for (const delivery of waiting) {
      const claimed = await claimDelivery(db, delivery, after(pauseOf(FIRST_CLAIM_MS, delivery.tries)))
      if (claimed) await apply(claimed)
    }
  }

  async function apply(delivery: Delivery): Promise<void> {
    try {
      const notice = await readAgain(delivery)
      if (!notice) return await quarantine(delivery)
      if (await isAboutErased(db, delivery.accountId, notice)) return await deleteDeliveries(db, [delivery.id])
      await notices.apply(await accounts.of(delivery), notice, delivery.receivedAt, trx => finish(trx, delivery))
    } catch (error) {
      if (error instanceof LostClaim) return
      if (!(error instanceof DomainError)) deps.report(error)
      if (delivery.tries >= MOST_TRIES) return await quarantine(delivery)
      const nextTryAt = after(pauseOf(FIRST_RETRY_MS, delivery.tries - 1))
      await updateDelivery(db, delivery, { state: 'STORED', nextTryAt })
    }
  }

  /** Throws where somebody else took it meanwhile, so that nothing of it is written twice. */
  async function finish(trx: Database, delivery: Delivery): Promise<void> {
    const applied = await updateDelivery(trx, delivery, { state: 'APPLIED', nextTryAt: null, appliedAt: now() })
    if (!applied) throw new LostClaim()
  }

  async function quarantine(delivery: Delivery): Promise<void> {
    await updateDelivery(db, delivery, { state: 'QUARANTINED', nextTryAt: null })
  }

  /** Reads a stored delivery as of when it came: its signature was in time then. Undefined: it cannot be read. */
  async function readAgain(delivery: Delivery): Promise<WebhookNotice | undefined> {
    const account = await accounts.of(delivery)
    const kept = await readDelivery<KeptDelivery>(db, delivery.id)
    if (!kept) return undefined
    const reading = await account.webhook?.(toRaw(kept), await getEndpointOf(db, delivery), delivery.receivedAt)
    return noticeOf(reading) ?? toKeptNotice(kept)
  }

  /** Has a delivery applied again, whatever became of it. Throws NOT_FOUND. */
  async function replay(call: Pick<Call, 'tenantId'>, id: string): Promise<void> {
    const delivery = await findDelivery(db, call.tenantId, id)
    if (!delivery) throw new NotFoundError('There is no such delivery.')
    await updateDelivery(db, delivery, { state: 'STORED', tries: 0, nextTryAt: now() })
  }

  function after(ms: number): Date {
    return new Date(now().getTime() + ms)
  }

  return { receive, applyDue, replay }
}

class LostClaim extends Error {}

function noticeOf(reading: WebhookReading | undefined): WebhookNotice | undefined {
  return typeof reading === 'object' ? reading.notice : undefined
}

function pauseOf(firstMs: number, times: number): number {
  return Math.min(firstMs * 2 ** times, LAST_RETRY_MS)
}

/** The same body within the same minute is the same thing; unreadable ones too. */
function bodyKey({ body }: RawDelivery, at: Date): string {
  const minute = Math.floor(at.getTime() / SAME_BODY_MS)
  return `body:${createHash('sha256').update(body).digest('base64url')}:${minute}`
}

/** An endpoint's id: nobody can guess it, and no command takes it for an option. */
export function newEndpointId(): string {
  return randomBytes(18).toString('hex')
}
