import {
  constants,
  createCipheriv,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import type { SandboxEvent, SignWebhook } from '../../sandbox/webhooks/webhooks.ts'
import type { ShareFields } from './sandbox-share-fields.ts'

/** Kayle's events: without a time, and with only the id of the session. */
export function toEvent(
  type: string,
  session: { readonly id: string },
  data: object = {},
  attempt?: { readonly id: string },
): SandboxEvent {
  const metadata = {
    contract_version: 1,
    event_id: `evt_${randomBytes(32).toString('hex')}`,
    ...(attempt && { verification_attempt_id: attempt.id }),
    verification_session_id: session.id,
  }
  return { type, subject: session.id, content: { data, metadata, type } }
}

/** The claims of an invented passport. */
export function toShared(fields: ShareFields): object {
  const keys = Object.keys(fields)
  return { claims: Object.fromEntries(keys.map(key => [key, CLAIMS[key] ?? true])), selected_field_keys: keys }
}

const CLAIMS: Readonly<Record<string, string>> = {
  date_of_birth: '1990-05-15',
  document_expiry_date: '2030-08-21',
  document_number: '12AB34567',
  document_photo: 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==',
  document_type_code: 'P',
  family_name: 'Sample',
  given_names: 'Sam',
  issuing_country_code: 'FRA',
  kayle_document_id: 'sandbox-document',
  kayle_human_id: 'sandbox-human',
  mrz_optional_data: '',
  nationality_code: 'FRA',
  sex_marker: 'X',
}

/** The payload is encrypted once; every attempt has its own time and signature. */
export const signWebhook: SignWebhook = (event, { publicJwk, keyId }) => {
  if (!publicJwk || !keyId) return 'There is no active key: publicJwk and keyId are missing.'
  const id = `whd_${randomBytes(32).toString('hex')}`
  const body = encrypt(JSON.stringify(event.content), publicJwk, keyId)
  return {
    id,
    body,
    headers: (at, secret) => {
      const t = Math.floor(at.getTime() / 1000)
      return {
        'content-type': 'application/jose',
        'x-kayle-delivery-id': id,
        'x-kayle-event': event.type,
        'x-kayle-signature': `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`,
      }
    },
  }
}

/** A compact JWE with RSA-OAEP-256 and A256GCM. */
function encrypt(plaintext: string, publicJwk: JsonWebKey, keyId: string): string {
  const header = toBase64({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: keyId })
  const contentKey = randomBytes(32)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(header))
  const text = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const wrappedKey = publicEncrypt({ key: createPublicKey({ key: publicJwk, format: 'jwk' }), ...padding }, contentKey)
  return [header, ...[wrappedKey, iv, text, cipher.getAuthTag()].map(part => part.toString('base64url'))].join('.')
}

function toBase64(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url')
}
