import { z } from 'zod'

/** Yorlet's field names, verbatim. */

export const MODES = ['classic', 'configuration'] as const
export const SESSION_STATUSES = ['pending', 'active', 'complete', 'canceled', 'expired'] as const
/** The documented form of an id. */
export const ID_PATTERN = /^[a-zA-Z0-9_]+$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no database takes is no id
const id = z.string().regex(/^[^\u0000]{1,255}$/)
/** Fields of undocumented type: an id, or the expanded record. */
const reference = z.union([id, z.looseObject({ id })])
export type Reference = z.infer<typeof reference>
/** Epoch seconds. The bound is the year 9999, which detects milliseconds. */
const time = z.number().min(0).max(253_402_300_799)
const hostedUrl = z.url({ protocol: /^https?$/ })
const object = (name: string) =>
  z
    .string()
    .meta({ known: [name] })
    .nullish()

export const session = z.object({
  id,
  created: time.nullish(),
  object: object('application_session'),
  application: reference,
  application_status: reference,
  customer: reference,
  mode: z.string().meta({ known: MODES }).nullish(),
  status: z.string().meta({ known: SESSION_STATUSES, decides: true }),
  url: hostedUrl.nullish(),
  account: z.string().nullish(),
  deleted: z.boolean().nullish(),
})
export type Session = z.infer<typeof session>

/** Required: the link is the purpose of a create. */
export const createdSession = session.extend({ url: hostedUrl })

/** An applicant's rent, papers and pets, passed through without validation. */
const notOurs = z.unknown().optional()

export const applicant = z.object({
  id,
  created: time.nullish(),
  object: object('application.applicant'),
  application: reference.nullish(),
  customer: reference.nullish(),
  status: z.string().nullish(),
  lead_tenant: z.boolean().nullish(),
  permitted_occupier: z.boolean().nullish(),
  currency: z.string().nullish(),
  share_of_rent: z.number().nullish(),
  advance_rent: notOurs,
  deposit: notOurs,
  holding_fee: notOurs,
  guarantor: notOurs,
  guarantor_contract: notOurs,
  requirements: notOurs,
  tos_acceptance: notOurs,
  pets: notOurs,
  pre_qualification: notOurs,
  account: z.string().nullish(),
  deleted: z.boolean().nullish(),
})
export type Applicant = z.infer<typeof applicant>

export const customer = z.object({
  id,
  created: time.nullish(),
  object: object('customer'),
  email: z.string().nullish(),
  name: z.string().nullish(),
  phone: z.string().nullish(),
  description: z.string().nullish(),
  delinquent: z.boolean().nullish(),
  metadata: z.record(z.string(), z.json()).nullish(),
  address: notOurs,
  legal: notOurs,
  invoicing: notOurs,
  invoice_prefix: notOurs,
  default_payment_method: notOurs,
  radar: notOurs,
  account: z.string().nullish(),
  deleted: z.boolean().nullish(),
})
export type Customer = z.infer<typeof customer>

const list = <T extends z.ZodType>(item: T) =>
  z.object({
    object: object('list'),
    count: z.number().nullish(),
    has_more: z.boolean().nullish(),
    data: z.array(item),
  })
export const sessionList = list(session)
export const applicantList = list(applicant)
export const customerList = list(customer)

/** The response of a cancel is undocumented and ignored. */
export const anyResponse = z.unknown()

export const errorBody = z.object({
  error: z.object({ type: z.string().nullish(), param: z.string().nullish() }),
})

export interface CreateSessionBody {
  application_status: string
  send_email?: boolean
}

export interface CreateCustomerBody {
  email: string
  name?: string
  phone?: string
  metadata?: Record<string, string>
}

/** The content of `data.object` depends on its own `object`. */
export const webhook = z.object({
  id: z.string().max(255).regex(ID_PATTERN),
  object: object('event'),
  created: time.nullish(),
  type: z.string().regex(/^[\w.]{1,100}$/),
  data: z.object({ object: z.looseObject({ object: z.string().nullish() }) }),
})
