import { z } from 'zod'
import type { Answer, SandboxRequest } from '../../sandbox/sandbox.ts'
import { refuse, refuseShape, refuseSyntax } from './sandbox-refusal.ts'

/** What Kayle's routes take. Their schemas are zod's, so that a ZodError body is worded as Kayle's. */

// Kayle's zod lets seconds be left out, ours does not; its types do not know that it takes a pattern.
const isoTime = {
  error: 'Invalid ISO datetime',
  pattern:
    /^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z))$/,
}

const sessionId = z.string().regex(/^vs_[A-Za-z0-9]{64}$/, 'Invalid session ID format')
const attemptId = z.string().regex(/^va_[A-Za-z0-9]{64}$/, 'Invalid attempt ID format')
const time = z.iso.datetime(isoTime).optional()
/** Any text is true, `false` included. */
const include_attempts = z.coerce.boolean().default(false)

export const params = z.object({ id: sessionId })
export const inclusion = z.object({ include_attempts })
export const sessionQuery = z.object({
  status: z.enum(['created', 'in_progress', 'completed', 'expired', 'cancelled']).optional(),
  created_from: time,
  created_to: time,
  limit: z.coerce.number().int().min(1).max(100).default(10),
  starting_after: sessionId.optional(),
  include_attempts,
})
export const attemptQuery = z.object({
  session_id: sessionId.optional(),
  status: z.enum(['in_progress', 'succeeded', 'failed', 'cancelled']).optional(),
  /** A number, which no query can hold: it is always refused. */
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
export const cancelBody = z.object({ cancel_token: z.string().min(1) })

/** A refusal on the way to the answer. */
export class Refused extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
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

/** A body that is not declared as JSON is not looked at. */
export function readBody({ headers, body }: SandboxRequest): unknown {
  if (!/^application\/([a-z-.]+\+)?json/.test(headers['content-type'] ?? '')) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new Refused(refuseSyntax)
  }
}

const VERIFIED_DOMAIN = 'example.com'
/** Stands for a registered redirect pattern; the other hosts have none. */
export const REGISTERED_REDIRECT = 'https://registered.example.com/done'
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1'])

/** The URL as Kayle keeps it; refused where its host is on no verified domain. */
export function readRedirectUrl(sent: string | undefined): string | null {
  if (sent === undefined) return null
  const url = new URL(sent)
  const isVerified = url.hostname === VERIFIED_DOMAIN || url.hostname.endsWith(`.${VERIFIED_DOMAIN}`)
  if (!isVerified && !LOOPBACK.has(url.hostname)) throw new Refused(refuse(400, DOMAIN_NOT_VERIFIED, '#create'))
  const isRegistered = url.origin !== new URL(REGISTERED_REDIRECT).origin || url.href === REGISTERED_REDIRECT
  if (!isRegistered) throw new Refused(refuse(400, PATTERN_NOT_REGISTERED, '#create'))
  return url.href
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
