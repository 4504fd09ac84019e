import { safeEqual } from '../../security/safe-equal.ts'
import { parseLenient } from '../../upstream/parse-lenient.ts'
import type { RawDelivery, ReadWebhook } from '../contract.ts'
import { findReference, toReportedRejection } from './mapper.ts'
import { webhook } from './wire.ts'

/** Personr's events have no name. */
const EVENT = 'applicant'

/** Personr does not sign deliveries: a fixed token identifies the sender, and the content only triggers a read. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => verifySignature(delivery, secret))) return 'INVALID_SIGNATURE'
  try {
    const event = parseLenient(webhook, JSON.parse(delivery.body.toString()))?.value
    if (!event) return 'UNPARSEABLE'
    const { applicantId: applicantProviderId, externalUserIds } = event
    const reference = findReference(externalUserIds)
    return {
      notice: {
        eventId: null,
        event: EVENT,
        applicantProviderId,
        reference,
        applicantDetails: toReportedRejection(event),
      },
    }
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNPARSEABLE'
  }
}

function verifySignature({ headers }: RawDelivery, secret: string): boolean {
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  return secret !== '' && given !== '' && safeEqual(given, secret)
}
