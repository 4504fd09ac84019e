import type { OperationWatch } from '../domain/operation-watch.ts'
import type { CallWatch } from '../domain/provider-call.ts'
import { logCalls } from './call-log.ts'
import type { ReadFigures } from './figures.ts'
import type { Logger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { logOperations } from './operation-log.ts'
import type { Traces } from './traces.ts'

export interface Telemetry {
  readonly calls: CallWatch
  readonly operations: OperationWatch
  /** The metrics as text, with the content type to send them under. */
  scrape(read: ReadFigures): Promise<{ readonly text: string; readonly contentType: string }>
}

export interface TelemetryOptions {
  readonly log: Logger
  /** The names of the documents we know. */
  readonly isKnown: (name: string) => boolean
  readonly logShare: number
  /** Absent where nobody collects traces. */
  readonly traces?: Traces
}

/** The hooks by which the house tells what it does: counted, logged and, where configured, traced. */
export function createTelemetry({ log, isKnown, logShare, traces }: TelemetryOptions): Telemetry {
  const metrics = createMetrics({ isKnown })
  const logOperation = logOperations(log, { isKnown, share: logShare })
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
      begin: (trail, traceparent) => traces?.begin(trail, traceparent),
      end: told => {
        metrics.operation(told)
        logOperation(told)
        traces?.end(told)
      },
      turnedAway: metrics.turnedAway,
    },
    scrape: async read => ({ text: await metrics.scrape(read), contentType: metrics.contentType }),
  }
}

const NONE = {}
