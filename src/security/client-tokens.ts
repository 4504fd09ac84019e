import { jwtVerify, SignJWT } from 'jose'
import type { Subject } from '../domain/caller.ts'
import type { Vault } from './vault.ts'

const ALGORITHM = 'HS256'
const ISSUER = 'sessiongraph'
const AUDIENCE = 'sessiongraph/client'

/** What a client token says. */
export interface ClientTokenClaims {
  readonly tenantId: string
  /** The API key that made it, and with which it ends. */
  readonly keyId: string
  readonly subject: Subject
  readonly expiresAt: Date
}

type Signing = Pick<Vault, 'signingKey' | 'signingKeyNamed'>

/** A token that its holder can read and nobody can change. The key it is signed with is named in its head. */
export async function signClientToken(vault: Signing, claims: ClientTokenClaims, now: Date): Promise<string> {
  const { keyId: kid, key } = vault.signingKey()
  const { tenantId, keyId, subject, expiresAt } = claims
  return new SignJWT({ tid: tenantId, key: keyId, ...subject })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(key)
}

/** What the token says; undefined where it is none of ours, was changed, or is over. */
export async function readClientToken(
  vault: Signing,
  token: string,
  now: Date,
): Promise<ClientTokenClaims | undefined> {
  try {
    const { payload } = await jwtVerify(token, ({ kid }) => keyNamed(vault, kid), {
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
    // Whatever is wrong with it, it is no token of ours.
    return undefined
  }
}

function keyNamed(vault: Signing, keyId: string | undefined): Uint8Array {
  const found = keyId === undefined ? undefined : vault.signingKeyNamed(keyId)
  if (!found) throw new Error('The token was signed with a key that is not here.')
  return found
}

function readSubject({ sessionId, externalId }: Record<string, unknown>): Subject | undefined {
  if (typeof sessionId === 'string' && externalId === undefined) return { sessionId }
  return typeof externalId === 'string' && sessionId === undefined ? { externalId } : undefined
}
