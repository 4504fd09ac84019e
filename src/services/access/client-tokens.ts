import type { Caller, Subject } from '../../domain/access/caller.ts'
import { signClientToken, verifyClientToken } from '../../security/client-token-jwt.ts'
import type { ServiceDeps } from '../deps.ts'
import type { Sessions } from '../records/sessions.ts'
import type { RequestScope } from '../request-scope.ts'

export interface NewClientToken {
  readonly subject: Subject
  /** Seconds; 900 if left out. */
  readonly expiresIn?: number
}

export interface ClientToken {
  readonly token: string
  readonly expiresAt: Date
}

const DEFAULT_SECONDS = 900

export type ClientTokens = ReturnType<typeof createClientTokens>

/** Tokens for browsers and phones. Each gives access to one session or person and is revoked with its API key. */
export function createClientTokens({ db, now }: Pick<ServiceDeps, 'db' | 'now'>, sessions: Sessions) {
  /** A person need not have records yet. Throws NOT_FOUND for a missing session. */
  async function create(
    call: RequestScope & { readonly caller: Caller },
    { subject, expiresIn = DEFAULT_SECONDS }: NewClientToken,
  ): Promise<ClientToken> {
    if ('sessionId' in subject) await sessions.getStored(call, subject.sessionId)
    const { tenantId, keyId } = call.caller
    const expiresAt = minDate(new Date(now().getTime() + expiresIn * 1_000), call.caller.expiresAt)
    const token = await signClientToken(db.encryption, { tenantId, keyId, subject, expiresAt }, now())
    return { token, expiresAt: wholeSeconds(expiresAt) }
  }

  return { create, read: (token: string) => verifyClientToken(db.encryption, token, now()) }
}

function minDate(one: Date, other: Date | null): Date {
  return other && other < one ? other : one
}

/** Tokens expire at whole seconds. */
function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1_000) * 1_000)
}
