import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxEvent, SignWebhook } from '../../sandbox/webhooks/webhooks.ts'

/** Rapidly has events for customers only, none for sessions. */
export function toEvent(
  change: 'created' | 'updated' | 'deleted',
  customer: { readonly id: string },
  timestamp: string,
): SandboxEvent {
  const type = `customer.${change}`
  return { type, subject: customer.id, content: { type, timestamp, data: customer } }
}

/** Standard Webhooks, except that the secret is used without decoding. */
export const signWebhook: SignWebhook = ({ content }) => {
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
