import { z } from 'zod'

/** Personr's words, verbatim. Every call is a POST; most answers stand in `{status, response}`. */

export const APPLICANT_STATUSES = ['Created', 'Pre-Checked', 'Pending', 'Reviewed'] as const

const ACTION_STATUSES = ['Pending', 'Reviewed'] as const
const REVIEW_ANSWERS = ['Approved', 'Rejected', 'Rejected (Final)', 'Rejected (Retry)'] as const

/** Labels after which the end user may try again. The list is open: a label that is not here is taken as final. */
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

/** The only documented refusal of a create. It has no code, so its text stands for one. */
export const INCORRECT_FLOW_NAME = 'Error: Cannot read docSets - incorrect flow name'

export const id = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/)
const epochMilliseconds = z.number().int().min(0).max(8.64e15)
const list = z.array(z.string().nullish())
const applicantStatus = z.string().meta({ known: APPLICANT_STATUSES })

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
  reviewAnswer: z.string().meta({ known: REVIEW_ANSWERS }).nullish(),
  reviewRejectType: z.string().nullish(),
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

/** Described by Microsoft's connector alone. */
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

/** What is told about an applicant, whichever calls told it. */
export type Applicant = Partial<Omit<z.infer<typeof created>, 'applicantId'> & Status & z.infer<typeof details>>

const link = z.object({ customLink: z.string().nullish(), verificationLink: z.string().nullish() })

const login = z.object({
  expires: z.number().nullish(),
  token: z.string().min(1),
  user_id: z.string().nullish(),
})

/** Any other `status` is a refusal. */
const success = z
  .string()
  .meta({ known: ['success'] })
  .nullish()
const answer = <T extends z.ZodType>(response: T) => z.object({ response, status: success })
export const createdAnswer = answer(created)
export const detailsAnswer = answer(details)
export const statusAnswer = answer(status)
export const tokenAnswer = answer(login)

/** The documents show a link both with and without the `response` around it. */
export const linkAnswer = link.extend({ response: link.nullish(), status: success }).transform((answer, context) => {
  const verificationLink = answer.response?.verificationLink ?? answer.verificationLink
  const linkId = verificationLink ? lastSegment(verificationLink) : undefined
  if (verificationLink && linkId) return { verificationLink, linkId }
  context.addIssue({ code: 'custom', message: 'Expected a link with an id.' })
  return z.NEVER
})
export type Link = z.infer<typeof linkAnswer>

function lastSegment(url: string): string | undefined {
  const segment = URL.canParse(url) ? new URL(url).pathname.split('/').filter(Boolean).at(-1) : undefined
  return id.safeParse(segment).data
}

/** Its error bodies: `{statusCode, message}`, `{statusCode, body: {status, message}}`, and `{status, response}` under 200. */
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

const told = z.object({
  applicantId: id.nullish(),
  result: z.object({ applicant: id.nullish() }).nullish(),
  externalUserId: list.nullish(),
})

/** What a webhook says is asked for again, so only whom it is about is read: flat, or as the status call answers. */
export const webhook = told.extend({ response: told.nullish() }).transform(({ response, ...flat }, context) => {
  const ids = [flat, response].map(each => each?.applicantId ?? each?.result?.applicant)
  const applicantId = ids.find(each => each != null)
  const externalUserIds = flat.externalUserId ?? response?.externalUserId ?? []
  if (applicantId) return { applicantId, externalUserIds }
  context.addIssue({ code: 'custom', message: 'Expected the id of an applicant.' })
  return z.NEVER
})
