import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import { parseLenient } from '../../upstream/parse-lenient.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { verifyHmac } from '../hmac.ts'
import { toCustomer } from './mapper.ts'
import { CUSTOMER_DELETED, CUSTOMER_EVENTS, customer, webhook } from './wire.ts'

const TOLERANCE_SECONDS = 300

/** Standard Webhooks, except for the key: Rapidly uses the secret's text as it is, without decoding. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }, now) => {
  if (!secrets.some(secret => verifySignature(delivery, secret, now))) return 'INVALID_SIGNATURE'
  try {
    const notice = toNotice(delivery.headers['webhook-id'] ?? null, JSON.parse(delivery.body.toString()))
    return notice ? { notice } : 'UNPARSEABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNPARSEABLE'
  }
}

function verifySignature({ headers, body }: RawDelivery, secret: string, now: Date): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds = '', 'webhook-signature': header = '' } = headers
  if (!id || !/^\d{1,12}$/.test(seconds)) return false
  if (Math.abs(now.getTime() / 1000 - Number(seconds)) > TOLERANCE_SECONDS) return false
  const signatures = readSignatures(header)
  return verifyHmac(secret, { parts: [`${id}.${seconds}.`, body], encoding: 'base64', signatures })
}

/**
 * Signatures are separated by spaces and start with the version of their scheme; a repeated header is joined with
 * commas.
 */
function readSignatures(header: string): string[] {
  return [...header.matchAll(/(?<![^\s,])v1,([A-Za-z0-9+/]+={0,2})(?![^\s,])/g)].map(([, signature = '']) => signature)
}

function toNotice(eventId: string | null, body: unknown): WebhookNotice | undefined {
  const parsed = parseLenient(webhook, body)?.value
  if (!parsed) return undefined
  const { type: event, timestamp, data } = parsed
  const notice = { eventId, event, ...(timestamp && { occurredAt: new Date(timestamp) }) }
  if (!CUSTOMER_EVENTS.has(event)) return notice
  const reported = parseLenient(customer, data)?.value
  if (!reported) return undefined
  const snapshot = toCustomer(reported)
  return { ...notice, customer: event === CUSTOMER_DELETED ? toDeletedCustomer(snapshot, timestamp) : snapshot }
}

/** The time in the customer takes precedence over the time of the event. */
function toDeletedCustomer(snapshot: CustomerSnapshot, timestamp: string | null | undefined): CustomerSnapshot {
  const { deletedAt } = snapshot.details
  const at = timestamp ? new Date(timestamp).toISOString() : null
  return { ...snapshot, details: { ...snapshot.details, deletedAt: deletedAt ?? at } }
}
