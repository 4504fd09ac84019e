import type { Provider } from '../provider.ts'

export const JOURNEY_STEPS = ['VERIFICATION', 'APPLICATION', 'PORTAL'] as const
/** The purpose of a hosted page. A PORTAL can be opened at any time and leads to no decision. */
export type JourneyStep = (typeof JOURNEY_STEPS)[number]

/** How end users go through the sessions of a provider. */
export interface Journey {
  readonly step: JourneyStep
  /** True if a user can return to a page after starting it. */
  readonly resumable?: boolean
  /** True if the provider decides about applicants, so that a decision applies to all sessions of an applicant. */
  readonly decidesByApplicant?: boolean
}

export type Journeys = ReadonlyMap<Provider, Journey>

/** The default, for providers without an own journey. */
export const PLAIN_JOURNEY: Journey = { step: 'VERIFICATION' }
