import {
  decryptOperationInput,
  findOperationByKey,
  findOperations,
  findUnknownOperation,
  listOperations,
  type StoredOperation,
} from '../../../db/repositories/operation-repository.ts'
import { findOperationOfRecord } from '../../../db/repositories/search-repository.ts'
import { DomainError, NotFoundError, ProviderUnavailableError } from '../../domain/errors.ts'
import type { OperationKind, OperationState, ProviderOperation } from '../../domain/records/operation.ts'
import { ownerOf } from '../../domain/records/ownership.ts'
import { type TimeWindow, toSendWindow } from '../../domain/send-window.ts'
import type { RecoveryCandidate, RecoveryCandidates } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import type { RequestScope } from '../request-scope.ts'
import { type CreateResponse, findStoredRecord, recoveryOf } from './create-kinds.ts'
import { storeOutcome } from './create-outcome.ts'
import type { CreatePlan } from './create-plan.ts'
import { canSettle, readCreated, toUnknownCreate } from './create-recovery.ts'
import type { CreateDeps } from './operation-transitions.ts'

/** What an operator needs to search for a create at its provider. */
export interface SearchHints {
  /** When the provider may have made the record, by the provider's clock. */
  readonly window: TimeWindow
  readonly traces: readonly RecoveryCandidate[]
  /** Why a search without a result proves nothing; null if it is a proof. */
  readonly warning: string | null
}

/**
 * How the id of a record that an operator found is checked. READ: it is read at the provider. UNCHECKED: the provider has no such
 * read, so the operator has to confirm the id. UNSUPPORTED: the create cannot be settled as found.
 */
export type FoundCheck = 'READ' | 'UNCHECKED' | 'UNSUPPORTED'

export interface SettleFoundOptions {
  /** True if the operator confirmed an id that cannot be checked. */
  readonly isConfirmed?: boolean
}

const NO_TRACES = 'No field identifies this create at the provider: a search without a result may prove nothing.'

export type Operations = ReturnType<typeof createOperations>

export function createOperations(deps: CreateDeps) {
  const { db, accounts, now } = deps

  /** In the order of `ids`; undefined for an id that the tenant has no operation of. */
  async function findMany(
    call: Pick<RequestScope, 'tenantId'>,
    ids: readonly string[],
  ): Promise<(StoredOperation | undefined)[]> {
    const found = new Map((await findOperations(db, call.tenantId, ids)).map(operation => [operation.id, operation]))
    return ids.map(id => found.get(id))
  }

  /** By our id or by the caller's idempotency key. Throws NOT_FOUND. */
  async function get(
    call: Pick<RequestScope, 'tenantId'>,
    by: { readonly id?: string | null; readonly idempotencyKey?: string | null },
  ): Promise<StoredOperation> {
    const operation =
      by.idempotencyKey == null
        ? (await findMany(call, [by.id ?? '']))[0]
        : await findOperationByKey(db, call.tenantId, by.idempotencyKey)
    if (!operation) throw new NotFoundError('Create operation not found. Check the id or the idempotency key.')
    return operation
  }

  function list(
    call: Pick<RequestScope, 'tenantId'>,
    states: readonly OperationState[],
    limit: number,
  ): Promise<StoredOperation[]> {
    return listOperations(db, call.tenantId, states, limit)
  }

  /** The newest creates with an unknown outcome whose input has this text as a value. Decrypts at most `limit` inputs. */
  async function findUnknownByValue(
    call: Pick<RequestScope, 'tenantId'>,
    value: string,
    limit: number,
  ): Promise<StoredOperation[]> {
    const found: StoredOperation[] = []
    for (const operation of await list(call, ['UNKNOWN'], limit)) {
      const plan = await decryptOperationInput<CreatePlan>(db, operation)
      if (plan && hasValue(plan.input, value.toLowerCase())) found.push(operation)
    }
    return found
  }

  /** True if the create is settled, or can be settled without an operator. */
  async function settlesItself(operation: ProviderOperation): Promise<boolean> {
    if (operation.state !== 'UNKNOWN') return true
    const account = await accounts.find(operation)
    // At runtime every operation is a stored one; the public type only hides fields.
    return account !== undefined && canSettle(account, operation as StoredOperation, now())
  }

  /** Undefined if the create is settled, or if its account or its input is not available. */
  async function searchHints(operation: StoredOperation): Promise<SearchHints | undefined> {
    const account = operation.state === 'UNKNOWN' ? await accounts.find(operation) : undefined
    const plan = account && (await decryptOperationInput<CreatePlan>(db, operation))
    if (!account || !plan) return undefined
    const unknownCreate = toUnknownCreate(operation, plan)
    // The last resend was not later than the last change of the operation.
    const lastSentAt = operation.repeats > 0 ? operation.updatedAt : unknownCreate.sentAt
    const window = toSendWindow(unknownCreate.sentAt, lastSentAt, account.upstream.clockAheadMs())
    const found = tracesOf(account, operation, plan)
    return { window, traces: found?.traces ?? [], warning: found ? (found.warning ?? null) : NO_TRACES }
  }

  /** For an operator who found that the provider made nothing. Throws BAD_REQUEST unless the operation is UNKNOWN. */
  async function settleAbsent(call: Pick<RequestScope, 'tenantId'>, id: string): Promise<StoredOperation> {
    const operation = await getUnknown(call, id)
    const { provider } = operation
    const error = new ProviderUnavailableError(
      'PROVIDER_UNAVAILABLE',
      provider,
      'An operator confirmed that it was not created.',
    )
    const { operation: failed } = await storeOutcome(deps, { type: 'FAILED', operation, error, isUnsent: false })
    if (!failed) throw new DomainError('BAD_REQUEST', 'The operation was settled by another request. Read it again.')
    return failed
  }

  async function foundCheck(operation: StoredOperation): Promise<FoundCheck> {
    const account = await accounts.find(operation)
    const recovery = account && recoveryOf(account.client, operation.kind)
    if (!recovery?.reconstruct) return 'UNSUPPORTED'
    return recovery.isAssumed ? 'UNCHECKED' : 'READ'
  }

  /**
   * For an operator who found the record. Throws UNSUPPORTED_BY_PROVIDER if the provider cannot confirm it, NOT_FOUND if it does not
   * know it, BAD_REQUEST for the record of another create or person and for an id that has to be confirmed, and the errors of the
   * read; the create then stays UNKNOWN.
   */
  async function settleFound(
    call: Pick<RequestScope, 'tenantId'>,
    id: string,
    providerId: string,
    { isConfirmed = false }: SettleFoundOptions = {},
  ): Promise<StoredOperation> {
    const operation = await getUnknown(call, id)
    const { provider } = operation
    if (!isConfirmed && (await foundCheck(operation)) === 'UNCHECKED')
      throw new DomainError(
        'BAD_REQUEST',
        `${provider} cannot show this record by its id, so that the id cannot be checked. Compare it with the dashboard of ${provider}, then confirm it.`,
      )
    return settleAs(operation, providerId)
  }

  /** For a webhook about a record with our marker: settles its create if that is UNKNOWN and of this kind. */
  async function settleFromNotice(
    account: Account,
    kind: OperationKind,
    reference: string,
    providerId: string,
  ): Promise<void> {
    const unknownCreate = await findUnknownOperation(db, account.id, reference)
    if (unknownCreate?.kind === kind) await settleAs(unknownCreate, providerId)
  }

  async function settleAs(operation: StoredOperation, providerId: string): Promise<StoredOperation> {
    const account = await accounts.of(operation)
    const plan = await decryptOperationInput<CreatePlan>(db, operation)
    const providerRead = deps.readSequence.start()
    const answer = plan && (await readCreated(account, operation.kind, toUnknownCreate(operation, plan), providerId))
    if (!plan || !answer) {
      const message = `${operation.provider} cannot confirm by its id what this operation created. Check at the provider; settle it as absent only if nothing was created.`
      throw new DomainError('UNSUPPORTED_BY_PROVIDER', message)
    }
    await assertNotOfAnother(operation, answer, plan)
    const stored = await storeOutcome(deps, {
      type: 'SUCCEEDED',
      account,
      operation,
      plan,
      answer,
      providerRead,
      recovered: true,
    })
    return stored.operation ?? operation
  }

  /** Throws BAD_REQUEST for a record that another create made, that belongs to another person, or that existed before. */
  async function assertNotOfAnother(
    operation: StoredOperation,
    { snapshot }: CreateResponse,
    plan: CreatePlan,
  ): Promise<void> {
    const { kind, accountId, tenantId } = operation
    const stored = await findStoredRecord(db, kind, accountId, snapshot.providerId)
    const maker = stored && (await findOperationOfRecord(db, tenantId, stored.id))
    if (maker && maker.id !== operation.id)
      throw notMadeByIt(`that record was made by another create, ${maker.idempotencyKey}`)
    const owners = [stored?.externalId, snapshot.externalId, plan.externalId]
    if (ownerOf(owners).isContradicted) throw notMadeByIt('that record has another externalId')
    const sentAt = operation.sentAt ?? operation.createdAt
    const { from } = toSendWindow(sentAt, sentAt, (await accounts.of(operation)).upstream.clockAheadMs())
    if (snapshot.createdAt && snapshot.createdAt < from)
      throw notMadeByIt(`that record was created before the create was sent, at ${snapshot.createdAt.toISOString()}`)
  }

  async function getUnknown(call: Pick<RequestScope, 'tenantId'>, id: string): Promise<StoredOperation> {
    const operation = await get(call, { id })
    if (operation.state === 'UNKNOWN') return operation
    throw new DomainError(
      'BAD_REQUEST',
      `Expected a create whose outcome is unknown; this one is ${operation.state} already.`,
    )
  }

  return {
    findMany,
    get,
    list,
    findUnknownByValue,
    settlesItself,
    searchHints,
    foundCheck,
    settleAbsent,
    settleFound,
    settleFromNotice,
  }
}

function hasValue(json: unknown, lowerCase: string): boolean {
  if (typeof json === 'string') return json.toLowerCase() === lowerCase
  return typeof json === 'object' && json !== null && Object.values(json).some(value => hasValue(value, lowerCase))
}

function notMadeByIt(reason: string): DomainError {
  return new DomainError('BAD_REQUEST', `Expected the id of the record that this create made; ${reason}.`)
}

/** Undefined if the input cannot be parsed: an older release may have stored it. */
function tracesOf(account: Account, operation: StoredOperation, plan: CreatePlan): RecoveryCandidates | undefined {
  try {
    return recoveryOf(account.client, operation.kind)?.traces?.(toUnknownCreate(operation, plan))
  } catch {
    return undefined
  }
}
