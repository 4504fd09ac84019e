import { createHmac } from 'node:crypto'
import { safeEqual } from '../security/safe-equal.ts'

export interface SignedContent {
  /** Signed one after the other, without a separator. */
  readonly parts: readonly (string | Buffer)[]
  readonly encoding: 'base64' | 'hex'
  /** In lower case where they are hex. A sender adds signatures while it rotates its secret. */
  readonly signatures: readonly string[]
}

/** True if any of the signatures is the HMAC-SHA256 of the parts. An empty secret verifies nothing. */
export function verifyHmac(secret: string, { parts, encoding, signatures }: SignedContent): boolean {
  if (!secret) return false
  const hmac = createHmac('sha256', secret)
  for (const part of parts) hmac.update(part)
  const expected = hmac.digest(encoding)
  return signatures.some(signature => safeEqual(signature, expected))
}
