import { type DocumentNode, type ExecutionResult, getOperationAST } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { OperationOutcome, OperationWatch, ToldOperation } from '../domain/operation-watch.ts'
import { createTrail, type Trail } from '../domain/trail.ts'
import { REQUEST_ID_HEADER } from './request-id.ts'
import type { Admitted } from './use-authentication.ts'

/** What is known of an operation while it runs. It stands in the context, which the door copies: so it is one object. */
interface Told {
  readonly began: number
  readonly trail: Trail
  kind: ToldOperation['kind']
  name: string | null
}

/** What this plugin gives each operation. */
export interface Trailed {
  readonly trail: Trail
}

export interface TelemetryOptions {
  readonly watch: OperationWatch
  /** True for callers who may see which providers were asked for them. */
  readonly mayInspect: (caller: Admitted['caller']) => boolean
}

/** `isTold`: how it went was told, so that it is not told again. */
type Known = Admitted & Partial<Trailed> & { readonly told?: Told; readonly isTold?: true }

/** Tells of each operation how it went, and shows those who may see it which calls it made. */
export function useTelemetry({ watch, mayInspect }: TelemetryOptions): Plugin<Known> {
  return {
    onParams: ({ context, request }) => {
      const { requestId } = context as unknown as Known
      const trail = createTrail(requestId)
      const told: Told = { began: performance.now(), trail, kind: 'invalid', name: null }
      Object.assign(context as object, { trail, told })
      watch.begin(trail, request.headers.get('traceparent'))
    },
    onExecute: ({ args }) => look(args),
    onSubscribe: ({ args }) => look(args),
    onExecutionResult: ({ result, setResult, context }) => {
      const { told, caller } = context as unknown as Known
      if (!told || !result || Array.isArray(result)) return
      const { began, trail, kind, name } = told
      const { keyId = null, tenantId } = caller as Admitted['caller'] & { readonly keyId?: string }
      const codes = isAsyncIterable(result) ? [] : codesOf(result)
      const outcome = isAsyncIterable(result) ? 'ok' : outcomeOf(result, kind)
      Object.assign(context as object, { isTold: true })
      watch.end({ trail, kind, name, ms: performance.now() - began, outcome, codes, tenantId, keyId })
      if (isAsyncIterable(result) || !mayInspect(caller)) return
      if (trail.callCount === 0 && trail.spared.length === 0) return
      setResult({ ...result, extensions: { ...result.extensions, upstream: toUpstream(trail) } })
    },
    onResultProcess: ({ result, serverContext }) => {
      const { isTold } = serverContext as unknown as Partial<Known>
      if (isTold || isAsyncIterable(result) || Array.isArray(result)) return
      // What was refused before there was an operation comes by here only.
      Object.assign(serverContext, { isTold: true })
      for (const code of codesOf(result)) watch.turnedAway(code)
    },
    onResponse: ({ response, serverContext }) => {
      const { requestId, isTold } = serverContext as unknown as Partial<Known>
      if (requestId) response.headers.set(REQUEST_ID_HEADER, requestId)
      const code = isTold ? undefined : DOOR_CODES.get(response.status)
      if (code) watch.turnedAway(code)
    },
  }
}

interface Executed {
  readonly contextValue: Known
  readonly document: DocumentNode
  readonly operationName?: string | null
}

function look({ contextValue: { told }, document, operationName }: Executed): void {
  const operation = told && getOperationAST(document, operationName)
  if (!operation) return
  told.kind = operation.operation
  told.name = operation.name?.value ?? null
}

function outcomeOf({ data, errors }: ExecutionResult, kind: ToldOperation['kind']): OperationOutcome {
  if (!errors || errors.length === 0) return 'ok'
  if (kind === 'invalid' || data === undefined) return 'refused'
  return data === null ? 'failed' : 'partial'
}

/** Each once, and no more than a few. */
function codesOf({ errors = [] }: ExecutionResult): string[] {
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

/** What the door turned away before there was an operation. */
const DOOR_CODES: ReadonlyMap<number, string> = new Map([
  [400, 'BAD_REQUEST'],
  [401, 'UNAUTHENTICATED'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [429, 'RATE_LIMITED'],
  [503, 'OVERLOADED'],
])
