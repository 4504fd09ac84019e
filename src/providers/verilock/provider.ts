import { z } from 'zod'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { ClientDeps, ListQuery, ProviderClient, ProviderSessionRef, ReadCall } from '../contract.ts'
import { toPathSegment } from '../path-segment.ts'
import { sessionInput } from './input.ts'
import { toBody, toCreatedSession, toSession } from './mapper.ts'
import { createRecovery, type SessionPage } from './recovery.ts'
import { createdSession, errorBody, session, sessionList } from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://verilock.io/api/v1'),
  apiKey: z.string().min(1).optional(),
})
export type Settings = z.infer<typeof settings>

export function connect({ settings, upstream }: ClientDeps<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  function readSession(providerId: string, call: ReadCall) {
    return upstream.call(sessionRequest(providerId, call))
  }

  async function readUnknownSession(
    { providerId }: ProviderSessionRef,
    call: ReadCall,
    knownDigest: string | undefined,
  ) {
    const { digest, body } = await upstream.callUnlessKnown(sessionRequest(providerId, call), knownDigest)
    return { digest, snapshot: body && toSession(body) }
  }

  function sessionRequest(providerId: string, { signal, callLog }: ReadCall) {
    return {
      operation: 'getSession',
      kind: 'READ',
      method: 'GET',
      path: `/sessions/${toPathSegment('VERILOCK', providerId)}`,
      headers,
      signal,
      callLog,
      schema: session,
    } as const
  }

  /** Filters by whole days, so the list may contain more than the requested period. */
  async function readPage(
    { limit, cursor, createdFrom, createdTo }: ListQuery,
    { signal, callLog }: ReadCall,
  ): Promise<SessionPage> {
    const answer = await upstream.call({
      operation: 'listSessions',
      kind: 'READ',
      method: 'GET',
      path: '/sessions',
      query: { page: cursor, per_page: limit, from: toDay(createdFrom), to: toDay(createdTo) },
      headers,
      signal,
      callLog,
      schema: sessionList,
    })
    const { current_page, last_page, total = null } = answer.meta ?? {}
    const more = current_page && last_page && current_page < last_page
    if (!more) return { items: answer.data, nextCursor: null, total }
    return { items: answer.data, nextCursor: String(current_page + 1), share: current_page / last_page, total }
  }

  return {
    capabilities: ['CREATE_SESSION', 'GET_SESSION', 'LIST_SESSIONS', 'ATTEMPTS', 'WEBHOOKS', 'RECONCILE'],

    async createSession(input, call) {
      const parsed = sessionInput.parse(input)
      const answer = await upstream.call({
        operation: 'createSession',
        kind: 'CREATE',
        method: 'POST',
        path: '/sessions',
        headers,
        json: toBody(parsed, call),
        callLog: call.callLog,
        schema: createdSession,
      })
      return toCreatedSession(answer, parsed, call)
    },

    /** Includes the step results, which are its attempts. */
    async getSession({ providerId }, call) {
      return toSession(await readSession(providerId, call))
    },

    conditionalReads: { session: readUnknownSession },

    async listSessions(query, call) {
      const { items, total: _, ...page } = await readPage(query, call)
      return { items: items.map(toSession), ...page }
    },

    recovery: { session: createRecovery({ readSession, readPage, clockAheadMs: upstream.clockAheadMs }) },
  }
}

function toDay(time: Date | undefined): string | undefined {
  return time?.toISOString().slice(0, 10)
}

/** How a validation error may name the id of the path. */
const ID_FIELDS: ReadonlySet<string> = new Set(['id', 'session', 'session_id'])

export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  const { error, details } = parsed.data
  const fields = error === 'validation_error' ? Object.keys(details ?? {}) : []
  return {
    providerCode: error ?? null,
    isUnreadableId: fields.some(field => ID_FIELDS.has(field)),
    issues: fields.map(field => ({ path: field.split('.'), message: 'Expected a value that Verilock accepts.' })),
  }
}
