import { z } from 'zod'
import { type InputIssue, ProviderNotFoundError, ProviderRejectedError, UnsupportedError } from '../../domain/errors.ts'
import type { Capability } from '../../domain/provider.ts'
import type { AttemptSnapshot } from '../../domain/records/attempt.ts'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { RequestOptions } from '../../upstream/transport.ts'
import type { ClientDeps, CreateCall, ListQuery, ProviderClient, ProviderSessionRef, ReadCall } from '../contract.ts'
import { toPathSegment } from '../path-segment.ts'
import { type SessionInput, sessionInput } from './input.ts'
import { toAttempt, toBody, toMarkedRedirect, toSession } from './mapper.ts'
import { createRecovery, NO_MARKER, type SessionPage } from './recovery.ts'
import {
  attemptListResponse,
  createdSessionResponse,
  emptyResponse,
  errorBody,
  ORGANIZATION_FROZEN,
  SANDBOX_VERSIONS,
  type Session,
  sessionListResponse,
  sessionResponse,
  UNVERIFIED_LIMIT,
  zodIssues,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.kayle.id'),
  apiKey: z.string().min(1).optional(),
  /** Adds our marker to the redirect URL of a new session, so that recovery can find a create. */
  marker: z.enum(['on', 'off']).default('on'),
  /** The version of the sandbox: 1.5 is the documented one, 1.6 has no attempts. */
  sandboxVersion: z.enum(SANDBOX_VERSIONS).default('1.5'),
  /** A session expires after 60 minutes. An unknown one, whose link was never returned, then counts as failed. */
  giveUpSeconds: z.coerce.number().int().positive().default(4200),
})
export type Settings = z.infer<typeof settings>

/** Three failed attempts end a session, so more pages than this are a pagination loop. */
const MAX_ATTEMPT_PAGES = 10

/** Exists up to 1.5. From 1.6 on the session itself has the outcome. */
const ATTEMPTS = 'ATTEMPTS'

const CAPABILITIES: readonly Capability[] = [
  'CREATE_SESSION',
  'GET_SESSION',
  'LIST_SESSIONS',
  'CANCEL_SESSION',
  ATTEMPTS,
  'WEBHOOKS',
  'RECONCILE',
]

export function connect({ settings, upstream, now, abilities }: ClientDeps<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }
  let listing: Promise<unknown> | undefined

  function hasAttempts(): boolean {
    return abilities?.has(ATTEMPTS) ?? true
  }

  /** Concurrent callers wait for the first one, which detects whether the account has attempts. */
  async function listAttempts(sessionId: string, call: ReadCall): Promise<AttemptSnapshot[]> {
    await listing?.catch(() => undefined)
    if (!hasAttempts()) throw noAttempts()
    const attempts = readAttempts(sessionId, call)
    const end = () => {
      listing = undefined
    }
    listing ??= attempts
    attempts.then(end, end)
    return attempts
  }

  /** All attempts of a session. The route rejects `limit`, so pages have Kayle's default size of ten. */
  async function readAttempts(sessionId: string, call: ReadCall): Promise<AttemptSnapshot[]> {
    const attempts: AttemptSnapshot[] = []
    let cursor: string | undefined
    for (let pages = 0; pages < MAX_ATTEMPT_PAGES; pages++) {
      const { data, pagination } = await readAttemptPage({ session_id: sessionId, starting_after: cursor }, call)
      attempts.push(...data.map(attempt => toAttempt(attempt, sessionId)))
      const next = pagination?.has_more ? pagination.next_cursor : null
      if (!next || next === cursor) break
      cursor = next
    }
    return attempts
  }

  /** NOT_FOUND with a code comes from the route itself; without one, the route does not exist. */
  async function readAttemptPage(query: RequestOptions['query'], { signal, callLog }: ReadCall) {
    try {
      const page = await upstream.call({
        operation: 'listAttempts',
        kind: 'READ',
        method: 'GET',
        path: '/v1/sessions/attempts/attempts',
        query,
        headers,
        signal,
        callLog,
        schema: attemptListResponse,
      })
      await abilities?.found(ATTEMPTS)
      return page
    } catch (error) {
      if (abilities && error instanceof ProviderNotFoundError && error.providerCode === null) {
        upstream.countMissing('getSession', 'data.attempts')
        await abilities.lacks(ATTEMPTS)
      }
      throw error
    }
  }

  function send(input: SessionInput, { callLog }: CreateCall) {
    return upstream.call({
      operation: 'createSession',
      kind: 'CREATE',
      method: 'POST',
      path: '/v1/sessions',
      headers,
      json: toBody(input),
      callLog,
      schema: createdSessionResponse,
    })
  }

  /** Adds our marker if it fits and Kayle accepts it. If not, that is saved before the create is sent. */
  async function sendMarked(input: SessionInput, call: CreateCall) {
    const redirectUrl = settings.marker === 'on' ? toMarkedRedirect(input.redirectUrl, call.reference) : undefined
    if (redirectUrl) {
      try {
        return await send({ ...input, redirectUrl }, call)
      } catch (error) {
        if (!isOfPattern(error)) throw error
      }
    }
    await call.note?.(NO_MARKER)
    return send(input, call)
  }

  /** Always with its attempts: they need no further call, and the outcome needs them. Version 1.6 never sends any. */
  async function readSession(providerId: string, call: ReadCall) {
    const answer = await upstream.call(sessionRequest(providerId, call))
    await noteAttempts([answer.data])
    return answer.data
  }

  /** An account that lost its attempts has to note that they are there again, even in a known answer. */
  async function readUnknownSession(
    { providerId }: ProviderSessionRef,
    call: ReadCall,
    knownDigest: string | undefined,
  ) {
    const known = hasAttempts() ? knownDigest : undefined
    const { digest, body } = await upstream.callUnlessKnown(sessionRequest(providerId, call), known)
    if (!body) return { digest, snapshot: undefined }
    await noteAttempts([body.data])
    return { digest, snapshot: toSession(body.data, now()) }
  }

  function sessionRequest(providerId: string, { signal, callLog }: ReadCall) {
    return {
      operation: 'getSession',
      kind: 'READ',
      method: 'GET',
      path: `/v1/sessions/${toPathSegment('KAYLE', providerId)}`,
      query: { include_attempts: 'true' },
      headers,
      signal,
      callLog,
      schema: sessionResponse,
    } as const
  }

  /** Detects an account that was upgraded or downgraded. */
  async function noteAttempts(sessions: readonly Session[]): Promise<void> {
    if (sessions.some(({ attempts }) => attempts)) await abilities?.found(ATTEMPTS)
  }

  async function readPage(query: ListQuery, { signal, callLog }: ReadCall): Promise<SessionPage> {
    const { data, pagination } = await upstream.call({
      operation: 'listSessions',
      kind: 'READ',
      method: 'GET',
      path: '/v1/sessions',
      query: {
        limit: query.limit,
        starting_after: query.cursor,
        created_from: query.createdFrom?.toISOString(),
        created_to: query.createdTo?.toISOString(),
        include_attempts: 'true',
      },
      headers,
      signal,
      callLog,
      schema: sessionListResponse,
    })
    await noteAttempts(data)
    const nextCursor = (pagination?.has_more && pagination.next_cursor) || null
    return { items: data, nextCursor, isLast: pagination?.has_more === false }
  }

  return {
    get capabilities() {
      return hasAttempts() ? CAPABILITIES : CAPABILITIES.filter(capability => capability !== ATTEMPTS)
    },

    async createSession(input, call) {
      const { data } = await sendMarked(sessionInput.parse(input), call)
      return toSession(data, now())
    },

    async getSession({ providerId }, call) {
      return toSession(await readSession(providerId, call), now())
    },

    conditionalReads: { session: readUnknownSession },

    async listSessions(query, call) {
      const { items, nextCursor } = await readPage(query, call)
      return { items: items.map(session => toSession(session, now())), nextCursor }
    },

    async cancelSession({ providerId }, { signal, callLog }) {
      await upstream.call({
        operation: 'cancelSession',
        kind: 'WRITE',
        method: 'POST',
        path: `/v1/sessions/${toPathSegment('KAYLE', providerId)}/cancel`,
        headers,
        signal,
        callLog,
        schema: emptyResponse,
      })
    },

    listAttempts: ({ providerId }, call) => listAttempts(providerId, call),

    recovery: {
      session: createRecovery({
        readSession,
        readPage,
        clockAheadMs: upstream.clockAheadMs,
        now,
        /** A session expires after 60 minutes. An unknown one, whose link was never returned, then counts as failed. */
        giveUpSeconds: settings.giveUpSeconds,
      }),
    },
  }
}

function noAttempts(): UnsupportedError {
  return new UnsupportedError('KAYLE', ATTEMPTS, 'KAYLE has no attempts in this version.')
}

/**
 * Registered redirect URLs are prefixes. The marker, last in the query, breaks the match if the prefix extends beyond
 * it.
 */
function isOfPattern(error: unknown): boolean {
  if (!(error instanceof ProviderRejectedError) || error.outcome !== 'REFUSED') return false
  return error.providerCode === 'REDIRECT_URL_PATTERN_NOT_REGISTERED'
}

/** Kayle's five error bodies: two with a code, one with zod issues as text, one with text only, one without a hint. */
export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  const { code, name, message } = parsed.data.error
  const issues = readIssues(message)
  return {
    providerCode: code ?? name ?? null,
    issues,
    isUnreadableId: issues.some(({ path: [field] }) => field === 'id'),
    isForOperator: code === ORGANIZATION_FROZEN,
    isLasting: code === UNVERIFIED_LIMIT,
  }
}

function readIssues(message: string | null | undefined): readonly InputIssue[] {
  if (!message?.startsWith('[')) return []
  try {
    const issues = zodIssues.safeParse(JSON.parse(message))
    return (issues.data ?? []).map(({ path }) => ({
      path: path.map(String),
      message: 'Expected a value that Kayle accepts.',
    }))
  } catch {
    return []
  }
}
