import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseTolerantly } from '../../upstream/parse.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { toCustomer, toSession } from './mapper.ts'
import { customer, session, webhook } from './wire.ts'

/** Yorlet signs no time: only its event id tells a delivery that comes again. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => isSigned(delivery, secret))) return 'FORGED'
  try {
    const notice = toNotice(JSON.parse(delivery.body.toString()))
    return notice ? { notice } : 'UNREADABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNREADABLE'
  }
}

function isSigned({ headers, body }: RawDelivery, secret: string): boolean {
  if (!secret) return false
  const given = Buffer.from(headers['x-yorlet-signature'] ?? '')
  const expected = Buffer.from(createHmac('sha256', secret).update(body).digest('base64'))
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function toNotice(body: unknown): WebhookNotice | undefined {
  const sent = parseTolerantly(webhook, body)?.value
  if (!sent) return undefined
  const { object } = sent.data
  const about = READERS.get(object.object ?? '')?.(object)
  if (about === null) return undefined
  const at = sent.created == null ? {} : { occurredAt: new Date(sent.created * 1000) }
  return { eventId: sent.id, event: sent.type, ...at, ...about }
}

type About = Pick<WebhookNotice, 'customer' | 'session' | 'sessionProviderId'>

type ReadObject = (object: unknown) => About | null

/** By the kind of object that an event is about; null where it does not read as that. Other kinds are not ours. */
const READERS: ReadonlyMap<string, ReadObject> = new Map<string, ReadObject>([
  // By default it cannot be read back, so what is told here is all there is.
  [
    'application_session',
    (object: unknown) => {
      const told = parseTolerantly(session, object)?.value
      return told ? { sessionProviderId: told.id, session: toSession(told) } : null
    },
  ],
  [
    'customer',
    (object: unknown) => {
      const told = parseTolerantly(customer, object)?.value
      return told ? { customer: toCustomer(told) } : null
    },
  ],
])
