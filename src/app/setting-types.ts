import { z } from 'zod'

export const flag = z.enum(['on', 'off'])

export const positive = z.coerce.number().int().positive()

/** A longer delay makes a timer of Node fire at once. */
const MAX_TIMER_MS = 2_147_483_647

export const milliseconds = positive.max(MAX_TIMER_MS)

export const proxyUrl = z.url({ protocol: /^https?$/, error: 'Expected an http or https URL.' })
