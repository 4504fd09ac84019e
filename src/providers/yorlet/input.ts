import { z } from 'zod'
import { email, phone, text } from '../../input/rules.ts'
import { ID_PATTERN } from './wire.ts'

/** The input of the creates, with Yorlet's documented rules. */

export const sessionInput = z.object({
  applicantProviderId: text().regex(ID_PATTERN, { error: 'Expected letters, digits and underscores.' }),
  sendEmail: z.boolean().nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>

export const customerInput = z.object({
  email: email(),
  name: text().nullish(),
  phone: phone().nullish(),
})
export type CustomerInput = z.infer<typeof customerInput>
