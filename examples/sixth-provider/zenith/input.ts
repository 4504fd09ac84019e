import { z } from 'zod'
import { CALLER_URL_RULE, isCallerUrl } from '../../domain/caller-url.ts'

/** What a create takes, with Zenith's documented rules. */
export const sessionInput = z.object({
  level: z.enum(['basic', 'full'], { error: 'Expected basic or full.' }),
  returnTo: z.string().refine(isCallerUrl, { error: CALLER_URL_RULE }).nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>
