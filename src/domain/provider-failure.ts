/** What went wrong with a provider call, for its operator. The rejection of an input is no failure. */
export const FAILURE_KINDS = [
  'TIMEOUT',
  'UNREACHABLE',
  'SERVER_ERROR',
  'RATE_LIMITED',
  'AUTH_FAILED',
  'CONTRACT_BROKEN',
] as const

export type FailureKind = (typeof FAILURE_KINDS)[number]

export type FailureCounts = Readonly<Partial<Record<FailureKind, number>>>

export function sumFailures(counts: FailureCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
