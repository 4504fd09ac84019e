import { countOpenDeliveries, type DeliveryLine, listDeliveryLines } from '../../db/console-repository.ts'
import { writeDown } from './audit.ts'
import type { Answer } from './desk.ts'

const MOST = 100
const OPEN_STATES = ['STORED', 'QUARANTINED'] as const

/**
 * `?state=STORED|QUARANTINED`: the addresses of providers without what they sign with, what waits and since when, and the
 * newest deliveries.
 */
export const showWebhooks: Answer = async ({ db, services, now, remember }, { tenantId }, { search }) => {
  const open = await remember(memoryOf(tenantId), () => countOpenDeliveries(db, tenantId))
  const endpoints = await services.endpoints.list({ tenantId })
  const state = OPEN_STATES.find(known => known === search.get('state'))
  const deliveries = await listDeliveryLines(db, tenantId, { state, limit: MOST })
  const { oldestWaiting, waiting, quarantined } = open
  return {
    waiting,
    quarantined,
    lagMs: oldestWaiting ? Math.max(0, now().getTime() - oldestWaiting.getTime()) : 0,
    endpoints: endpoints.map(({ id, provider, lastReceivedAt }) => ({ id, provider, lastReceivedAt })),
    rows: deliveries.map(toRow),
    cut: deliveries.length === MOST,
  }
}

/** Has a delivery applied again, and tells what became of it. Throws NOT_FOUND. */
export const replay: Answer = async (desk, operator, { id }) => {
  const { endpoints, inbox } = desk.services
  await endpoints.delivery(operator, id)
  await writeDown(desk, operator, 'webhook.replay', id)
  await inbox.replay(operator, id)
  await inbox.applyDue()
  desk.remember.forget(memoryOf(operator.tenantId))
  return { row: toRow(await endpoints.delivery(operator, id)) }
}

const memoryOf = (tenantId: string) => `webhooks|${tenantId}`

function toRow({ id, provider, event, state, tries, receivedAt, appliedAt }: DeliveryLine) {
  const lagMs = appliedAt ? appliedAt.getTime() - receivedAt.getTime() : null
  return { id, provider, event, state, tries, receivedAt, appliedAt, lagMs }
}
