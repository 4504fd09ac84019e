import { z } from 'zod'

/** Kayle's field names, verbatim. The versions A (`vs_live_…`), B and C (no attempts, more statuses) all parse. */

export const SANDBOX_VERSIONS = ['1.5', '1.6'] as const

export const SESSION_STATUSES = [
  'created',
  'in_progress',
  'completed',
  'expired',
  'cancelled',
  'succeeded',
  'failed',
] as const
export const ATTEMPT_STATUSES = ['in_progress', 'succeeded', 'failed', 'cancelled'] as const
const SHARE_FIELD_SOURCES = ['default', 'rc'] as const

export const CLAIM_KEYS = [
  'date_of_birth',
  'document_expiry_date',
  'document_number',
  'document_photo',
  'document_type_code',
  'family_name',
  'given_names',
  'issuing_country_code',
  'kayle_document_id',
  'kayle_human_id',
  'mrz_optional_data',
  'nationality_code',
  'sex_marker',
] as const
/** No longer in a session's share fields from 1.6 on. */
export const WITHOUT_PHOTO: readonly string[] = CLAIM_KEYS.filter(key => key !== 'document_photo')
export const AGE_GATE = { prefix: 'age_over_', min: 12, max: 130 } as const
export const MAX_SHARE_FIELDS = 32
export const MAX_REASON_LENGTH = 200

const sessionId = z.string().regex(/^vs_(live_|test_)?[A-Za-z0-9]{64}$/)
/** The hosted page: an http(s) URL only. */
const hostedUrl = z.url({ protocol: /^https?$/ })
const attemptId = z.string().min(1).max(255)
const time = z.iso.datetime({ offset: true })

export const attempt = z.object({
  id: attemptId,
  session_id: z.string().nullish(),
  status: z.string().meta({ known: ATTEMPT_STATUSES, decides: true }),
  failure_code: z.string().nullish(),
  risk_score: z.number().min(0).max(1).nullish(),
  completed_at: time.nullish(),
  created_at: time.nullish(),
  updated_at: time.nullish(),
})
export type Attempt = z.infer<typeof attempt>

export const shareField = z.object({
  required: z.boolean().nullish(),
  reason: z.string().nullish(),
  source: z.string().meta({ known: SHARE_FIELD_SOURCES }).nullish(),
})

export const session = z.object({
  id: sessionId,
  status: z.string().meta({ known: SESSION_STATUSES, decides: true }),
  contract_version: z.number().int().nullish(),
  share_fields: z.record(z.string(), shareField.nullish()).nullish(),
  redirect_url: z.string().nullish(),
  verification_url: hostedUrl.nullish(),
  cancel_token: z.string().nullish(),
  expires_at: time.nullish(),
  completed_at: time.nullish(),
  created_at: time.nullish(),
  updated_at: time.nullish(),
  attempts: z.array(attempt).nullish(),
  failure_code: z.string().nullish(),
  liveness_tries_used: z.number().int().nullish(),
  nfc_tries_used: z.number().int().nullish(),
  webhook_endpoint_id: z.union([z.string(), z.array(z.string())]).nullish(),
})
export type Session = z.infer<typeof session>

const pagination = z.object({
  limit: z.number().nullish(),
  has_more: z.boolean().nullish(),
  next_cursor: z.string().nullish(),
})

/** Null beside data; the documentation's example has an empty object. */
const error = z.object({}).nullish()

/** A create whose response has no link created nothing usable. */
export const createdSessionResponse = z.object({ data: session.extend({ verification_url: hostedUrl }), error })
export const sessionResponse = z.object({ data: session, error })
export const sessionListResponse = z.object({ data: z.array(session), error, pagination: pagination.nullish() })
export const attemptListResponse = z.object({ data: z.array(attempt), error, pagination: pagination.nullish() })
/** A cancel returns 204 without a body. */
export const emptyResponse = z.unknown()

/** The five error bodies; the fifth is text. */
export const errorBody = z.object({
  error: z.object({ code: z.string().nullish(), name: z.string().nullish(), message: z.string().nullish() }),
})
/** The account is suspended until its owner has settled the matter with Kayle. */
export const ORGANIZATION_FROZEN = 'ORGANIZATION_FROZEN'
/** A daily limit of sessions, over a rolling window of 24 hours. */
export const UNVERIFIED_LIMIT = 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED'
/** A ZodError body contains this as text in `message`. */
export const zodIssues = z.array(z.object({ path: z.array(z.union([z.string(), z.number()])) }))

export interface CreateSessionBody {
  redirect_url?: string
  share_fields?: Record<string, { required: boolean; reason: string }>
}

const eventName = z.string().regex(/^[\w.]{1,100}$/)

/** The decrypted delivery. It has no time and no status; `data` depends on the event. */
export const webhook = z.object({
  type: eventName,
  metadata: z.object({
    contract_version: z.number().int().nullish(),
    event_id: z.string().regex(/^[\w-]{1,255}$/),
    verification_attempt_id: attemptId.nullish(),
    verification_session_id: sessionId,
  }),
  data: z
    .object({
      claims: z.json().nullish(),
      selected_field_keys: z.array(z.string()).nullish(),
      failure_code: z.string().nullish(),
      nfc_tries_used: z.number().int().nullish(),
      liveness_tries_used: z.number().int().nullish(),
      outcome: z.string().nullish(),
      reason: z.string().nullish(),
    })
    .nullish(),
})
export type Webhook = z.infer<typeof webhook>

/** The events with shared data: of an attempt up to 1.5, of the session from 1.6 on. */
export const ATTEMPT_SUCCEEDED = 'verification.attempt.succeeded'
export const SESSION_SUCCEEDED = 'verification.session.succeeded'
