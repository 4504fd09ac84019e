import { z } from 'zod'
import { CALLER_URL_RULE, isCallerUrl } from '../../domain/caller-url.ts'

/** What a create takes, with Verilock's documented rules. */

const EXPIRES_IN_RULE = 'Expected a whole number of seconds from 300 to 86400.'

export const sessionInput = z.object({
  profileId: z.guid({ error: 'Expected the UUID of a verification profile.' }),
  applicantEmail: z.email({ error: 'Expected an e-mail address.' }).nullish(),
  applicantName: z.string().nullish(),
  redirectUrl: z.string().refine(isCallerUrl, { error: CALLER_URL_RULE }).nullish(),
  expiresIn: z
    .int({ error: EXPIRES_IN_RULE })
    .min(300, { error: EXPIRES_IN_RULE })
    .max(86_400, { error: EXPIRES_IN_RULE })
    .nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>
