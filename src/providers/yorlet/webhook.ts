import { parseLenient } from '../../upstream/parse-lenient.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { verifyHmac } from '../hmac.ts'
import { toApplicant, toCustomer, toId, toSession } from './mapper.ts'
import { applicant, customer, session, webhook } from './wire.ts'

/** Yorlet signs no timestamp: only the event id identifies a repeated delivery. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => verifySignature(delivery, secret))) return 'INVALID_SIGNATURE'
  try {
    const notice = toNotice(JSON.parse(delivery.body.toString()))
    return notice ? { notice } : 'UNPARSEABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNPARSEABLE'
  }
}

/** A repeated header is joined with commas. One valid signature is enough. */
function verifySignature({ headers, body }: RawDelivery, secret: string): boolean {
  const signatures = (headers['x-yorlet-signature'] ?? '').split(',').map(item => item.trim())
  return verifyHmac(secret, { parts: [body], encoding: 'base64', signatures })
}

function toNotice(body: unknown): WebhookNotice | undefined {
  const event = parseLenient(webhook, body)?.value
  if (!event) return undefined
  const { object } = event.data
  const subjectFields = OBJECT_READERS.get(object.object ?? '')?.(object)
  if (subjectFields === null) return undefined
  const at = event.created == null ? {} : { occurredAt: new Date(event.created * 1000) }
  return { eventId: event.id, event: event.type, ...at, ...subjectFields }
}

type SubjectFields = Pick<
  WebhookNotice,
  'applicant' | 'applicantProviderId' | 'customer' | 'session' | 'sessionProviderId'
>

type ReadObject = (object: unknown) => SubjectFields | null

/** By the type of the event's object; null if the object does not match its schema. Other types are ignored. */
const OBJECT_READERS: ReadonlyMap<string, ReadObject> = new Map<string, ReadObject>([
  // By default it cannot be read, so the event is the only source.
  [
    'application_session',
    (object: unknown) => {
      const reported = parseLenient(session, object)?.value
      return reported ? { sessionProviderId: reported.id, session: toSession(reported) } : null
    },
  ],
  [
    'application.applicant',
    (object: unknown) => {
      const reported = parseLenient(applicant, object)?.value
      // An applicant can only be read through its application.
      if (!reported?.application) return null
      return { applicantProviderId: reported.id, applicant: toApplicant(reported, toId(reported.application)) }
    },
  ],
  [
    'customer',
    (object: unknown) => {
      const reported = parseLenient(customer, object)?.value
      return reported ? { customer: toCustomer(reported) } : null
    },
  ],
])
