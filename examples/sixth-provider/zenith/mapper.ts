import { z } from 'zod'
import type { JsonObject } from '../../domain/json.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/session.ts'
import type { SessionInput } from './input.ts'
import type { Check } from './wire.ts'

/** What Zenith alone knows about a session. A key is left out where an answer said nothing of it. */
export const sessionDetails = z.object({ level: z.string().nullish() })
export type SessionDetails = z.infer<typeof sessionDetails>

export function toBody(
  input: SessionInput,
  { reference, externalId }: { readonly reference: string; readonly externalId?: string | null },
): JsonObject {
  return {
    level: input.level,
    return_to: input.returnTo ?? undefined,
    person_ref: externalId ?? undefined,
    our_ref: reference,
  }
}

export function toSession(sent: Check): SessionSnapshot {
  const expiresAt = toDate(sent.closes)
  return {
    providerId: sent.check_id,
    status: STATUSES.get(sent.status) ?? 'UNKNOWN',
    outcome: toOutcome(sent),
    providerStatus: sent.status,
    externalId: sent.person_ref ?? undefined,
    createdAt: toDate(sent.opened),
    expiresAt,
    access: sent.link
      ? { hostedUrl: sent.link, token: null, cancelToken: null, expiresAt: expiresAt ?? null }
      : undefined,
    details: sent.level ? { level: sent.level } : {},
  }
}

const STATUSES: ReadonlyMap<string, SessionStatus> = new Map([
  ['waiting', 'CREATED'],
  ['started', 'IN_PROGRESS'],
  ['finished', 'COMPLETED'],
  ['lapsed', 'EXPIRED'],
])

/** The verdict counts only where the check is finished: Zenith shows a first guess before. */
function toOutcome({ status, verdict }: Check): Outcome {
  if (status === 'lapsed') return 'NOT_APPLICABLE'
  if (status !== 'finished') return 'PENDING'
  if (verdict === 'pass') return 'APPROVED'
  return verdict === 'fail' ? 'REJECTED' : 'PENDING'
}

function toDate(seconds: number | null | undefined): Date | undefined {
  return seconds == null ? undefined : new Date(seconds * 1000)
}
