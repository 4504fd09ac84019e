import { z } from 'zod'

const LENGTH_RULE = { error: 'Expected 1 to 255 characters.' }

/** A key, an id or a name that a caller chose. */
export const shortText = { schema: z.string().min(1, LENGTH_RULE).max(255, LENGTH_RULE) }
