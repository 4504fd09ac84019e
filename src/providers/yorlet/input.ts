import { z } from 'zod'
import { ID_PATTERN } from './wire.ts'

/** What creates take, with Yorlet's documented rules. */

export const sessionInput = z.object({
  applicantProviderId: z.string().regex(ID_PATTERN, { error: 'Expected letters, digits and underscores.' }),
  sendEmail: z.boolean().nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>

export const customerInput = z.object({
  email: z.email({ error: 'Expected an e-mail address.' }),
  name: z.string().nullish(),
  phone: z.string().nullish(),
})
export type CustomerInput = z.infer<typeof customerInput>
