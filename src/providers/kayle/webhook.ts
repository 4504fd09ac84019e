import { createHmac, timingSafeEqual } from 'node:crypto'
import { compactDecrypt, importJWK } from 'jose'
import type { JsonObject } from '../../domain/json.ts'
import { parseTolerantly } from '../../upstream/parse.ts'
import type { RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { ATTEMPT_SUCCEEDED, type Webhook, webhook } from './wire.ts'

const TOLERANCE_SECONDS = 300
const ALGORITHM = 'RSA-OAEP-256'

/** Kayle signs the encrypted text as it stands in the body, so that is verified before anything is decrypted. */
export const readWebhook: ReadWebhook = async (delivery, { secrets, privateKeys }, now) => {
  if (!secrets.some(secret => isSigned(delivery, secret, now))) return 'FORGED'
  try {
    const text = await decrypt(delivery.body.toString(), privateKeys)
    const sent = text === undefined ? undefined : parseTolerantly(webhook, JSON.parse(text))?.value
    return sent ? { notice: toNotice(sent) } : 'UNREADABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNREADABLE'
  }
}

/** `t=<seconds>,v1=<hex>`: the HMAC of `<t>.<body>`, keyed with the whole secret. */
function isSigned({ headers, body }: RawDelivery, secret: string, now: Date): boolean {
  const [, seconds, given] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(headers['x-kayle-signature'] ?? '') ?? []
  if (!secret || !seconds || !given) return false
  if (Math.abs(now.getTime() / 1000 - Number(seconds)) > TOLERANCE_SECONDS) return false
  const expected = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest()
  return timingSafeEqual(expected, Buffer.from(given, 'hex'))
}

/** With the key that the text names, else with any: Kayle's name of a key is what somebody typed in there. */
async function decrypt(text: string, keys: readonly JsonObject[]): Promise<string | undefined> {
  const kid = readKeyId(text)
  for (const key of keys.toSorted((a, b) => Number(b.kid === kid) - Number(a.kid === kid))) {
    try {
      const { plaintext } = await compactDecrypt(text, await importJWK(key, ALGORITHM), {
        keyManagementAlgorithms: [ALGORITHM],
        contentEncryptionAlgorithms: ['A256GCM'],
        maxDecompressedLength: 0,
      })
      return new TextDecoder().decode(plaintext)
    } catch {
      // Another key may fit.
    }
  }
  return undefined
}

function readKeyId(text: string): unknown {
  const [header = ''] = text.split('.', 1)
  return JSON.parse(Buffer.from(header, 'base64url').toString())?.kid
}

function toNotice({ type, metadata, data }: Webhook): WebhookNotice {
  const { event_id, verification_attempt_id, verification_session_id } = metadata
  const notice = { eventId: event_id, event: type, sessionProviderId: verification_session_id }
  if (type !== ATTEMPT_SUCCEEDED || !verification_attempt_id) return notice
  const details = { claims: data?.claims ?? null, selectedFieldKeys: data?.selected_field_keys ?? null }
  return { ...notice, attempt: { providerId: verification_attempt_id, details } }
}
