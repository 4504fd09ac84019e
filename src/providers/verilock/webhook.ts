import { parseLenient } from '../../upstream/parse-lenient.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { verifyHmac } from '../hmac.ts'
import { toSession } from './mapper.ts'
import { type Webhook, webhook } from './wire.ts'

/** Verilock signs no timestamp: only the event id identifies a repeated delivery. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => verifySignature(delivery, secret))) return 'INVALID_SIGNATURE'
  try {
    const event = parseLenient(webhook, JSON.parse(delivery.body.toString()))?.value
    const notice = event && toNotice(event)
    return notice ? { notice } : 'UNPARSEABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNPARSEABLE'
  }
}

/** The older documentation names the second header. One valid signature is enough. */
function verifySignature({ headers, body }: RawDelivery, secret: string): boolean {
  const signatures = [headers['x-verilock-signature'], headers['x-webhook-signature']]
    .flatMap(header => header?.split(',') ?? [])
    .flatMap(item => /^(?:sha256=)?([0-9a-f]{64})$/i.exec(item.trim())?.[1]?.toLowerCase() ?? [])
  return verifyHmac(secret, { parts: [body], encoding: 'hex', signatures })
}

function toNotice({ event, data, timestamp, webhook_id }: Webhook): WebhookNotice | undefined {
  const notice = {
    eventId: webhook_id ?? null,
    event,
    ...(timestamp && { occurredAt: new Date(timestamp) }),
    ...(data?.session_id && { sessionProviderId: data.session_id }),
  }
  if (!event.startsWith('session.')) return notice
  if (!data?.session_id) return undefined
  const { session_id: id, risk_score, completed_at } = data
  const status = data.status ?? data.decision
  return status ? { ...notice, session: toSession({ id, status, risk_score, completed_at }) } : notice
}
