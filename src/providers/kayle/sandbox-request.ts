import { z } from 'zod'
import type { SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { refuse, refuseShape, refuseSyntax } from './sandbox-errors.ts'

/** Request parsing of Kayle's routes, with zod, so that ZodError bodies read like Kayle's. */

// Kayle's zod accepts times without seconds; ours does so only with a pattern.
const isoTime = {
  error: 'Invalid ISO datetime',
  pattern:
    /^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z))$/,
}

const sessionId = z.string().regex(/^vs_[A-Za-z0-9]{64}$/, 'Invalid session ID format')
const attemptId = z.string().regex(/^va_[A-Za-z0-9]{64}$/, 'Invalid attempt ID format')
const time = z.iso.datetime(isoTime).optional()
/** Any text is true, including `false`. */
const include_attempts = z.coerce.boolean().default(false)

export const params = z.object({ id: sessionId })
export const inclusion = z.object({ include_attempts })
const STATUSES = {
  '1.5': z.enum(['created', 'in_progress', 'completed', 'expired', 'cancelled']),
  '1.6': z.enum(['created', 'in_progress', 'succeeded', 'failed', 'expired', 'cancelled']),
}
const listQuery = z.object({
  created_from: time,
  created_to: time,
  limit: z.coerce.number().int().min(1).max(100).default(10),
  starting_after: sessionId.optional(),
  include_attempts,
})
export const sessionQuery = {
  '1.5': listQuery.extend({ status: STATUSES['1.5'].optional() }),
  '1.6': listQuery.extend({ status: STATUSES['1.6'].optional() }),
}
export const attemptQuery = z.object({
  session_id: sessionId.optional(),
  status: z.enum(['in_progress', 'succeeded', 'failed', 'cancelled']).optional(),
  /** A number never occurs in a query, so it is always rejected. */
  limit: z.number().default(10),
  starting_after: attemptId.optional(),
})
export const createBody = z.object({
  redirect_url: z
    .string()
    .max(2048)
    .refine(isAllowedUrl, 'Must be an https:// URL with no embedded credentials.')
    .optional(),
  share_fields: z.unknown().optional(),
})
const endpointId = z.string().min(1)
/** From 1.6 on. */
export const targetedBody = createBody.extend({
  webhook_endpoint_id: z.union([endpointId, z.array(endpointId).max(25)]).optional(),
})
export const cancelBody = z.object({ cancel_token: z.string().min(1) })

/** Rejects the request with this response. */
export class Refused extends Error {
  readonly answer: SandboxResponse

  constructor(answer: SandboxResponse) {
    super()
    this.answer = answer
  }
}

export function read<T>(schema: z.ZodType<T>, sent: unknown): T {
  const result = schema.safeParse(sent)
  if (result.success) return result.data
  throw new Refused(refuseShape(result.error))
}

export function readQuery<T>(schema: z.ZodType<T>, request: SandboxRequest): T {
  return read(schema, Object.fromEntries(request.query))
}

/** A body without a JSON content type is ignored. */
export function parseBody({ headers, body }: SandboxRequest): unknown {
  if (!/^application\/([a-z-.]+\+)?json/.test(headers['content-type'] ?? '')) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new Refused(refuseSyntax)
  }
}

/** Prefixes of whole URLs. A prefix with a fragment matches no URL with an added query parameter. */
export const REGISTERED_REDIRECTS = ['https://app.example.net/done', 'https://app.example.net/page#end'] as const
/** A verified domain with registered redirects accepts only those, on all its hosts; one without accepts any. */
const VERIFIED_DOMAINS = new Map<string, readonly string[]>([
  ['example.com', []],
  ['example.net', REGISTERED_REDIRECTS],
])
/** The two names that Kayle's documentation lists; other loopback addresses count as unverified. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1'])

/** The URL as Kayle stores it; rejected if its host is not on a verified domain. */
export function readRedirectUrl(sent: string | undefined): string | null {
  if (sent === undefined) return null
  const { hostname, href } = new URL(sent)
  if (LOOPBACK.has(hostname)) return href
  const [, registered] =
    [...VERIFIED_DOMAINS].find(([domain]) => hostname === domain || hostname.endsWith(`.${domain}`)) ?? []
  if (!registered) throw new Refused(refuse(400, DOMAIN_NOT_VERIFIED, '#create'))
  const isRegistered = registered.length === 0 || registered.some(prefix => href.startsWith(prefix))
  if (!isRegistered) throw new Refused(refuse(400, PATTERN_NOT_REGISTERED, '#create'))
  return href
}

function isAllowedUrl(sent: string): boolean {
  if (!URL.canParse(sent)) return false
  const url = new URL(sent)
  if (url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

const HINT =
  'Verify a domain on the Domains page that covers this redirect host. Any subdomain of a verified apex is accepted by default; add explicit redirect URI patterns to narrow further.'
const DOMAIN_NOT_VERIFIED = {
  code: 'REDIRECT_URL_DOMAIN_NOT_VERIFIED',
  message: 'Redirect URL host is not on a verified domain for this organization.',
  hint: HINT,
}
const PATTERN_NOT_REGISTERED = {
  code: 'REDIRECT_URL_PATTERN_NOT_REGISTERED',
  message: 'Redirect URL host is on a verified domain but does not match any registered redirect URI pattern.',
  hint: HINT,
}
