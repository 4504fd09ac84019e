import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import {
  type Delivery,
  findDelivery,
  findDueDeliveries,
  findEndpoint,
  insertDelivery,
  readDelivery,
  updateDelivery,
  type WebhookEndpoint,
} from '../../db/webhook-repository.ts'
import { DomainError, NotFoundError } from '../domain/errors.ts'
import type { RawDelivery, WebhookReading } from '../providers/contract.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import type { Notices } from './notices.ts'

/**
 * Takes in what providers send: verified, stored, acknowledged, and only then applied, as often as it takes. What is
 * stored survives a crash; what was delivered twice is applied once.
 */

/** How a delivery was received. STORED is also said of one that came before. */
export type Reception = 'STORED' | 'FORGED' | 'UNKNOWN_ENDPOINT'

/** A delivery as it is kept: the body in base64, for it need not be text. */
interface KeptDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Bodies of providers that name no event collapse within this time; a later one is news. */
const SAME_BODY_MS = 60_000
const BATCH = 50
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 600_000

export type Inbox = ReturnType<typeof createInbox>

export function createInbox(deps: Deps, notices: Notices) {
  const { db, accounts, now } = deps

  /** Verifies and stores a delivery. Throws only where it could not be stored. */
  async function receive(provider: string, endpointId: string, raw: RawDelivery): Promise<Reception> {
    const endpoint = await findEndpoint(db, provider, endpointId)
    const read = endpoint && accounts.find(endpoint)?.webhook
    if (!endpoint || !read) return 'UNKNOWN_ENDPOINT'
    const reading = await read(raw, endpoint, now())
    if (reading === 'FORGED') return 'FORGED'
    const stored = await store(endpoint, raw, reading)
    if (stored) void applyDue().catch(deps.report)
    return 'STORED'
  }

  function store(
    endpoint: WebhookEndpoint,
    raw: RawDelivery,
    reading: Exclude<WebhookReading, 'FORGED'>,
  ): Promise<boolean> {
    const notice = typeof reading === 'string' ? undefined : reading.notice
    const kept: KeptDelivery = { headers: definedHeaders(raw), body: raw.body.toString('base64') }
    return insertDelivery(db, {
      id: uuid(),
      tenantId: endpoint.tenantId,
      accountId: endpoint.accountId,
      endpointId: endpoint.id,
      provider: endpoint.provider,
      key: notice?.eventId ?? bodyKey(raw, now()),
      event: notice?.event ?? null,
      state: notice ? 'STORED' : 'QUARANTINED',
      receivedAt: now(),
      raw: { ...kept },
    })
  }

  /** Applies what waits. Gives how many deliveries it looked at. */
  async function applyDue(): Promise<number> {
    const due = await findDueDeliveries(db, now(), BATCH)
    for (const delivery of due) await apply(delivery)
    return due.length
  }

  async function apply(delivery: Delivery): Promise<void> {
    try {
      const reading = await readAgain(delivery)
      if (typeof reading === 'string') {
        await updateDelivery(db, delivery.id, 'STORED', { state: 'QUARANTINED', nextTryAt: null })
        return
      }
      await notices.apply(accounts.of(delivery), reading.notice, delivery.receivedAt, trx =>
        updateDelivery(trx, delivery.id, 'STORED', { state: 'APPLIED', nextTryAt: null, appliedAt: now() }),
      )
    } catch (error) {
      if (!(error instanceof DomainError)) deps.report(error)
      const pause = Math.min(FIRST_RETRY_MS * 2 ** delivery.tries, LAST_RETRY_MS)
      const nextTryAt = new Date(now().getTime() + pause)
      await updateDelivery(db, delivery.id, 'STORED', { state: 'STORED', tries: delivery.tries + 1, nextTryAt })
    }
  }

  /** Reads a stored delivery as of when it came: its signature was in time then. */
  async function readAgain(delivery: Delivery): Promise<WebhookReading> {
    const account = accounts.of(delivery)
    const endpoint = await findEndpoint(db, delivery.provider, delivery.endpointId)
    const kept = await readDelivery<KeptDelivery>(db, delivery.id)
    if (!endpoint || !kept || !account.webhook) return 'UNREADABLE'
    const raw = { headers: kept.headers, body: Buffer.from(kept.body, 'base64') }
    return account.webhook(raw, endpoint, delivery.receivedAt)
  }

  /** Has a delivery applied again, whatever became of it. Throws NOT_FOUND. */
  async function replay(call: Pick<Call, 'tenantId'>, id: string): Promise<void> {
    const delivery = await findDelivery(db, call.tenantId, id)
    if (!delivery) throw new NotFoundError('There is no such delivery.')
    await updateDelivery(db, id, delivery.state, { state: 'STORED', tries: 0, nextTryAt: now() })
  }

  return { receive, applyDue, replay }
}

function definedHeaders({ headers }: RawDelivery): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** The same body within the same minute is the same thing; unreadable ones too. */
function bodyKey({ body }: RawDelivery, now: Date): string {
  const minute = Math.floor(now.getTime() / SAME_BODY_MS)
  return `body:${createHash('sha256').update(body).digest('base64url')}:${minute}`
}

/** An endpoint's id: nobody can guess it. */
export function newEndpointId(): string {
  return randomBytes(18).toString('base64url')
}
