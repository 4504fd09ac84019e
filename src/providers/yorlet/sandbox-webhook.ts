import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { PackWebhook, SandboxEvent } from '../../sandbox/webhooks.ts'
import { newEntry } from './sandbox-seed.ts'

interface Cause {
  readonly now: Date
  /** The Idempotency-Key of the call that caused it. */
  readonly key?: string
  /** True where somebody in the dashboard did it. */
  readonly fromDashboard?: boolean
}

/** `previous` has what changed, as it was. */
export function toEvent(type: string, object: { readonly id: string }, cause: Cause, previous?: object): SandboxEvent {
  const request = {
    id: `req_${random.mixed(16)}`,
    idempotency_key: cause.key ?? null,
    from_dashboard: cause.fromDashboard ?? false,
    customer_portal: false,
  }
  const data = { object, previous_attributes: previous ?? null }
  return { type, about: object.id, content: { ...newEntry('evt', cause.now), object: 'event', type, data, request } }
}

/** No time is signed: every try is the same. */
export const packWebhook: PackWebhook = ({ content }) => {
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
