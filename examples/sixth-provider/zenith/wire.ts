import { z } from 'zod'

/** The enum values of Zenith, as documented. */

export const CHECK_STATUSES = ['waiting', 'started', 'finished', 'lapsed'] as const
export const VERDICTS = ['pass', 'fail'] as const

/** It becomes part of a path, so it is validated. */
const checkId = z.string().regex(/^chk_[a-z0-9]{6,40}$/)

export const createCheckBody = z.object({
  level: z.enum(['basic', 'full']),
  return_to: z.string().nullish(),
  person_ref: z.string().nullish(),
  our_ref: z.string(),
})

export const check = z.object({
  check_id: checkId,
  // An undocumented value is kept, and counted as drift.
  status: z.string().meta({ known: CHECK_STATUSES }),
  verdict: z.string().meta({ known: VERDICTS }).nullish(),
  level: z.string().nullish(),
  link: z.url({ protocol: /^https?$/ }).nullish(),
  person_ref: z.string().nullish(),
  /** Epoch seconds. */
  opened: z.int().nullish(),
  /** Epoch seconds. */
  closes: z.int().nullish(),
})
export type Check = z.infer<typeof check>

export const checkPage = z.object({ checks: z.array(check), next: z.string().nullish() })

export const fault = z.object({
  fault: z.object({ code: z.string().regex(/^\w{1,64}$/), field: z.string().nullish() }),
})
