import { compactDecrypt, importJWK } from 'jose'
import type { JsonObject } from '../../domain/json.ts'
import { parseLenient } from '../../upstream/parse-lenient.ts'
import type { DecryptWebhook, RawDelivery, ReadWebhook, WebhookNotice } from '../contract.ts'
import { verifyHmac } from '../hmac.ts'
import { isSomethingShared, toReportedAttempt, toReportedSession } from './mapper.ts'
import { ATTEMPT_SUCCEEDED, type Webhook, webhook } from './wire.ts'

const TOLERANCE_SECONDS = 300
const ALGORITHM = 'RSA-OAEP-256'

/** Kayle signs the encrypted text of the body, so the signature is verified before decryption. */
export const readWebhook: ReadWebhook = async (delivery, { secrets, privateKeys }, now) => {
  if (!secrets.some(secret => verifySignature(delivery, secret, now))) return 'INVALID_SIGNATURE'
  try {
    const text = await decrypt(delivery.body.toString(), privateKeys)
    const event = text === undefined ? undefined : parseLenient(webhook, JSON.parse(text))?.value
    return event ? { notice: toNotice(event) } : 'UNPARSEABLE'
  } catch {
    // Not JSON, or nested deeper than the stack.
    return 'UNPARSEABLE'
  }
}

export const decryptWebhook: DecryptWebhook = async ({ body }, { privateKeys }) => {
  try {
    return await decrypt(body.toString(), privateKeys)
  } catch {
    // Not encrypted.
    return undefined
  }
}

/**
 * `t=<seconds>,v1=<hex>`: the HMAC of `<t>.<body>`, keyed with the whole secret. During a rotation there may be several
 * signatures, and later schemes beside v1; a repeated header is joined with commas. One valid signature is enough.
 */
function verifySignature({ headers, body }: RawDelivery, secret: string, now: Date): boolean {
  const { times, signatures } = readSignature(headers['x-kayle-signature'] ?? '')
  return times
    .filter(seconds => Math.abs(now.getTime() / 1000 - Number(seconds)) <= TOLERANCE_SECONDS)
    .some(seconds => verifyHmac(secret, { parts: [`${seconds}.`, body], encoding: 'hex', signatures }))
}

/** A rotation needs no more times than this. */
const MAX_TIMES = 4

function readSignature(header: string): { times: string[]; signatures: string[] } {
  const items = header.split(',').map(item => item.trim())
  const valuesOf = (pattern: RegExp) => items.flatMap(item => pattern.exec(item)?.[1] ?? [])
  return {
    times: [...new Set(valuesOf(/^t=(\d{1,12})$/))].slice(0, MAX_TIMES),
    signatures: valuesOf(/^v1=([0-9a-f]{64})$/i).map(hex => hex.toLowerCase()),
  }
}

/** Tries the key that the text names first, then the others: the operator typed in the key's name at Kayle. */
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
      // Another key may match.
    }
  }
  return undefined
}

function readKeyId(text: string): unknown {
  const [header = ''] = text.split('.', 1)
  return JSON.parse(Buffer.from(header, 'base64url').toString())?.kid
}

function toNotice(event: Webhook): WebhookNotice {
  const { type, metadata, data } = event
  const { event_id, verification_attempt_id, verification_session_id } = metadata
  const session = toReportedSession(event)
  const isAttempt = type === ATTEMPT_SUCCEEDED && verification_attempt_id
  return {
    eventId: event_id,
    event: type,
    sessionProviderId: verification_session_id,
    ...(session && { session }),
    ...(isAttempt && { attempt: toReportedAttempt(verification_attempt_id, event) }),
    ...(isSomethingShared(data) && { isOnlyCopy: true as const }),
  }
}
