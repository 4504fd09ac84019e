import { randomUUID } from 'node:crypto'
import type { NewEvent } from '../../../db/repositories/event-repository.ts'

/** An event that changes nothing, of a session of the development tenant. */
export function webhookEvent(sessionId: string): NewEvent {
  const data = { type: 'WebhookReceived', providerEvent: 'session.updated', applied: true } as const
  return { id: randomUUID(), tenantId: 'dev', sessionId, provider: 'KAYLE', at: new Date(), source: 'WEBHOOK', data }
}
