import type { StoredOperation } from '../../../db/repositories/operation-repository.ts'
import type { OperationKind } from '../../domain/records/operation.ts'
import type { RecoveryResult, UnknownCreate } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import { type CreateResponse, recoveryOf, toCreateCall, toResponse } from './create-kinds.ts'
import type { CreatePlan } from './create-plan.ts'

/** Searches the provider for a create whose response never arrived. */

/** Searches for the record. UNCERTAIN also if the provider cannot search. */
export async function searchCreated<K extends OperationKind>(
  { client }: Account,
  kind: K,
  unknownCreate: UnknownCreate,
): Promise<RecoveryResult<CreateResponse<K>>> {
  const result = await recoveryOf(client, kind)?.find?.(unknownCreate, {})
  if (result === undefined) return 'UNCERTAIN'
  return typeof result === 'string' ? result : { found: toResponse(kind, result.found) }
}

/**
 * The record with the provider id that an operator or a webhook reported. Undefined if the provider cannot confirm it.
 */
export async function readCreated<K extends OperationKind>(
  { client }: Account,
  kind: K,
  unknownCreate: UnknownCreate,
  providerId: string,
): Promise<CreateResponse<K> | undefined> {
  const snapshot = await recoveryOf(client, kind)?.reconstruct?.(unknownCreate, providerId, {})
  return snapshot && toResponse(kind, snapshot)
}

/** True if a search, a resend or the passing of time can settle the create without an operator. */
export function canSettle({ client }: Account, operation: StoredOperation, now: Date): boolean {
  const recovery = recoveryOf(client, operation.kind)
  if (!recovery) return false
  const { find, repeat, safeToForgetAfterMs } = recovery
  if (find || safeToForgetAfterMs !== undefined) return true
  if (!repeat || operation.repeats >= repeat.times) return false
  return repeat.withinMs === undefined || ageMs(operation, now) < repeat.withinMs
}

/** True if the provider's rule allows to send the create once more. `settled`: the settle delay is over. */
export function mayResend({ client }: Account, operation: StoredOperation, settled: boolean, now: Date): boolean {
  const rule = recoveryOf(client, operation.kind)?.repeat
  if (!rule || operation.repeats >= rule.times || (rule.afterSettleDelay && !settled)) return false
  return rule.withinMs === undefined || ageMs(operation, now) < rule.withinMs
}

/** True once the record, if there is one, cannot be used any more: the create then counts as failed. */
export function isHarmless({ client }: Account, operation: StoredOperation, now: Date): boolean {
  const safeToForgetAfterMs = recoveryOf(client, operation.kind)?.safeToForgetAfterMs
  return safeToForgetAfterMs !== undefined && ageMs(operation, now) >= safeToForgetAfterMs
}

/** Milliseconds since the first send. */
export function ageMs(operation: StoredOperation, at: Date): number {
  return at.getTime() - (operation.sentAt ?? operation.createdAt).getTime()
}

/** What a provider's client needs to search for the create. */
export function toUnknownCreate(
  operation: StoredOperation,
  plan: CreatePlan,
  createdByOthers: readonly string[] = [],
): UnknownCreate {
  return {
    ...toCreateCall(plan),
    reference: operation.reference,
    idempotencyKey: `${operation.reference}-${operation.attempt}`,
    input: plan.input,
    sentAt: operation.sentAt ?? operation.createdAt,
    noted: operation.note,
    createdByOthers: new Set(createdByOthers),
  }
}
