import { z } from 'zod'
import type { JsonObject } from '../../domain/json.ts'
import type { Outcome } from '../../domain/records/decision.ts'
import type { SessionSnapshot, SessionStatus } from '../../domain/records/session.ts'
import type { SessionInput } from './input.ts'
import type { Check } from './wire.ts'

/** Fields that only Zenith has. A field that a response omits is omitted. */
export const sessionDetails = z.object({ level: z.string().nullish() })
export type SessionDetails = z.infer<typeof sessionDetails>

export function toBody(
  input: SessionInput,
  { reference, externalId }: { readonly reference: string; readonly externalId?: string | null },
): JsonObject {
  return {
    level: input.level,
    return_to: input.redirectUrl ?? undefined,
    person_ref: externalId ?? undefined,
    our_ref: reference,
  }
}

export function toSession(value: Check): SessionSnapshot {
  const expiresAt = toDate(value.closes)
  return {
    providerId: value.check_id,
    status: STATUSES.get(value.status) ?? 'UNKNOWN',
    outcome: toOutcome(value),
    providerStatus: value.status,
    externalId: value.person_ref ?? undefined,
    createdAt: toDate(value.opened),
    expiresAt,
    access: value.link
      ? { hostedUrl: value.link, sdkToken: null, cancelToken: null, expiresAt: expiresAt ?? null }
      : undefined,
    details: value.level ? { level: value.level } : {},
  }
}

const STATUSES: ReadonlyMap<string, SessionStatus> = new Map([
  ['waiting', 'CREATED'],
  ['started', 'IN_PROGRESS'],
  ['finished', 'COMPLETED'],
  ['lapsed', 'EXPIRED'],
])

/** The verdict counts only when the check is finished: before that Zenith shows a preliminary one. */
function toOutcome({ status, verdict }: Check): Outcome {
  if (status === 'lapsed') return 'NOT_APPLICABLE'
  if (status !== 'finished') return 'PENDING'
  if (verdict === 'pass') return 'APPROVED'
  return verdict === 'fail' ? 'REJECTED' : 'PENDING'
}

function toDate(seconds: number | null | undefined): Date | undefined {
  return seconds == null ? undefined : new Date(seconds * 1000)
}
