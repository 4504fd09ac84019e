import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { PackWebhook, SandboxEvent } from '../../sandbox/webhooks.ts'

/** Rapidly tells of customers alone; no event is about a session. */
export function toEvent(
  change: 'created' | 'updated' | 'deleted',
  customer: { readonly id: string },
  timestamp: string,
): SandboxEvent {
  const type = `customer.${change}`
  return { type, about: customer.id, content: { type, timestamp, data: customer } }
}

/** Standard Webhooks, but for the secret: its bytes are used whole. */
export const packWebhook: PackWebhook = ({ content }) => {
  const id = random.uuid()
  const body = JSON.stringify(content)
  return {
    id,
    body,
    headers: (at, secret) => {
      const time = Math.floor(at.getTime() / 1000)
      const signature = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64')
      return {
        'content-type': 'application/json',
        'user-agent': 'rapidly.tech webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(time),
        'webhook-signature': `v1,${signature}`,
      }
    },
  }
}
