import { countOpenDeliveries, listDeliveryRows } from '../../db/repositories/admin-repository.ts'
import { type Delivery, type Dismissal, listDismissals } from '../../db/repositories/webhook-repository.ts'
import { InvalidInputError } from '../domain/errors.ts'
import { textProblem } from '../domain/input/text.ts'
import { recordAction } from './action-log.ts'
import type { AdminHandler } from './handler.ts'
import { readChoice } from './parameters.ts'

const MAX_DELIVERIES = 100
const MAX_NOTE = 500
const STATES = ['STORED', 'QUARANTINED', 'DISMISSED'] as const

/**
 * `?state=STORED|QUARANTINED|DISMISSED`: the endpoints without their secrets, the number and age of waiting deliveries, and the
 * newest deliveries.
 */
export const showWebhooks: AdminHandler = async ({ db, services, now, cache }, { tenantId }, { search }) => {
  const open = await cache.getOrLoad(cacheKeyOf(tenantId), () => countOpenDeliveries(db, tenantId))
  const endpoints = await services.webhookEndpoints.list({ tenantId })
  const state = readChoice(search, 'state', STATES)
  const deliveries = await listDeliveryRows(db, tenantId, { state, limit: MAX_DELIVERIES })
  const dismissals = await listDismissals(
    db,
    tenantId,
    deliveries.filter(isDismissed).map(({ id }) => id),
  )
  const { oldestWaiting, waiting, quarantined } = open
  return {
    waiting,
    quarantined,
    lagMs: oldestWaiting ? Math.max(0, now().getTime() - oldestWaiting.getTime()) : 0,
    endpoints: endpoints.map(({ id, provider, lastReceivedAt }) => ({ id, provider, lastReceivedAt })),
    rows: deliveries.map(delivery => toDeliveryRow(delivery, dismissals.get(delivery.id))),
    cut: deliveries.length === MAX_DELIVERIES,
  }
}

/** Applies a delivery again and returns its new state; null if it was deleted with an erased person. Throws NOT_FOUND. */
export const replay: AdminHandler = async (deps, operator, { id }) => {
  const { webhookEndpoints: endpoints, webhookInbox: inbox } = deps.services
  await endpoints.delivery(operator, id)
  await recordAction(deps, operator, 'webhook.replay', id)
  const delivery = await inbox.replay(operator, id)
  deps.cache.delete(cacheKeyOf(operator.tenantId))
  return { row: delivery ? toDeliveryRow(delivery) : null }
}

/** `{ "note" }`: ends the quarantine of a delivery without applying it. Throws NOT_FOUND, BAD_REQUEST, INVALID_INPUT. */
export const dismiss: AdminHandler = async (deps, operator, { id, body }) => {
  const note = parseNote(body)
  const { webhookEndpoints: endpoints, webhookInbox: inbox } = deps.services
  await endpoints.delivery(operator, id)
  await recordAction(deps, operator, 'webhook.dismiss', id)
  const delivery = await inbox.dismiss(operator, id, { note, actor: operator.keyId })
  deps.cache.delete(cacheKeyOf(operator.tenantId))
  return { row: toDeliveryRow(delivery) }
}

/** A delivery without its content. */
export function toDeliveryRow(delivery: Delivery, dismissal?: Dismissal) {
  const { id, provider, event, state, attempts, error, receivedAt, appliedAt, nextAttemptAt } = delivery
  const lagMs = appliedAt ? appliedAt.getTime() - receivedAt.getTime() : null
  const dismissed = dismissal ? { note: dismissal.note, at: dismissal.at } : null
  return { id, provider, event, state, attempts, error, receivedAt, appliedAt, nextAttemptAt, lagMs, dismissed }
}

function isDismissed({ state }: Delivery): boolean {
  return state === 'DISMISSED'
}

function parseNote(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'note' in body ? body.note : undefined
  const note = typeof given === 'string' ? given.trim() : ''
  const problem =
    note === '' ? `Expected 1 to ${MAX_NOTE} characters.` : textProblem(note, { max: MAX_NOTE, lines: true })
  if (problem !== undefined) throw new InvalidInputError([{ path: ['note'], message: problem }])
  return note
}

const cacheKeyOf = (tenantId: string) => `webhooks|${tenantId}`
