import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { JsonObject } from '../domain/json.ts'

const MODULUS_BITS = 2048

/** A key pair for encrypted webhooks. The public key is registered at the provider. */
export async function createWebhookKeyPair(): Promise<{
  keyId: string
  publicJwk: JsonObject
  privateJwk: JsonObject
}> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const keyId = `sg-${randomBytes(8).toString('hex')}`
  const named = { kid: keyId, alg: 'RSA-OAEP-256', use: 'enc' }
  return {
    keyId,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), ...named } as JsonObject,
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...named } as JsonObject,
  }
}

/** A random secret for webhook signatures. */
export function createWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64url')}`
}
