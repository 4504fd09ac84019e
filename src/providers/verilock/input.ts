import { z } from 'zod'
import { ACCEPTED, email, type InputSettings, redirectUrl, text } from '../../input/rules.ts'

/** The input of a create, with Verilock's documented rules. */

const EXPIRES_IN_RULE = 'Expected a whole number of seconds from 300 to 86400.'

export function sessionInputOf(settings: InputSettings) {
  return z.object({
    profileId: z.guid({ error: 'Expected the UUID of a verification profile.' }),
    applicantEmail: email().nullish(),
    applicantName: text().nullish(),
    redirectUrl: redirectUrl(settings).nullish(),
    expiresInSeconds: z
      .int({ error: EXPIRES_IN_RULE })
      .min(300, { error: EXPIRES_IN_RULE })
      .max(86_400, { error: EXPIRES_IN_RULE })
      .nullish(),
  })
}

export const sessionInput = sessionInputOf(ACCEPTED)
export type SessionInput = z.infer<typeof sessionInput>
