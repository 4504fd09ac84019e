import type { Caller, Subject } from '../domain/caller.ts'
import { readClientToken, signClientToken } from '../security/client-tokens.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import type { Sessions } from './sessions.ts'

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

/** Tokens for browsers and phones: each opens one session or one person, and ends with the key that made it. */
export function createClientTokens({ db, now }: Pick<Deps, 'db' | 'now'>, sessions: Sessions) {
  /** A person may be told of before anything is known of them; a session has to be there. Throws NOT_FOUND. */
  async function create(
    call: Call & { readonly caller: Caller },
    { subject, expiresIn = DEFAULT_SECONDS }: NewClientToken,
  ): Promise<ClientToken> {
    if ('sessionId' in subject) await sessions.getStored(call, subject.sessionId)
    const { tenantId, keyId } = call.caller
    const expiresAt = earlier(new Date(now().getTime() + expiresIn * 1_000), call.caller.expiresAt)
    const token = await signClientToken(db.vault, { tenantId, keyId, subject, expiresAt }, now())
    return { token, expiresAt: wholeSeconds(expiresAt) }
  }

  return { create, read: (token: string) => readClientToken(db.vault, token, now()) }
}

function earlier(one: Date, other: Date | null): Date {
  return other && other < one ? other : one
}

/** A token says its end in whole seconds. */
function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1_000) * 1_000)
}
