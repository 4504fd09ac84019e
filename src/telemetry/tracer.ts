import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { type GraphQLField, type GraphQLSchema, getNamedType, isCompositeType, isObjectType } from 'graphql'
import type { CallLog } from '../domain/call-log.ts'
import type { OperationReport } from '../domain/operation-observer.ts'
import type { ProviderCall } from '../domain/provider-call.ts'
import type { StartedCall } from '../domain/provider-call-observer.ts'
import { OTHER_OPERATION } from './metrics.ts'
import { createExporter, type FinishedSpan, type OtlpOptions } from './otlp-exporter.ts'

export interface TracerOptions extends OtlpOptions {
  readonly isKnown: (name: string) => boolean
  /** The share of operations without a `traceparent` of the caller that are sampled, 0 to 1. */
  readonly share: number
}

export type Tracer = ReturnType<typeof createTracer>

interface TraceSpan extends TraceParent {
  readonly parentSpanId?: string
  readonly startMs: number
}

/**
 * Spans of operations, asynchronous resolvers and provider requests. The tracer continues the caller's trace and
 * propagates it to the providers. Attributes have no personal data.
 */
export function createTracer(options: TracerOptions) {
  const { isKnown, share } = options
  const exporter = createExporter(options)
  const operations = new WeakMap<CallLog, TraceSpan>()
  /** The resolver of the current request: loaders and services do not pass it on. */
  const resolvers = new AsyncLocalStorage<TraceSpan>()

  function open(parent: TraceParent | undefined): TraceSpan {
    const sampled = parent?.sampled ?? Math.random() < share
    const traceId = parent?.traceId ?? newId(16)
    return { traceId, spanId: newId(8), parentSpanId: parent?.spanId, sampled, startMs: nowMs() }
  }

  function close(span: TraceSpan, ended: Pick<FinishedSpan, 'name' | 'kind' | 'failed' | 'attributes'>): void {
    const { traceId, spanId, parentSpanId, startMs } = span
    if (span.sampled) exporter.add({ traceId, spanId, parentSpanId, startMs, endMs: nowMs(), ...ended })
  }

  return {
    begin(callLog: CallLog, traceparent: string | null): void {
      operations.set(callLog, open(readTraceParent(traceparent)))
    },
    end({ callLog, name, kind, outcome, codes }: OperationReport): void {
      const span = operations.get(callLog)
      if (!span) return
      const known = name && isKnown(name) ? name : OTHER_OPERATION
      const attributes = {
        'graphql.operation.type': kind,
        'graphql.operation.name': known,
        'sessiongraph.outcome': outcome,
        'sessiongraph.request_id': callLog.requestId,
        ...(codes.length > 0 && { 'sessiongraph.codes': codes.join(' ') }),
      }
      close(span, { name: `${kind} ${known}`, kind: 'SERVER', failed: codes.length > 0, attributes })
    },
    beginCall({ callLog, provider, operation, kind, attempt }: StartedCall) {
      const span = open(resolvers.getStore() ?? (callLog && operations.get(callLog)))
      return {
        headers: { traceparent: writeTraceParent(span) },
        end({ outcome, status }: ProviderCall): void {
          const attributes = {
            'sessiongraph.provider': provider,
            'sessiongraph.call.kind': kind,
            'sessiongraph.call.attempt': attempt,
            'sessiongraph.outcome': outcome,
            ...(status !== null && { 'http.response.status_code': status }),
          }
          close(span, { name: `${provider} ${operation}`, kind: 'CLIENT', failed: outcome !== 'SUCCEEDED', attributes })
        },
      }
    },
    /** Runs a resolver of an operation. A synchronous resolver calls no service, so it gets no span. */
    resolve<T>(callLog: CallLog | undefined, name: string, run: () => T): T {
      const parent = resolvers.getStore() ?? (callLog && operations.get(callLog))
      if (!parent?.sampled) return run()
      const span = open(parent)
      const end = (failed: boolean) => close(span, { name, kind: 'INTERNAL', failed, attributes: {} })
      const result = resolvers.run(span, run)
      if (!(result instanceof Promise)) return result
      result.then(
        () => end(false),
        () => end(true),
      )
      return result
    },
    close: exporter.close,
  }
}

function newId(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** Epoch milliseconds, with a fraction. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Wraps the resolvers that may call a service: those of composite types. Scalars are read from their parent. */
export function traceResolvers(schema: GraphQLSchema, traces: Tracer): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) traceField(`${type.name}.${field.name}`, field, traces)
  }
}

function traceField(name: string, field: GraphQLField<unknown, { readonly callLog?: CallLog }>, traces: Tracer): void {
  const { resolve } = field
  if (!resolve || !isCompositeType(getNamedType(field.type))) return
  field.resolve = (source, args, context, info) =>
    traces.resolve(context.callLog, name, () => resolve(source, args, context, info))
}

/** W3C Trace Context, version 00. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/** Undefined where the header is absent or malformed: then a new trace starts. */
export function readTraceParent(header: string | null): TraceParent | undefined {
  const [, traceId = '', spanId = '', flags = ''] = FORM.exec(header ?? '') ?? []
  if (traceId === '' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

export function writeTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}
