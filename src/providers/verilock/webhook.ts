import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseTolerantly } from '../../upstream/parse.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { toSession } from './mapper.ts'
import { type Webhook, webhook } from './wire.ts'

/** Verilock signs no time: only its event id tells a delivery that comes again. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => isSigned(delivery, secret))) return 'FORGED'
  try {
    const sent = parseTolerantly(webhook, JSON.parse(delivery.body.toString()))?.value
    const notice = sent && toNotice(sent)
    return notice ? { notice } : 'UNREADABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNREADABLE'
  }
}

/** The older documentation names the second header. */
function isSigned({ headers, body }: RawDelivery, secret: string): boolean {
  const header = headers['x-verilock-signature'] ?? headers['x-webhook-signature'] ?? ''
  const [, given] = /^(?:sha256=)?([0-9a-f]{64})$/.exec(header) ?? []
  if (!secret || !given) return false
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(given, 'hex'))
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
