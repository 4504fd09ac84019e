import type { OperationObserver } from '../domain/operation-observer.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import type { Logger } from './log.ts'
import { createMetrics } from './metrics.ts'
import type { CollectSnapshot } from './metrics-snapshot.ts'
import { logOperations } from './operation-log.ts'
import type { Tracer } from './tracer.ts'
import { logCalls } from './upstream-log.ts'

export interface Telemetry {
  readonly calls: ProviderCallObserver
  readonly operations: OperationObserver
  /** The metrics as text, with their content type. */
  scrape(read: CollectSnapshot): Promise<{ readonly text: string; readonly contentType: string }>
}

export interface TelemetryOptions {
  readonly log: Logger
  /** True for the names of known documents. */
  readonly isKnown: (name: string) => boolean
  readonly logShare: number
  readonly logsAllNames: boolean
  /** Absent where tracing is not configured. */
  readonly traces?: Tracer
}

/** The observers of operations and provider calls: they count, log and, where configured, trace. */
export function createTelemetry({ log, isKnown, logShare, logsAllNames, traces }: TelemetryOptions): Telemetry {
  const metrics = createMetrics({ isKnown })
  const logOperation = logOperations(log, { isKnown, logsAllNames, share: logShare })
  const logCall = logCalls(log)
  return {
    calls: {
      begin: begun => {
        const span = traces?.beginCall(begun)
        return {
          headers: span?.headers ?? NONE,
          end: call => {
            metrics.call(call)
            logCall(call, begun)
            span?.end(call)
          },
        }
      },
      drifted: metrics.drifted,
    },
    operations: {
      begin: (callLog, traceparent) => traces?.begin(callLog, traceparent),
      end: reported => {
        metrics.operation(reported)
        logOperation(reported)
        traces?.end(reported)
      },
      rejected: metrics.rejected,
    },
    scrape: async read => ({ text: await metrics.scrape(read), contentType: metrics.contentType }),
  }
}

const NONE = {}
