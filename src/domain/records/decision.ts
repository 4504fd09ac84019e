export const OUTCOMES = [
  'PENDING',
  'IN_REVIEW',
  'APPROVED',
  'REJECTED',
  'NEEDS_RETRY',
  'INCONCLUSIVE',
  'NOT_APPLICABLE',
  'UNKNOWN',
] as const
/** The provider's decision; never derived from the lifecycle alone. */
export type Outcome = (typeof OUTCOMES)[number]

/** The status and outcome that a provider reports. */
export interface Decision<Status extends string> {
  readonly status: Status | 'UNKNOWN'
  readonly outcome: Outcome
}

const DECIDED_OUTCOMES: readonly Outcome[] = ['APPROVED', 'REJECTED', 'NEEDS_RETRY', 'INCONCLUSIVE']

/**
 * The status and outcome to store. An unrecognized status does not replace a known one, and an unknown outcome does not
 * replace a decision.
 */
export function preserveKnown<Status extends string>(
  known: Decision<Status> | undefined,
  reported: Decision<Status>,
): Decision<Status> {
  if (!known || known.status === 'UNKNOWN') return reported
  const isLost =
    reported.status === 'UNKNOWN' || (reported.outcome === 'UNKNOWN' && DECIDED_OUTCOMES.includes(known.outcome))
  return isLost ? { status: known.status, outcome: known.outcome } : reported
}

/** True if the provider's decision is final. */
export function isDecided({ outcome }: { readonly outcome: Outcome }): boolean {
  return outcome === 'APPROVED' || outcome === 'REJECTED'
}
