import { z } from 'zod'

/** Personr's field names, verbatim. Every call is a POST; most responses are wrapped in `{status, response}`. */

export const APPLICANT_STATUSES = ['Created', 'Pre-Checked', 'Pending', 'Reviewed'] as const

const ACTION_STATUSES = ['Pending', 'Reviewed'] as const
const REVIEW_ANSWERS = ['Approved', 'Rejected', 'Rejected (Final)', 'Rejected (Retry)'] as const

/** Personr's kinds of rejection, in any case. */
export const REJECT_TYPES = ['FINAL', 'RETRY'] as const

/** Labels of retryable rejections. The list is open: an unknown label counts as final. */
export const RETRY_LABELS = [
  'BACK_SIDE_MISSING',
  'BLACK_AND_WHITE',
  'DOC_DAMAGED',
  'DOC_DEPRIVED',
  'DOC_PAGE_MISSING',
  'EXPIRATION_DATE',
  'FRONT_SIDE_MISSING',
  'GRAPHIC_EDITOR',
  'ID_INVALID',
  'INCOMPLETE_DOC',
  'LOW_QUALITY',
  'NOT_DOC',
  'PROB_APPLICANT_DATA',
  'SCREENSHOTS',
  'UNFILLED_DOC',
  'UNSATISFACTORY_PHOTOS',
] as const

/** The only documented rejection of a create. It has no code, so its text identifies it. */
export const INCORRECT_FLOW_NAME = 'Error: Cannot read docSets - incorrect flow name'

/** The assumed response for an unknown id, which is undocumented. */
export const UNKNOWN_APPLICANT = 'Error: Cannot find applicant'

export const id = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/)
const epochMilliseconds = z.number().int().min(0).max(8.64e15)
const list = z.array(z.string().nullish())
const applicantStatus = z.string().meta({ known: APPLICANT_STATUSES, decides: true })

const result = z.object({
  'Created By': z.string().nullish(),
  'Created Date': epochMilliseconds.nullish(),
  'Modified Date': epochMilliseconds.nullish(),
  _id: z.string().nullish(),
  applicant: z.string().nullish(),
  commentClient: z.string().nullish(),
  commentModeration: z.string().nullish(),
  company: z.string().nullish(),
  rejectLabels: list.nullish(),
  reviewAnswer: z.string().meta({ known: REVIEW_ANSWERS, decides: true }).nullish(),
  reviewRejectType: z
    .string()
    .meta({ known: ['', ...REJECT_TYPES], anyCase: true, decides: true })
    .nullish(),
  verification: id.nullish(),
})
export type Result = z.infer<typeof result>

const created = z.object({
  applicantId: id,
  applicantStatus: applicantStatus.nullish(),
  email: z.string().nullish(),
  externalUserId: list.nullish(),
  flowName: z.string().nullish(),
  nameFirst: z.string().nullish(),
  nameLast: z.string().nullish(),
  phone: z.string().nullish(),
  sourceKey: z.string().nullish(),
})

const status = z.object({
  applicantActionStatus: z.string().meta({ known: ACTION_STATUSES }).nullish(),
  applicantStatus,
  docCountry: list.nullish(),
  docNumber: list.nullish(),
  documentCountry: z.string().nullish(),
  documents: z.array(z.unknown()).nullish(),
  externalUserId: list.nullish(),
  extractedBirthDate: z.string().nullish(),
  extractedCity: z.string().nullish(),
  extractedFirstName: z.string().nullish(),
  extractedLastName: z.string().nullish(),
  extractedPostCode: z.string().nullish(),
  extractedState: z.string().nullish(),
  extractedStreet: z.string().nullish(),
  extractedStreetNum: z.string().nullish(),
  ipAddress: z.string().nullish(),
  ipCity: z.string().nullish(),
  ipCountry: z.string().nullish(),
  ipTimezone: z.string().nullish(),
  result: result.nullish(),
  sourceKey: z.string().nullish(),
})
export type Status = z.infer<typeof status>

/** Documented only by Microsoft's connector. */
const details = z.object({
  email: z.string().nullish(),
  flowName: z.string().nullish(),
  nameFirst: z.string().nullish(),
  nameLast: z.string().nullish(),
  phone: z.string().nullish(),
  status: z.string().nullish(),
  tags: z.array(z.unknown()).nullish(),
  verificationLinkCustom: z.string().nullish(),
})

/** Applicant data from any call. */
export type Applicant = Partial<Omit<z.infer<typeof created>, 'applicantId'> & Status & z.infer<typeof details>>

const link = z.object({ customLink: z.string().nullish(), verificationLink: z.string().nullish() })

const login = z.object({
  expires: z.number().nullish(),
  token: z.string().min(1),
  user_id: z.string().nullish(),
})

/** Any other `status` is a rejection. */
const success = z
  .string()
  .meta({ known: ['success'] })
  .nullish()
const answer = <T extends z.ZodType>(response: T) => z.object({ response, status: success })
export const createdResponse = answer(created)
export const detailsResponse = answer(details)
export const statusResponse = answer(status)
export const tokenResponse = answer(login)

/** The documentation shows a link with and without the `response` wrapper. */
export const linkResponse = link.extend({ response: link.nullish(), status: success }).transform((answer, context) => {
  const verificationLink = answer.response?.verificationLink ?? answer.verificationLink
  const customLink = answer.response?.customLink ?? answer.customLink
  const linkId = verificationLink ? lastSegment(verificationLink) : undefined
  if (verificationLink && linkId) return { verificationLink, linkId, customLink }
  context.addIssue({ code: 'custom', message: 'Expected a link with an id.' })
  return z.NEVER
})
export type Link = z.infer<typeof linkResponse>

function lastSegment(url: string): string | undefined {
  const segment = URL.canParse(url) ? new URL(url).pathname.split('/').filter(Boolean).at(-1) : undefined
  return id.safeParse(segment).data
}

/**
 * The error bodies: `{statusCode, message}`, `{statusCode, body: {status, message}}`, and `{status, response}` with
 * status 200.
 */
export const errorBody = z.object({
  body: z
    .object({ status: z.string().regex(/^[A-Z][A-Z_]{0,63}$/) })
    .nullish()
    .catch(null),
  message: z.string().nullish().catch(null),
  status: z.string().nullish().catch(null),
  statusCode: z.number().int().nullish().catch(null),
})

export interface CreateApplicantForm {
  readonly email: string
  readonly phone: string
  readonly nameFirst?: string
  readonly nameLast?: string
  readonly flowName: string
  readonly sourceKey?: string
  /** A JSON list as text. */
  readonly externalUserId: string
}

const rejection = z.object({ rejectLabels: list.nullish(), reviewRejectType: z.string().nullish() })

const reported = rejection.extend({
  applicantId: id.nullish(),
  result: rejection.extend({ applicant: id.nullish() }).nullish(),
  externalUserId: list.nullish(),
})

/**
 * A webhook only triggers a read, so only the applicant and the kind of rejection are parsed: flat, or in the form of
 * the status call.
 */
export const webhook = reported.extend({ response: reported.nullish() }).transform(({ response, ...flat }, context) => {
  const parts = [flat, flat.result, response, response?.result]
  const ids = [flat, response].map(each => each?.applicantId ?? each?.result?.applicant)
  const applicantId = ids.find(each => each != null)
  const externalUserIds = flat.externalUserId ?? response?.externalUserId ?? []
  const rejectLabels = parts.find(part => part?.rejectLabels != null)?.rejectLabels
  const reviewRejectType = parts.find(part => part?.reviewRejectType != null)?.reviewRejectType
  if (applicantId) return { applicantId, externalUserIds, rejectLabels, reviewRejectType }
  context.addIssue({ code: 'custom', message: 'Expected the id of an applicant.' })
  return z.NEVER
})
