import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import { type Database, inTransaction } from '../../../db/core/database.ts'
import { deleteDeliveries } from '../../../db/repositories/erasure-repository.ts'
import {
  claimDelivery,
  type Delivery,
  type DeliveryError,
  type Dismissal,
  dismissDelivery,
  findDelivery,
  findDueDeliveries,
  findEndpoint,
  findLastReceivedLike,
  getEndpointForAccount,
  insertDelivery,
  readDelivery,
  updateDelivery,
  type WebhookEndpoint,
} from '../../../db/repositories/webhook-repository.ts'
import { DomainError, NotFoundError, notFoundError, ProviderError } from '../../domain/errors.ts'
import type { RawDelivery, WebhookNotice, WebhookReadResult } from '../../providers/contract.ts'
import { createSkippedAccounts } from '../accounts/skipped-accounts.ts'
import { concernsErased, containsErased, namesErased } from '../privacy/tombstones.ts'
import type { RequestScope } from '../request-scope.ts'
import { decryptBody } from './decrypt-body.ts'
import {
  deserializeDelivery,
  deserializeNotice,
  type SerializedDelivery,
  serializeDelivery,
} from './delivery-serialization.ts'
import type { WebhookDeps } from './notice-reads.ts'
import { applyNotice } from './webhook-processor.ts'

/**
 * Verifies, stores and acknowledges deliveries, then applies them with retries. A stored delivery survives a crash; a
 * duplicate is applied once across all instances.
 */

/**
 * STORED also for a duplicate and for a delivery about an erased person. NOT_CONNECTED: this instance lacks the endpoint's
 * account, so another one must receive the delivery.
 */
export type ReceiveResult = 'STORED' | 'INVALID_SIGNATURE' | 'UNKNOWN_ENDPOINT' | 'NOT_CONNECTED'

/** Equal bodies without an event id are duplicates within this time. */
const DEDUPE_WINDOW_MS = 60_000
/** The largest clock difference between instances. */
const CLOCKS_APART_MS = 5_000
const BATCH = 50
const CONCURRENCY = 8
/** How long the first claim of a delivery lasts; each later one lasts longer. */
const FIRST_CLAIM_MS = 10_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 600_000
/** After about a day of retries the delivery is quarantined for an operator. */
const MAX_ATTEMPTS = 150

export type Inbox = ReturnType<typeof createInbox>

export function createInbox(deps: WebhookDeps) {
  const { db, accounts, now } = deps
  const skippedAccounts = createSkippedAccounts(now)
  let round: Promise<number> = Promise.resolve(0)
  let next: Promise<number> | undefined

  /** Undefined if the provider has no such endpoint. */
  function endpointOf(provider: string, endpointId: string): Promise<WebhookEndpoint | undefined> {
    return findEndpoint(db, provider, endpointId)
  }

  /** Verifies and stores a delivery. Throws only if it cannot be stored. */
  async function receive(endpoint: WebhookEndpoint, raw: RawDelivery): Promise<ReceiveResult> {
    const account = await accounts.find(endpoint)
    if (!account) return 'NOT_CONNECTED'
    const read = account.webhook
    if (!read) return 'UNKNOWN_ENDPOINT'
    const result = await read(raw, endpoint, now())
    if (result === 'INVALID_SIGNATURE') return 'INVALID_SIGNATURE'
    const notice = result === 'UNPARSEABLE' ? undefined : result.notice
    const text = notice ? '' : await decryptBody(account, endpoint, raw)
    const storeUnlessErased = async (trx: Database) => {
      const isErased = notice ? concernsErased(trx, endpoint, notice) : containsErased(trx, endpoint, text)
      return !(await isErased) && (await store(trx, endpoint, raw, notice))
    }
    const stored = await deps.transactionSlots.run(endpoint.tenantId, () => inTransaction(db, storeUnlessErased))
    if (stored && notice) void applyDue().catch(deps.report)
    return 'STORED'
  }

  /** A step of a transaction. False for a duplicate. */
  async function store(
    to: Database,
    endpoint: WebhookEndpoint,
    raw: RawDelivery,
    notice?: WebhookNotice,
  ): Promise<boolean> {
    const receivedAt = now()
    const key = notice?.eventId ?? (await keyOfBody(to, endpoint, raw, receivedAt))
    if (key === undefined) return false
    return insertDelivery(to, {
      id: uuid(),
      tenantId: endpoint.tenantId,
      accountId: endpoint.accountId,
      endpointId: endpoint.id,
      provider: endpoint.provider,
      key,
      event: notice?.event ?? null,
      subjectId: notice ? subjectOf(notice) : null,
      state: notice ? 'STORED' : 'QUARANTINED',
      error: notice ? null : UNREADABLE,
      receivedAt,
      raw: { ...serializeDelivery(raw, notice) },
    })
  }

  /**
   * The key of a delivery without an event id. Undefined for a duplicate: the same body within a minute, with no other
   * delivery of the account in between, which could have changed the record back and forth.
   */
  async function keyOfBody(
    from: Database,
    { tenantId, accountId }: WebhookEndpoint,
    { body }: RawDelivery,
    at: Date,
  ): Promise<string | undefined> {
    const bodyHash = createHash('sha256').update(body).digest('base64url')
    const begin = `body:${db.encryption.fingerprint(`delivery|${accountId}|${bodyHash}`)}:`
    const key = `${begin}${Math.floor(at.getTime() / DEDUPE_WINDOW_MS)}`
    const span = { tenantId, accountId, until: new Date(at.getTime() + CLOCKS_APART_MS) }
    const same = await findLastReceivedLike(from, { ...span, after: before(at, DEDUPE_WINDOW_MS) }, begin, true)
    if (!same) return key
    const other = await findLastReceivedLike(from, { ...span, after: before(same, CLOCKS_APART_MS) }, begin, false)
    return other && `${key}:${uuid()}`
  }

  /** Applies due deliveries, one round at a time. Returns how many it found. */
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
    const others = new Set(skippedAccounts.ids())
    let count = 0
    for (let due = BATCH; due === BATCH; count += due) {
      const deliveries = await findDueDeliveries(db, now(), BATCH, [...others])
      due = deliveries.length
      const waiting = deliveries.values()
      await Promise.all(Array.from({ length: CONCURRENCY }, () => applyEach(waiting, others)))
    }
    return count
  }

  /** Deliveries of accounts that are not connected here are left to other instances: the account joins `others`. */
  async function applyEach(waiting: Iterable<Delivery>, others: Set<string>): Promise<void> {
    for (const delivery of waiting) {
      if (!(await accounts.find(delivery))) others.add(delivery.accountId)
      if (others.has(delivery.accountId)) continue
      const claimed = await claimDelivery(db, delivery, after(pauseOf(FIRST_CLAIM_MS, delivery.attempts)))
      if (claimed) await apply(claimed)
    }
  }

  async function apply(delivery: Delivery): Promise<void> {
    try {
      const stored = await parseStored(delivery)
      if (!stored?.notice) return await quarantineUnlessErased(delivery, stored?.text)
      await applyStored(delivery, stored.notice, stored.text)
    } catch (error) {
      if (error instanceof ClaimLostError) return
      if (!(error instanceof DomainError)) deps.report(error)
      else if (error.code === 'PROVIDER_AUTH_FAILED') skippedAccounts.skip(delivery.accountId)
      const reason = toDeliveryError(error)
      if (delivery.attempts >= MAX_ATTEMPTS) return await quarantine(delivery, reason)
      const nextAttemptAt = after(pauseOf(FIRST_RETRY_MS, delivery.attempts - 1))
      await updateDelivery(db, delivery, { state: 'STORED', nextAttemptAt, error: reason })
    }
  }

  async function applyStored(delivery: Delivery, notice: WebhookNotice, text: string): Promise<void> {
    if (await concernsErased(db, delivery, notice)) return deleteDeliveries(db, [delivery.id])
    try {
      await applyNotice(deps, await accounts.of(delivery), notice, trx => finish(trx, delivery, notice, text))
    } catch (error) {
      // The record belongs to an erased person and is not stored.
      if (!(error instanceof NotFoundError && (await namesErased(db, delivery, notice, text)))) throw error
      await deleteDeliveries(db, [delivery.id])
    }
  }

  /** Throws if another instance claimed the delivery meanwhile, so that its transaction is rolled back. */
  async function finish(trx: Database, delivery: Delivery, notice: WebhookNotice, text: string): Promise<void> {
    const applied = await updateDelivery(trx, delivery, {
      state: 'APPLIED',
      nextAttemptAt: null,
      appliedAt: now(),
      error: null,
    })
    if (!applied) throw new ClaimLostError()
    if (await namesErased(trx, delivery, notice, text)) await deleteDeliveries(trx, [delivery.id])
  }

  async function quarantineUnlessErased(delivery: Delivery, text: string | undefined): Promise<void> {
    if (text && (await containsErased(db, delivery, text))) return deleteDeliveries(db, [delivery.id])
    await quarantine(delivery, text === undefined ? UNDECRYPTABLE : UNREADABLE)
  }

  async function quarantine(delivery: Delivery, error: DeliveryError): Promise<void> {
    await updateDelivery(db, delivery, { state: 'QUARANTINED', nextAttemptAt: null, error })
  }

  /**
   * The text of a stored delivery and what it says, parsed with the time of its receipt, when its signature was valid. No
   * notice: it cannot be read. Undefined: it cannot be decrypted.
   */
  async function parseStored(delivery: Delivery) {
    const account = await accounts.of(delivery)
    const stored = await readDelivery<SerializedDelivery>(db, delivery)
    if (!stored) return undefined
    const endpoint = await getEndpointForAccount(db, delivery)
    const raw = deserializeDelivery(stored)
    const result = await account.webhook?.(raw, endpoint, delivery.receivedAt)
    return { notice: noticeOf(result) ?? deserializeNotice(stored), text: await decryptBody(account, endpoint, raw) }
  }

  /**
   * Applies a delivery again, in any state, and returns it as it is afterwards: APPLIED, or with the error. Undefined if it was
   * deleted, because it is about an erased person. Throws NOT_FOUND.
   */
  async function replay(call: Pick<RequestScope, 'tenantId'>, id: string): Promise<Delivery | undefined> {
    const delivery = await get(call, id)
    await updateDelivery(db, delivery, { state: 'STORED', attempts: 0, nextAttemptAt: now(), error: null })
    await applyDue()
    return findDelivery(db, call.tenantId, id)
  }

  /** Ends the quarantine of a delivery without applying it. Throws NOT_FOUND, and BAD_REQUEST in any other state. */
  async function dismiss(
    call: Pick<RequestScope, 'tenantId'>,
    id: string,
    by: Pick<Dismissal, 'actor' | 'note'>,
  ): Promise<Delivery> {
    const delivery = await get(call, id)
    if (!(await dismissDelivery(db, delivery, { ...by, at: now().toISOString() })))
      throw new DomainError('BAD_REQUEST', 'Expected a delivery in quarantine; this one is not, or not any more.')
    return get(call, id)
  }

  async function get({ tenantId }: Pick<RequestScope, 'tenantId'>, id: string): Promise<Delivery> {
    const delivery = await findDelivery(db, tenantId, id)
    if (!delivery) throw notFoundError('webhook delivery')
    return delivery
  }

  function after(ms: number): Date {
    return new Date(now().getTime() + ms)
  }

  return { endpointOf, receive, applyDue, replay, dismiss }
}

class ClaimLostError extends Error {}

const UNREADABLE: DeliveryError = {
  code: 'UNREADABLE',
  message:
    'The signature is valid, but the content has another format than documented, or is encrypted for another key.',
}

const UNDECRYPTABLE: DeliveryError = {
  code: 'UNDECRYPTABLE',
  message: 'The stored content cannot be decrypted, because its ENCRYPTION_KEY is missing.',
}

function toDeliveryError(error: unknown): DeliveryError {
  if (error instanceof ProviderError) return { code: error.code, message: error.summary }
  if (error instanceof DomainError) return { code: error.code, message: error.message }
  return { code: 'INTERNAL_ERROR', message: 'Unexpected error. The server log has the details.' }
}

/** The provider's id of the record that the notice is about. */
function subjectOf({
  sessionProviderId,
  session,
  applicantProviderId,
  applicant,
  customer,
}: WebhookNotice): string | null {
  return (
    sessionProviderId ??
    session?.providerId ??
    applicantProviderId ??
    applicant?.providerId ??
    customer?.providerId ??
    null
  )
}

function noticeOf(result: WebhookReadResult | undefined): WebhookNotice | undefined {
  return typeof result === 'object' ? result.notice : undefined
}

function pauseOf(firstMs: number, times: number): number {
  return Math.min(firstMs * 2 ** times, LAST_RETRY_MS)
}

function before(at: Date, ms: number): Date {
  return new Date(at.getTime() - ms)
}

/** Unguessable, and never parsed as a command-line option. */
export function newEndpointId(): string {
  return randomBytes(18).toString('hex')
}
