import { countOpenDeliveries, type DeliverySummary, listDeliveryRows } from '../../db/repositories/admin-repository.ts'
import { recordAudit } from '../services/access/tenants.ts'
import type { AdminHandler } from './handler.ts'

const MAX_DELIVERIES = 100
const OPEN_STATES = ['STORED', 'QUARANTINED'] as const

/**
 * `?state=STORED|QUARANTINED`: the endpoints without their secrets, the number and age of waiting deliveries, and the
 * newest deliveries.
 */
export const showWebhooks: AdminHandler = async ({ db, services, now, cache }, { tenantId }, { search }) => {
  const open = await cache.getOrLoad(cacheKeyOf(tenantId), () => countOpenDeliveries(db, tenantId))
  const endpoints = await services.webhookEndpoints.list({ tenantId })
  const state = OPEN_STATES.find(known => known === search.get('state'))
  const deliveries = await listDeliveryRows(db, tenantId, { state, limit: MAX_DELIVERIES })
  const { oldestWaiting, waiting, quarantined } = open
  return {
    waiting,
    quarantined,
    lagMs: oldestWaiting ? Math.max(0, now().getTime() - oldestWaiting.getTime()) : 0,
    endpoints: endpoints.map(({ id, provider, lastReceivedAt }) => ({ id, provider, lastReceivedAt })),
    rows: deliveries.map(toRow),
    cut: deliveries.length === MAX_DELIVERIES,
  }
}

/** Applies a delivery again and returns its new state. Throws NOT_FOUND. */
export const replay: AdminHandler = async (deps, operator, { id }) => {
  const { webhookEndpoints: endpoints, webhookInbox: inbox } = deps.services
  await endpoints.delivery(operator, id)
  const { tenantId, keyId: actor } = operator
  await recordAudit(deps.db, { tenantId, actor, action: 'webhook.replay', at: deps.now(), subject: id })
  await inbox.replay(operator, id)
  await inbox.applyDue()
  deps.cache.delete(cacheKeyOf(operator.tenantId))
  return { row: toRow(await endpoints.delivery(operator, id)) }
}

const cacheKeyOf = (tenantId: string) => `webhooks|${tenantId}`

function toRow({ id, provider, event, state, attempts, receivedAt, appliedAt }: DeliverySummary) {
  const lagMs = appliedAt ? appliedAt.getTime() - receivedAt.getTime() : null
  return { id, provider, event, state, attempts, receivedAt, appliedAt, lagMs }
}
