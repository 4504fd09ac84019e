import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { PackWebhook, SandboxEvent } from '../../sandbox/webhooks.ts'
import { toRisk } from './sandbox-risk.ts'
import { type StoredSession, toTime } from './sandbox-session.ts'

/** A decision is told twice, as the end of the session and as what it is; an expiry once. */
export function toEvents(session: StoredSession, now: Date): SandboxEvent[] {
  const { status, completed_at } = session
  const decided = status === 'approved' || status === 'declined'
  const types = decided ? ['completed', status] : status === 'expired' ? ['expired'] : []
  const data = {
    session_id: session.id,
    status,
    risk_score: completed_at ? toRisk(session, completed_at).composite_score : null,
    decision: decided ? status : null,
    completed_at,
  }
  return types.map(name => {
    const event = `session.${name}`
    const content = { event, data, timestamp: toTime(now), webhook_id: `wh_evt_${random.lower(24)}` }
    return { type: event, about: session.id, content }
  })
}

/** No time is signed: every try is the same. */
export const packWebhook: PackWebhook = ({ content }) => {
  const body = JSON.stringify(content)
  return {
    id: (content as { webhook_id: string }).webhook_id,
    body,
    headers: (_, secret) => ({
      'content-type': 'application/json',
      'x-verilock-signature': createHmac('sha256', secret).update(body).digest('hex'),
    }),
  }
}
