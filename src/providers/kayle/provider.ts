import { z } from 'zod'
import type { AttemptSnapshot } from '../../domain/attempt.ts'
import { ProviderRejectedError } from '../../domain/errors.ts'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, CreateCall, ListQuery, ProviderClient, ReadCall } from '../contract.ts'
import { type SessionInput, sessionInput } from './input.ts'
import { toAttempt, toBody, toCreatedSession, toMarkedRedirect, toSession } from './mapper.ts'
import { NO_MARKER, recoverSession, type SessionPage } from './recovery.ts'
import {
  attemptListAnswer,
  createdSessionAnswer,
  emptyAnswer,
  errorBody,
  sessionAnswer,
  sessionListAnswer,
  zodIssues,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.kayle.id'),
  apiKey: z.string().min(1).optional(),
  /** Our marker in the redirect of a new session, by which a lost create is found. */
  marker: z.enum(['on', 'off']).default('on'),
  /** A session lives for 60 minutes: after this long a lost one, whose link nobody got, counts as never made. */
  giveUpSeconds: z.coerce.number().int().positive().default(4200),
})
export type Settings = z.infer<typeof settings>

/** Three failures end a session: more pages than this are a provider's loop. */
const MAX_ATTEMPT_PAGES = 10

export function connect({ settings, upstream, now }: Connection<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  /** Attempts of one session, page by page: `limit` is refused there, so the pages are Kayle's own ten. */
  async function listAttempts(sessionId: string, { signal, trail }: ReadCall): Promise<AttemptSnapshot[]> {
    const attempts: AttemptSnapshot[] = []
    let cursor: string | undefined
    for (let pages = 0; pages < MAX_ATTEMPT_PAGES; pages++) {
      const { data, pagination } = await upstream.call({
        operation: 'listAttempts',
        kind: 'READ',
        method: 'GET',
        path: '/v1/sessions/attempts/attempts',
        query: { session_id: sessionId, starting_after: cursor },
        headers,
        signal,
        trail,
        schema: attemptListAnswer,
      })
      attempts.push(...data.map(attempt => toAttempt(attempt, sessionId)))
      const next = pagination?.has_more ? pagination.next_cursor : null
      if (!next || next === cursor) break
      cursor = next
    }
    return attempts
  }

  function send(input: SessionInput, { trail }: CreateCall) {
    return upstream.call({
      operation: 'createSession',
      kind: 'CREATE',
      method: 'POST',
      path: '/v1/sessions',
      headers,
      json: toBody(input),
      trail,
      schema: createdSessionAnswer,
    })
  }

  /** With our marker where there is room for it and Kayle takes it; that there is none is written down first. */
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

  /** Always with its attempts: they cost nothing, and the outcome needs them. Generation C never sends any. */
  async function readSession(providerId: string, { signal, trail }: ReadCall) {
    const answer = await upstream.call({
      operation: 'getSession',
      kind: 'READ',
      method: 'GET',
      path: `/v1/sessions/${encodeURIComponent(providerId)}`,
      query: { include_attempts: 'true' },
      headers,
      signal,
      trail,
      schema: sessionAnswer,
    })
    return answer.data
  }

  async function readPage(query: ListQuery, { signal, trail }: ReadCall): Promise<SessionPage> {
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
      trail,
      schema: sessionListAnswer,
    })
    const nextCursor = (pagination?.has_more && pagination.next_cursor) || null
    return { items: data, nextCursor, isLast: pagination?.has_more === false }
  }

  return {
    capabilities: [
      'CREATE_SESSION',
      'GET_SESSION',
      'LIST_SESSIONS',
      'CANCEL_SESSION',
      'ATTEMPTS',
      'WEBHOOKS',
      'RECONCILE',
    ],

    async createSession(input, call) {
      const { data } = await sendMarked(sessionInput.parse(input), call)
      return toCreatedSession(data, now())
    },

    async getSession({ providerId }, call) {
      return toSession(await readSession(providerId, call), now())
    },

    async listSessions(query, call) {
      const { items, nextCursor } = await readPage(query, call)
      return { items: items.map(session => toSession(session, now())), nextCursor }
    },

    async cancelSession({ providerId }, { signal, trail }) {
      await upstream.call({
        operation: 'cancelSession',
        kind: 'WRITE',
        method: 'POST',
        path: `/v1/sessions/${encodeURIComponent(providerId)}/cancel`,
        headers,
        signal,
        trail,
        schema: emptyAnswer,
      })
    },

    listAttempts: ({ providerId }, call) => listAttempts(providerId, call),

    recovery: { session: recoverSession({ readSession, readPage, now, giveUpSeconds: settings.giveUpSeconds }) },
  }
}

/** Only some redirects are registered, and the marker makes another of one that is. */
function isOfPattern(error: unknown): boolean {
  return error instanceof ProviderRejectedError && error.providerCode === 'REDIRECT_URL_PATTERN_NOT_REGISTERED'
}

/** Kayle's five error bodies: two with a code, one with zod's issues as text, one of text alone, one without a hint. */
export function readRefusal(status: number, body: unknown): Refusal | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  const { code, name, message } = parsed.data.error
  return { providerCode: code ?? name ?? null, issues: readIssues(message) }
}

function readIssues(message: string | null | undefined): Refusal['issues'] {
  if (!message?.startsWith('[')) return []
  try {
    const issues = zodIssues.safeParse(JSON.parse(message))
    return (issues.data ?? []).map(({ path }) => ({
      path: path.map(String),
      message: 'Kayle does not accept this value.',
    }))
  } catch {
    return []
  }
}
