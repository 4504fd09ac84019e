import { createHmac } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxEvent, SignWebhook } from '../../sandbox/webhooks/webhooks.ts'
import { toRisk } from './sandbox-risk.ts'
import { type SandboxSession, toIsoTime } from './sandbox-session.ts'

/** A decision causes two events: the end of the session, and the decision. An expiry causes one. */
export function toEvents(session: SandboxSession, now: Date): SandboxEvent[] {
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
    const content = { event, data, timestamp: toIsoTime(now), webhook_id: `wh_evt_${random.lower(24)}` }
    return { type: event, subject: session.id, content }
  })
}

/** No timestamp is signed: every attempt is the same. */
export const signWebhook: SignWebhook = ({ content }) => {
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
