import { z } from 'zod'
import { ACCEPTED, type InputSettings, redirectUrl } from '../../input/rules.ts'

/** The input of a create, with Zenith's documented rules. */
export function sessionInputOf(settings: InputSettings) {
  return z.object({
    level: z.enum(['basic', 'full'], { error: 'Expected basic or full.' }),
    redirectUrl: redirectUrl(settings).nullish(),
  })
}

export const sessionInput = sessionInputOf(ACCEPTED)
export type SessionInput = z.infer<typeof sessionInput>
