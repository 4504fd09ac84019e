import { createHmac, timingSafeEqual } from 'node:crypto'
import type { CustomerSnapshot } from '../../domain/customer.ts'
import { parseTolerantly } from '../../upstream/parse.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { toCustomer } from './mapper.ts'
import { CUSTOMER_DELETED, CUSTOMER_EVENTS, customer, webhook } from './wire.ts'

const TOLERANCE_SECONDS = 300

/** Standard Webhooks, but for the key: Rapidly takes the secret's text whole and decodes nothing of it. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }, now) => {
  if (!secrets.some(secret => isSigned(delivery, secret, now))) return 'FORGED'
  try {
    const notice = toNotice(delivery.headers['webhook-id'] ?? null, JSON.parse(delivery.body.toString()))
    return notice ? { notice } : 'UNREADABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNREADABLE'
  }
}

function isSigned({ headers, body }: RawDelivery, secret: string, now: Date): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds = '', 'webhook-signature': signatures = '' } = headers
  if (!secret || !id || !/^\d{1,12}$/.test(seconds)) return false
  if (Math.abs(now.getTime() / 1000 - Number(seconds)) > TOLERANCE_SECONDS) return false
  const expected = createHmac('sha256', secret).update(`${id}.${seconds}.`).update(body).digest('base64')
  return signatures.split(' ').some(signature => isSame(signature, `v1,${expected}`))
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function toNotice(eventId: string | null, body: unknown): WebhookNotice | undefined {
  const sent = parseTolerantly(webhook, body)?.value
  if (!sent) return undefined
  const { type: event, timestamp, data } = sent
  const notice = { eventId, event, ...(timestamp && { occurredAt: new Date(timestamp) }) }
  if (!CUSTOMER_EVENTS.has(event)) return notice
  const told = parseTolerantly(customer, data)?.value
  if (!told) return undefined
  const snapshot = toCustomer(told)
  return { ...notice, customer: event === CUSTOMER_DELETED ? asDeleted(snapshot, timestamp) : snapshot }
}

/** The time that Rapidly gives in the customer itself wins over that of the event. */
function asDeleted(snapshot: CustomerSnapshot, timestamp: string | null | undefined): CustomerSnapshot {
  const { deletedAt } = snapshot.details
  const at = timestamp ? new Date(timestamp).toISOString() : null
  return { ...snapshot, details: { ...snapshot.details, deletedAt: deletedAt ?? at } }
}
