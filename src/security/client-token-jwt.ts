import { jwtVerify, SignJWT } from 'jose'
import type { Subject } from '../domain/access/caller.ts'
import type { FieldEncryption } from './field-encryption.ts'

const ALGORITHM = 'HS256'
const ISSUER = 'sessiongraph'
const AUDIENCE = 'sessiongraph/client'

/** The claims of a client token. */
export interface ClientTokenClaims {
  readonly tenantId: string
  /** The API key that created the token. The token ends with the key. */
  readonly keyId: string
  readonly subject: Subject
  readonly expiresAt: Date
}

type Signing = Pick<FieldEncryption, 'signingKey' | 'signingKeyNamed'>

/** A signed JWT. Its header names the signing key. */
export async function signClientToken(encryption: Signing, claims: ClientTokenClaims, now: Date): Promise<string> {
  const { keyId: kid, key } = encryption.signingKey()
  const { tenantId, keyId, subject, expiresAt } = claims
  return new SignJWT({ tid: tenantId, key: keyId, ...subject })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(key)
}

/** The claims of a token; undefined for a foreign, forged or expired one. */
export async function verifyClientToken(
  encryption: Signing,
  token: string,
  now: Date,
): Promise<ClientTokenClaims | undefined> {
  try {
    const { payload } = await jwtVerify(token, ({ kid }) => keyNamed(encryption, kid), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: now,
      requiredClaims: ['exp', 'tid', 'key'],
    })
    const subject = readSubject(payload)
    const { tid, key, exp = 0 } = payload
    if (typeof tid !== 'string' || typeof key !== 'string' || !subject) return undefined
    return { tenantId: tid, keyId: key, subject, expiresAt: new Date(exp * 1_000) }
  } catch {
    // The reason is not distinguished: the token is invalid.
    return undefined
  }
}

function keyNamed(encryption: Signing, keyId: string | undefined): Uint8Array {
  const found = keyId === undefined ? undefined : encryption.signingKeyNamed(keyId)
  if (!found) throw new Error('The token was signed with an unknown key.')
  return found
}

function readSubject({ sessionId, externalId }: Record<string, unknown>): Subject | undefined {
  if (typeof sessionId === 'string' && externalId === undefined) return { sessionId }
  return typeof externalId === 'string' && sessionId === undefined ? { externalId } : undefined
}
