import { z } from 'zod'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { ClientDeps, ProviderClient } from '../contract.ts'
import { sessionInput } from './input.ts'
import { toBody, toSession } from './mapper.ts'
import { check, checkPage, fault } from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.zenith.example/v2'),
  apiKey: z.string().min(1).optional(),
})
export type Settings = z.infer<typeof settings>

export function connect({ settings, upstream }: ClientDeps<Settings>): ProviderClient {
  const headers = { 'x-zenith-key': settings.apiKey ?? '' }
  return {
    capabilities: ['CREATE_SESSION', 'GET_SESSION', 'LIST_SESSIONS'],

    async createSession(input, call) {
      const answer = await upstream.call({
        operation: 'createSession',
        kind: 'CREATE',
        method: 'POST',
        path: '/checks',
        headers,
        json: toBody(sessionInput.parse(input), call),
        callLog: call.callLog,
        schema: check,
      })
      return toSession(answer)
    },

    async getSession({ providerId }, { signal, callLog }) {
      const path = `/checks/${encodeURIComponent(providerId)}`
      const request = { operation: 'getSession', kind: 'READ', method: 'GET', path } as const
      return toSession(await upstream.call({ ...request, headers, signal, callLog, schema: check }))
    },

    /** Newest first. */
    async listSessions({ limit, cursor }, { signal, callLog }) {
      const request = { operation: 'listSessions', kind: 'READ', method: 'GET', path: '/checks' } as const
      const query = { limit, after: cursor }
      const answer = await upstream.call({ ...request, query, headers, signal, callLog, schema: checkPage })
      return { items: answer.checks.map(toSession), nextCursor: answer.next ?? null }
    },
  }
}

/** Zenith names one field at a time. Its free text is not passed on. */
export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  if (status < 400) return undefined
  const parsed = fault.safeParse(body)
  if (!parsed.success) return {}
  const { code, field } = parsed.data.fault
  const issues = field ? [{ path: field.split('.'), message: 'Zenith does not accept this value.' }] : []
  return { providerCode: code, issues }
}
