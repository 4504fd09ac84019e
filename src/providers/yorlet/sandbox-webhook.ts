import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxEvent, SignWebhook } from '../../sandbox/webhooks/webhooks.ts'
import { newEntry } from './sandbox-seed.ts'

interface Cause {
  readonly now: Date
  /** The Idempotency-Key of the request that caused the event. */
  readonly key?: string
  /** True if the event was caused in the dashboard. */
  readonly fromDashboard?: boolean
}

/** `previous` has the old values of the changed fields. */
export function toEvent(type: string, object: { readonly id: string }, cause: Cause, previous?: object): SandboxEvent {
  const request = {
    id: `req_${random.mixed(16)}`,
    idempotency_key: cause.key ?? null,
    from_dashboard: cause.fromDashboard ?? false,
    customer_portal: false,
  }
  const data = { object, previous_attributes: previous ?? null }
  return { type, subject: object.id, content: { ...newEntry('evt', cause.now), object: 'event', type, data, request } }
}

/** No timestamp is signed: every attempt is the same. */
export const signWebhook: SignWebhook = ({ content }) => {
  const body = JSON.stringify(content)
  return {
    id: (content as { id: string }).id,
    body,
    headers: (_, secret) => ({
      'content-type': 'application/json',
      'x-yorlet-signature': createHmac('sha256', secret).update(body).digest('base64'),
    }),
  }
}
