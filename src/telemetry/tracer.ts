import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { CallLog } from '../domain/call-log.ts'
import type { OperationReport } from '../domain/operation-observer.ts'
import type { ProviderCall } from '../domain/provider-call.ts'
import type { StartedCall } from '../domain/provider-call-observer.ts'
import { OTHER_OPERATION } from './metrics.ts'
import { createSpanExporter, type OtlpOptions } from './span-exporter.ts'

export interface TracerOptions extends OtlpOptions {
  readonly serviceName: string
  readonly isKnown: (name: string) => boolean
  /** The share of operations without a `traceparent` of the caller that are sampled, 0 to 1. */
  readonly share: number
}

export type Tracer = ReturnType<typeof createTracer>

/** A span that is not ended, and the context of its children. */
interface OpenSpan {
  readonly span: Span
  readonly context: Context
}

/** Beyond this number, spans that wait for a collector are dropped. */
const BATCHES = { maxQueueSize: 4_096, maxExportBatchSize: 256, scheduledDelayMillis: 2_000 }

/**
 * Spans of operations, asynchronous resolvers and provider requests. The tracer continues the caller's trace and
 * propagates it to the providers. Attributes have no personal data.
 */
export function createTracer(options: TracerOptions) {
  const { isKnown, share, serviceName } = options
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor(createSpanExporter(options), BATCHES)],
  })
  const tracer = provider.getTracer('sessiongraph')
  const propagator = new W3CTraceContextPropagator()
  const operations = new WeakMap<CallLog, OpenSpan>()
  /** The resolver of the current request: loaders and services do not pass it on. */
  const resolvers = new AsyncLocalStorage<OpenSpan>()

  function open(name: string, kind: SpanKind, parent: Context): OpenSpan {
    const span = tracer.startSpan(name, { kind }, parent)
    return { span, context: trace.setSpan(parent, span) }
  }

  function parentOf(callLog: CallLog | undefined): OpenSpan | undefined {
    return resolvers.getStore() ?? (callLog && operations.get(callLog))
  }

  return {
    begin(callLog: CallLog, traceparent: string | null): void {
      const parent = propagator.extract(ROOT_CONTEXT, { traceparent: traceparent ?? '' }, defaultTextMapGetter)
      operations.set(callLog, open('operation', SpanKind.SERVER, parent))
    },
    end({ callLog, name, kind, outcome, codes }: OperationReport): void {
      const opened = operations.get(callLog)
      if (!opened) return
      const known = name && isKnown(name) ? name : OTHER_OPERATION
      opened.span.updateName(`${kind} ${known}`)
      close(opened.span, codes.length > 0, {
        'graphql.operation.type': kind,
        'graphql.operation.name': known,
        'sessiongraph.outcome': outcome,
        'sessiongraph.request_id': callLog.requestId,
        ...(codes.length > 0 && { 'sessiongraph.codes': codes.join(' ') }),
      })
    },
    beginCall({ callLog, provider, operation, kind, attempt }: StartedCall) {
      const parent = parentOf(callLog)?.context ?? ROOT_CONTEXT
      const { span, context } = open(`${provider} ${operation}`, SpanKind.CLIENT, parent)
      const headers: Record<string, string> = {}
      propagator.inject(context, headers, defaultTextMapSetter)
      return {
        headers,
        end({ outcome, status }: ProviderCall): void {
          close(span, outcome !== 'SUCCEEDED', {
            'sessiongraph.provider': provider,
            'sessiongraph.call.kind': kind,
            'sessiongraph.call.attempt': attempt,
            'sessiongraph.outcome': outcome,
            ...(status !== null && { 'http.response.status_code': status }),
          })
        },
      }
    },
    /** Runs a resolver of an operation. A synchronous resolver calls no service, so its span is not ended and not sent. */
    resolve<T>(callLog: CallLog | undefined, name: string, run: () => T): T {
      const parent = parentOf(callLog)
      if (!parent?.span.isRecording()) return run()
      const opened = open(name, SpanKind.INTERNAL, parent.context)
      const result = resolvers.run(opened, run)
      if (!(result instanceof Promise)) return result
      result.then(
        () => close(opened.span, false, {}),
        () => close(opened.span, true, {}),
      )
      return result
    },
    /** Sends the remaining spans. */
    close: () => provider.shutdown().catch(() => {}),
  }
}

function close(span: Span, failed: boolean, attributes: Attributes): void {
  span.setAttributes(attributes)
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
