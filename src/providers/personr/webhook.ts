import { createHash, timingSafeEqual } from 'node:crypto'
import { parseTolerantly } from '../../upstream/parse.ts'
import type { RawDelivery, ReadWebhook } from '../contract.ts'
import { findReference } from './mapper.ts'
import { webhook } from './wire.ts'

/** Personr names no event. */
const EVENT = 'applicant'

/** Personr signs nothing: a fixed token says who sends, and what is sent is no more than a hint to ask again. */
export const readWebhook: ReadWebhook = async (delivery, { secrets }) => {
  if (!secrets.some(secret => isFromThem(delivery, secret))) return 'FORGED'
  try {
    const sent = parseTolerantly(webhook, JSON.parse(delivery.body.toString()))?.value
    if (!sent) return 'UNREADABLE'
    const { applicantId: applicantProviderId, externalUserIds } = sent
    return { notice: { eventId: null, event: EVENT, applicantProviderId, reference: findReference(externalUserIds) } }
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNREADABLE'
  }
}

function isFromThem({ headers }: RawDelivery, secret: string): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  return Boolean(secret && given) && timingSafeEqual(digest(secret), digest(given ?? ''))
}

/** Of one length, so that the comparison tells nothing of the secret's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
