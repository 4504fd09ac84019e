export const OUTCOMES = ['PENDING', 'APPROVED', 'REJECTED', 'NEEDS_RETRY', 'NOT_APPLICABLE', 'UNKNOWN'] as const
/** The provider's decision; never guessed from the lifecycle alone. */
export type Outcome = (typeof OUTCOMES)[number]
