import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { ToldOperation } from '../domain/operation-watch.ts'
import type { BegunCall, ProviderCall } from '../domain/provider-call.ts'
import type { Trail } from '../domain/trail.ts'
import { OTHER } from './metrics.ts'
import { createExporter, type EndedSpan, type OtlpOptions } from './otlp.ts'
import { readTraceParent, type TraceParent, writeTraceParent } from './traceparent.ts'

export interface TracesOptions extends OtlpOptions {
  readonly isKnown: (name: string) => boolean
  /** 0 to 1: of how many operations that no caller's trace holds a trace is taken. */
  readonly share: number
}

export type Traces = ReturnType<typeof createTraces>

interface Span extends TraceParent {
  readonly parentSpanId?: string
  readonly startMs: number
}

/**
 * Spans of operations, of the resolvers that wait for something, and of the requests towards providers. The caller's
 * trace is continued, and travels on to the providers. Attributes say what kind of thing happened, never to whom.
 */
export function createTraces(options: TracesOptions) {
  const { isKnown, share } = options
  const exporter = createExporter(options)
  const operations = new WeakMap<Trail, Span>()
  /** Which resolver a request is made for: loaders and services do not know. */
  const resolvers = new AsyncLocalStorage<Span>()

  function open(parent: TraceParent | undefined): Span {
    const sampled = parent?.sampled ?? Math.random() < share
    const traceId = parent?.traceId ?? newId(16)
    return { traceId, spanId: newId(8), parentSpanId: parent?.spanId, sampled, startMs: nowMs() }
  }

  function close(span: Span, said: Pick<EndedSpan, 'name' | 'kind' | 'failed' | 'attributes'>): void {
    const { traceId, spanId, parentSpanId, startMs } = span
    if (span.sampled) exporter.add({ traceId, spanId, parentSpanId, startMs, endMs: nowMs(), ...said })
  }

  return {
    begin(trail: Trail, traceparent: string | null): void {
      operations.set(trail, open(readTraceParent(traceparent)))
    },
    end({ trail, name, kind, outcome, codes }: ToldOperation): void {
      const span = operations.get(trail)
      if (!span) return
      const known = name && isKnown(name) ? name : OTHER
      const attributes = {
        'graphql.operation.type': kind,
        'graphql.operation.name': known,
        'sessiongraph.outcome': outcome,
        'sessiongraph.request_id': trail.requestId,
        ...(codes.length > 0 && { 'sessiongraph.codes': codes.join(' ') }),
      }
      close(span, { name: `${kind} ${known}`, kind: 'SERVER', failed: codes.length > 0, attributes })
    },
    beginCall({ trail, provider, operation, kind, attempt }: BegunCall) {
      const span = open(resolvers.getStore() ?? (trail && operations.get(trail)))
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
    /** Runs a resolver of an operation. One that answers at once had nobody to ask and leaves no span. */
    resolve<T>(trail: Trail | undefined, name: string, run: () => T): T {
      const parent = resolvers.getStore() ?? (trail && operations.get(trail))
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

/** Epoch milliseconds, with parts. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
