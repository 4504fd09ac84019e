import { type DocumentNode, type ExecutionResult, getOperationAST } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { Caller } from '../../domain/access/caller.ts'
import { CallLog } from '../../domain/call-log.ts'
import type { OperationObserver, OperationOutcome, OperationReport } from '../../domain/operation-observer.ts'

export interface OperationTelemetryOptions {
  readonly observer: OperationObserver
  /** True for callers who may see the provider calls of their operations. */
  readonly mayInspect: (caller: Caller) => boolean
}

export interface OperationRecord {
  readonly startedMs: number
  readonly callLog: CallLog
  kind: OperationReport['kind']
  name: string | null
}

export function startOperation(
  { observer }: OperationTelemetryOptions,
  requestId: string,
  traceparent: string | null,
): OperationRecord {
  const callLog = new CallLog(requestId)
  observer.begin(callLog, traceparent)
  return { startedMs: performance.now(), callLog, kind: 'invalid', name: null }
}

/** Sets the kind and name of a parsed operation. */
export function describeOperation(
  record: OperationRecord,
  document: DocumentNode,
  operationName: string | null | undefined,
): void {
  const operation = getOperationAST(document, operationName)
  if (!operation) return
  record.kind = operation.operation
  record.name = operation.name?.value ?? null
}

/** Reports an operation to the observer. Returns its result, with the provider calls if the caller may inspect them. */
export function endOperation<Result extends ExecutionResult | AsyncIterable<unknown>>(
  { observer, mayInspect }: OperationTelemetryOptions,
  { startedMs, callLog, kind, name }: OperationRecord,
  caller: Caller,
  result: Result,
): Result {
  const codes = isAsyncIterable(result) ? [] : errorCodesOf(result)
  const outcome = isAsyncIterable(result) ? 'ok' : outcomeOf(result, kind)
  const { keyId = null, tenantId } = caller
  observer.end({ callLog, kind, name, ms: performance.now() - startedMs, outcome, codes, tenantId, keyId })
  if (isAsyncIterable(result) || (callLog.callCount === 0 && callLog.avoided.length === 0)) return result
  if (!mayInspect(caller)) return result
  return { ...result, extensions: { ...result.extensions, upstream: toUpstreamExtension(callLog) } }
}

function outcomeOf({ data, errors }: ExecutionResult, kind: OperationReport['kind']): OperationOutcome {
  if (!errors || errors.length === 0) return 'ok'
  if (kind === 'invalid' || data === undefined) return 'refused'
  return data === null ? 'failed' : 'partial'
}

/** The distinct codes of a result, at most eight. */
export function errorCodesOf({ errors = NONE }: ExecutionResult): readonly string[] {
  if (errors.length === 0) return NONE
  return [...new Set(errors.map(({ extensions }) => String(extensions?.code ?? 'INTERNAL_ERROR')))].slice(0, MAX_CODES)
}

const MAX_CODES = 8

/** The provider calls of an operation, without URLs and ids. */
function toUpstreamExtension({ requestId, calls, callCount, avoided }: CallLog) {
  return {
    requestId,
    calls: calls.map(call => ({ ...call, ms: Math.round(call.ms * 10) / 10 })),
    ...(callCount > calls.length && { callCount }),
    avoided,
  }
}

const NONE: readonly never[] = []
