import { z } from 'zod'

/**
 * Verilock's field names, verbatim. Two versions of its documentation disagree on reads; to parse both, only the id
 * and the status are required.
 */

export const SESSION_STATUSES = ['created', 'processing', 'approved', 'declined', 'expired'] as const
export const STEP_STATUSES = ['approved', 'declined', 'pending', 'not_started'] as const

const sessionId = z.string().regex(/^ses_[\w-]{1,251}$/)
const time = z.iso.datetime({ offset: true })
const status = z.string().meta({ known: SESSION_STATUSES, decides: true })

/** The hosted page: an http(s) URL only. */
const hostedUrl = z.url({ protocol: /^https?$/ })

export const createSessionBody = z.object({
  profile_id: z.guid(),
  applicant_email: z.email({ pattern: z.regexes.unicodeEmail }).nullish(),
  applicant_name: z.string().nullish(),
  external_id: z.string().nullish(),
  redirect_url: z.string().nullish(),
  expires_in: z.int().min(300).max(86_400).nullish(),
  metadata: z.record(z.string(), z.json()).nullish(),
})
export type CreateSessionBody = z.infer<typeof createSessionBody>

/** A create's response, which repeats nothing of the input. The last two fields are from the older documentation. */
export const createdSession = z.object({
  id: sessionId,
  session_token: z.string().nullish(),
  session_url: hostedUrl,
  status,
  expires_at: time.nullish(),
  hosted_url: hostedUrl.nullish(),
  created_at: time.nullish(),
})
export type CreatedSession = z.infer<typeof createdSession>

const stepResult = z.object({
  status: z.string().meta({ known: STEP_STATUSES, decides: true }).nullish(),
  score: z.number().nullish(),
  type: z.string().nullish(),
  details: z.unknown().optional(),
})

const applicant = z.object({
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  email: z.string().nullish(),
  date_of_birth: z.string().nullish(),
  nationality: z.string().nullish(),
})

export const session = z.object({
  id: sessionId,
  type: z
    .string()
    .meta({ known: ['kyc'] })
    .nullish(),
  status,
  profile_id: z.string().nullish(),
  external_id: z.string().nullish(),
  reference_id: z.string().nullish(),
  steps: z.array(z.string().nullish()).nullish(),
  results: z.record(z.string(), stepResult.nullish()).nullish(),
  risk_score: z.number().min(0).max(100).nullish(),
  applicant: applicant.nullish(),
  applicant_email: z.string().nullish(),
  applicant_name: z.string().nullish(),
  session_token: z.string().nullish(),
  session_url: hostedUrl.nullish(),
  hosted_url: hostedUrl.nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  created_at: time.nullish(),
  completed_at: time.nullish(),
  expires_at: time.nullish(),
})
export type Session = z.infer<typeof session>

const pageMeta = z.object({
  current_page: z.int().nullish(),
  last_page: z.int().nullish(),
  per_page: z.int().nullish(),
  total: z.int().nullish(),
})

export const sessionList = z.object({ data: z.array(session), meta: pageMeta.nullish() })

/**
 * Free text in place of a code is dropped. `details` holds messages by field for `validation_error`, otherwise other
 * things.
 */
export const errorBody = z.object({
  error: z
    .string()
    .regex(/^\w{1,64}$/)
    .nullish()
    .catch(null),
  details: z.record(z.string(), z.unknown()).nullish().catch(null),
})

/** Only `session.*` events are sure to name a session. The older documentation has no `decision`. */
export const webhook = z.object({
  event: z.string().regex(/^[\w.]{1,100}$/),
  data: z
    .object({
      session_id: sessionId.nullish(),
      status: z.string().nullish(),
      decision: z.string().nullish(),
      risk_score: z.number().min(0).max(100).nullish(),
      completed_at: time.nullish(),
    })
    .nullish(),
  timestamp: time.nullish(),
  webhook_id: z
    .string()
    .regex(/^[\w-]{1,255}$/)
    .nullish(),
})
export type Webhook = z.infer<typeof webhook>
