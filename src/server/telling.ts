import { type DocumentNode, type ExecutionResult, getOperationAST } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { Caller } from '../domain/caller.ts'
import type { OperationOutcome, OperationWatch, ToldOperation } from '../domain/operation-watch.ts'
import { Trail } from '../domain/trail.ts'

export interface TelemetryOptions {
  readonly watch: OperationWatch
  /** True for callers who may see which providers were asked for them. */
  readonly mayInspect: (caller: Caller) => boolean
}

/** What is known of an operation while it runs. */
export interface Told {
  readonly began: number
  readonly trail: Trail
  kind: ToldOperation['kind']
  name: string | null
}

/** Tells of an operation that it began … */
export function tellBegin({ watch }: TelemetryOptions, requestId: string, traceparent: string | null): Told {
  const trail = new Trail(requestId)
  watch.begin(trail, traceparent)
  return { began: performance.now(), trail, kind: 'invalid', name: null }
}

/** … what it is … */
export function tellOperation(told: Told, document: DocumentNode, operationName: string | null | undefined): void {
  const operation = getOperationAST(document, operationName)
  if (!operation) return
  told.kind = operation.operation
  told.name = operation.name?.value ?? null
}

/** … and how it went. Gives the result, with the calls that were made for it where its caller may see them. */
export function tellEnd<Result extends ExecutionResult | AsyncIterable<unknown>>(
  { watch, mayInspect }: TelemetryOptions,
  { began, trail, kind, name }: Told,
  caller: Caller,
  result: Result,
): Result {
  const codes = isAsyncIterable(result) ? [] : codesOf(result)
  const outcome = isAsyncIterable(result) ? 'ok' : outcomeOf(result, kind)
  const { keyId = null, tenantId } = caller
  watch.end({ trail, kind, name, ms: performance.now() - began, outcome, codes, tenantId, keyId })
  if (isAsyncIterable(result) || (trail.callCount === 0 && trail.spared.length === 0)) return result
  if (!mayInspect(caller)) return result
  return { ...result, extensions: { ...result.extensions, upstream: toUpstream(trail) } }
}

function outcomeOf({ data, errors }: ExecutionResult, kind: ToldOperation['kind']): OperationOutcome {
  if (!errors || errors.length === 0) return 'ok'
  if (kind === 'invalid' || data === undefined) return 'refused'
  return data === null ? 'failed' : 'partial'
}

/** Each once, and no more than a few. */
export function codesOf({ errors = NONE }: ExecutionResult): readonly string[] {
  if (errors.length === 0) return NONE
  return [...new Set(errors.map(({ extensions }) => String(extensions?.code ?? 'INTERNAL_ERROR')))].slice(0, MOST_CODES)
}

const MOST_CODES = 8

/** What was asked of providers, without addresses and ids. */
function toUpstream({ requestId, calls, callCount, spared }: Trail) {
  return {
    requestId,
    calls: calls.map(call => ({ ...call, ms: Math.round(call.ms * 10) / 10 })),
    ...(callCount > calls.length && { callCount }),
    spared,
  }
}

const NONE: readonly never[] = []
