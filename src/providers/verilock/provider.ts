import { z } from 'zod'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, ListQuery, ProviderClient, ReadCall } from '../contract.ts'
import { sessionInput } from './input.ts'
import { toBody, toCreatedSession, toSession } from './mapper.ts'
import { recoverSession } from './recovery.ts'
import { createdSession, errorBody, session, sessionList } from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://verilock.io/api/v1'),
  apiKey: z.string().min(1).optional(),
})
export type Settings = z.infer<typeof settings>

export function connect({ settings, upstream }: Connection<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  function readSession(providerId: string, { signal, trail }: ReadCall) {
    return upstream.call({
      operation: 'getSession',
      kind: 'READ',
      method: 'GET',
      path: `/sessions/${encodeURIComponent(providerId)}`,
      headers,
      signal,
      trail,
      schema: session,
    })
  }

  /** By whole days: more may come than the times asked for. */
  async function readPage({ limit, cursor, createdFrom, createdTo }: ListQuery, { signal, trail }: ReadCall) {
    const answer = await upstream.call({
      operation: 'listSessions',
      kind: 'READ',
      method: 'GET',
      path: '/sessions',
      query: { page: cursor, per_page: limit, from: toDay(createdFrom), to: toDay(createdTo) },
      headers,
      signal,
      trail,
      schema: sessionList,
    })
    const { current_page, last_page } = answer.meta ?? {}
    const more = current_page && last_page && current_page < last_page
    if (!more) return { items: answer.data, nextCursor: null }
    return { items: answer.data, nextCursor: String(current_page + 1), share: current_page / last_page }
  }

  return {
    capabilities: ['CREATE_SESSION', 'GET_SESSION', 'LIST_SESSIONS', 'ATTEMPTS', 'WEBHOOKS', 'RECONCILE'],

    async createSession(input, call) {
      const wanted = sessionInput.parse(input)
      const answer = await upstream.call({
        operation: 'createSession',
        kind: 'CREATE',
        method: 'POST',
        path: '/sessions',
        headers,
        json: toBody(wanted, call),
        trail: call.trail,
        schema: createdSession,
      })
      return toCreatedSession(answer, wanted, call)
    },

    /** With its step results, which are its attempts. */
    async getSession({ providerId }, call) {
      return toSession(await readSession(providerId, call))
    },

    async listSessions(query, call) {
      const { items, ...page } = await readPage(query, call)
      return { items: items.map(toSession), ...page }
    },

    recovery: { session: recoverSession({ readSession, readPage }) },
  }
}

function toDay(time: Date | undefined): string | undefined {
  return time?.toISOString().slice(0, 10)
}

export function readRefusal(status: number, body: unknown): Refusal | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  const { error, details } = parsed.data
  const fields = error === 'validation_error' ? Object.keys(details ?? {}) : []
  return {
    providerCode: error ?? null,
    issues: fields.map(field => ({ path: field.split('.'), message: 'Verilock does not accept this value.' })),
  }
}
