import { z } from 'zod'
import type { AttemptSnapshot } from '../../domain/attempt.ts'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, ListQuery, ProviderClient, ReadCall } from '../contract.ts'
import { sessionInput } from './input.ts'
import { toAttempt, toBody, toCreatedSession, toSession } from './mapper.ts'
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
})
export type Settings = z.infer<typeof settings>

/** Three failures end a session: more pages than this are a provider's loop. */
const MAX_ATTEMPT_PAGES = 10

export function connect({ settings, upstream, now }: Connection<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  /** Attempts of one session, page by page: `limit` is refused there, so the pages are Kayle's own ten. */
  async function listAttempts(sessionId: string, { signal }: ReadCall): Promise<AttemptSnapshot[]> {
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
        schema: attemptListAnswer,
      })
      attempts.push(...data.map(attempt => toAttempt(attempt, sessionId)))
      const next = pagination?.has_more ? pagination.next_cursor : null
      if (!next || next === cursor) break
      cursor = next
    }
    return attempts
  }

  return {
    capabilities: ['CREATE_SESSION', 'GET_SESSION', 'LIST_SESSIONS', 'CANCEL_SESSION', 'ATTEMPTS'],

    async createSession(input) {
      const answer = await upstream.call({
        operation: 'createSession',
        kind: 'CREATE',
        method: 'POST',
        path: '/v1/sessions',
        headers,
        json: toBody(sessionInput.parse(input)),
        schema: createdSessionAnswer,
      })
      return toCreatedSession(answer.data, now())
    },

    /** Always with its attempts: they cost nothing, and the outcome needs them. Generation C never sends any. */
    async getSession({ providerId }, { signal }) {
      const answer = await upstream.call({
        operation: 'getSession',
        kind: 'READ',
        method: 'GET',
        path: `/v1/sessions/${encodeURIComponent(providerId)}`,
        query: { include_attempts: 'true' },
        headers,
        signal,
        schema: sessionAnswer,
      })
      return toSession(answer.data, now())
    },

    async listSessions(query: ListQuery, { signal }) {
      const answer = await upstream.call({
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
        schema: sessionListAnswer,
      })
      const { pagination } = answer
      return {
        items: answer.data.map(session => toSession(session, now())),
        nextCursor: (pagination?.has_more && pagination.next_cursor) || null,
      }
    },

    async cancelSession({ providerId }, { signal }) {
      await upstream.call({
        operation: 'cancelSession',
        kind: 'WRITE',
        method: 'POST',
        path: `/v1/sessions/${encodeURIComponent(providerId)}/cancel`,
        headers,
        signal,
        schema: emptyAnswer,
      })
    },

    listAttempts: ({ providerId }, call) => listAttempts(providerId, call),
  }
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
