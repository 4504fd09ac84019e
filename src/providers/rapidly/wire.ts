import { z } from 'zod'

/** Rapidly's field names, verbatim. */

export const CUSTOMER_TYPES = ['individual', 'team'] as const
const MEMBER_ROLES = ['owner', 'billing_manager', 'member'] as const
export const METADATA_LIMITS = { keys: 50, keyLength: 40, valueLength: 500 }
export const MAX_NAME_LENGTH = 256
export const SESSION_LIFETIME_MS = 3_600_000
/** The countries of a billing address: ISO 3166-1 alpha-2 without the embargoed ones. */
export const COUNTRIES: ReadonlySet<string> = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA ' +
    'CC CD CF CG CH CI CK CL CM CN CO CR CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB ' +
    'GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IS IT JE JM JO JP KE KG ' +
    'KH KI KM KN KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV ' +
    'MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RW SA SB ' +
    'SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US ' +
    'UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
  ).split(' '),
)

const time = z.iso.datetime({ offset: true })
const metadataValue = z.union([z.string(), z.number(), z.boolean()])

const address = z.object({
  country: z.string().nullish(),
  line1: z.string().nullish(),
  line2: z.string().nullish(),
  postal_code: z.string().nullish(),
  city: z.string().nullish(),
  state: z.string().nullish(),
})
export type Address = z.infer<typeof address>

const member = z.object({
  id: z.string().nullish(),
  created_at: time.nullish(),
  modified_at: time.nullish(),
  customer_id: z.string().nullish(),
  email: z.string().nullish(),
  name: z.string().nullish(),
  external_id: z.string().nullish(),
  role: z.string().meta({ known: MEMBER_ROLES }).nullish(),
})

/** The customer in a session, without its members. */
export const customer = z.object({
  id: z.uuid(),
  created_at: time.nullish(),
  modified_at: time.nullish(),
  metadata: z.record(z.string(), metadataValue.nullish()).nullish(),
  external_id: z.string().nullish(),
  email: z.string().nullish(),
  email_verified: z.boolean().nullish(),
  type: z.string().meta({ known: CUSTOMER_TYPES }).nullish(),
  name: z.string().nullish(),
  billing_address: address.nullish(),
  workspace_id: z.string().nullish(),
  deleted_at: time.nullish(),
  avatar_url: z.string().nullish(),
  members: z.array(member).nullish(),
})
export type Customer = z.infer<typeof customer>

/** Required: without `customer_portal_url` the session is useless, and it cannot be read again. */
export const customerSession = z.object({
  id: z.uuid(),
  created_at: time.nullish(),
  modified_at: time.nullish(),
  token: z.string().nullish(),
  expires_at: time.nullish(),
  return_url: z.string().nullish(),
  /** The hosted page: an http(s) URL only. */
  customer_portal_url: z.url({ protocol: /^https?$/ }),
  customer_id: z.uuid(),
  customer: customer.extend({ id: z.string().nullish() }).nullish(),
})
export type CustomerSession = z.infer<typeof customerSession>

const pageMeta = z.object({
  total: z.number().int().nullish(),
  page: z.number().int().nullish(),
  per_page: z.number().int().nullish(),
  pages: z.number().int().nullish(),
})

export const customerList = z.object({ data: z.array(customer), meta: pageMeta.nullish() })

/** `{error, detail}` with a text or a list as detail, OAuth's `{error, error_description}`, or only `{detail}`. */
export const errorBody = z.object({
  error: z
    .string()
    .regex(/^\w{1,100}$/)
    .nullish()
    .catch(null),
  detail: z
    .array(z.object({ type: z.string(), loc: z.array(z.union([z.string(), z.number()])) }))
    .nullish()
    .catch(null),
})
export type Fault = NonNullable<z.infer<typeof errorBody>['detail']>[number]

/** The first element of a fault's `loc`, and the union members of the body that may follow it. */
export const ERROR_LOCATIONS: ReadonlySet<unknown> = new Set(['body', 'path', 'query', 'header'])
export const UNION_MEMBERS = ['CustomerSessionCustomerIDCreate', 'CustomerSessionCustomerExternalIDCreate'] as const

export interface CreateCustomerSessionBody {
  customer_id?: string
  external_customer_id?: string
  return_url?: string
  member_id?: string
  external_member_id?: string
}

export interface CreateCustomerBody {
  email: string
  external_id?: string
  name?: string
  type?: (typeof CUSTOMER_TYPES)[number]
  metadata: Record<string, unknown>
  billing_address?: Address
}

const eventName = z.string().regex(/^[\w.]{1,100}$/)

export const webhook = z.object({ type: eventName, timestamp: time.nullish(), data: z.unknown() })
/** The other events concern workspaces and shared files. */
export const CUSTOMER_DELETED = 'customer.deleted'
export const CUSTOMER_EVENTS: ReadonlySet<string> = new Set([
  'customer.created',
  CUSTOMER_DELETED,
  'customer.state_changed',
  'customer.updated',
])
