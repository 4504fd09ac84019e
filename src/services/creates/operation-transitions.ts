import {
  type StoredOperation,
  saveOperationNote,
  transitionOperation,
} from '../../../db/repositories/operation-repository.ts'
import type { CreateCall } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import type { ServiceDeps } from '../deps.ts'
import { canSettle } from './create-recovery.ts'

/**
 * Who works on a create operation, and when it is checked next. Each transition compares the state and the fence that
 * were read, and gives undefined if another process changed the operation meanwhile.
 */

export interface CreateOperationSettings {
  readonly createDeadlineMs: number
  readonly recoveryBackoffMinSeconds: number
  readonly recoveryBackoffMaxSeconds: number
}

export interface CreateDeps extends ServiceDeps, CreateOperationSettings {
  /** Names this process as the owner of the operations that it sends. */
  readonly instanceId: string
}

/** The margin by which the ownership of an operation outlasts the deadlines of its requests. */
const OWNERSHIP_SLACK_MS = 5_000
/** One create sends up to three requests: with and without our marker, or after a second login. */
const MAX_SENDS = 3

/** The columns of an operation in flight in this process. */
export function ownership({ createDeadlineMs, instanceId, now }: CreateDeps) {
  const at = now()
  const ownedUntil = new Date(at.getTime() + MAX_SENDS * createDeadlineMs + OWNERSHIP_SLACK_MS)
  return { owner: instanceId, ownedUntil, now: at }
}

/** The columns of an operation that is not in flight. */
export const NOT_IN_FLIGHT = { owner: null, ownedUntil: null, nextCheckAt: null } as const

/** All attempts carry the same marker; each has its own idempotency key. */
export function attemptMarkers(
  { db }: CreateDeps,
  { attempt, id, reference }: StoredOperation,
): Pick<CreateCall, 'reference' | 'idempotencyKey' | 'note'> {
  return {
    reference,
    idempotencyKey: `${reference}-${attempt}`,
    note: note => saveOperationNote(db, id, note),
  }
}

/** Takes the ownership of an operation that is not in flight. */
export function claimOperation(
  deps: CreateDeps,
  operation: StoredOperation,
  repeats = operation.repeats,
): Promise<StoredOperation | undefined> {
  return transitionOperation(deps.db, operation, { to: 'UNKNOWN', repeats, ...ownership(deps) })
}

/** Schedules the next check after one without a result; each delay is twice the one before. */
export function rescheduleOperation(
  deps: CreateDeps,
  account: Account,
  operation: StoredOperation,
): Promise<StoredOperation | undefined> {
  const { recoveryBackoffMinSeconds, recoveryBackoffMaxSeconds, now } = deps
  const checks = operation.checks + 1
  const seconds = Math.min(recoveryBackoffMinSeconds * 2 ** checks, recoveryBackoffMaxSeconds)
  return transitionOperation(deps.db, operation, {
    ...NOT_IN_FLIGHT,
    to: 'UNKNOWN',
    now: now(),
    checks,
    nextCheckAt: nextCheckAt(deps, account, operation, seconds),
  })
}

/** Null if only an operator can settle the create. Every instance with the account decides that for itself. */
export function nextCheckAt(
  { now }: CreateDeps,
  account: Account | undefined,
  operation: StoredOperation,
  seconds: number,
): Date | null {
  if (account && !canSettle(account, operation, now())) return null
  return new Date(now().getTime() + seconds * 1000)
}

/** Moves the next check of an UNKNOWN operation to the next run. */
export async function checkSoon({ db, now }: CreateDeps, operation: StoredOperation): Promise<void> {
  if (operation.nextCheckAt === null || operation.nextCheckAt <= now()) return
  await transitionOperation(db, operation, { to: 'UNKNOWN', now: now(), nextCheckAt: now() })
}
