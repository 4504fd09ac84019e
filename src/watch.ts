import { type Config, isLoopback } from './config.ts'
import { operationNames, readExamples } from './examples.ts'
import type { Gate } from './server/gate.ts'
import { createMetricsAccess } from './server/metrics-access.ts'
import type { Streams } from './server/streams.ts'
import type { MetricsOptions } from './server/use-metrics.ts'
import type { Services } from './services/services.ts'
import { createLog, type Logger, type LogTarget, STDERR } from './telemetry/log.ts'
import { openLogBuffer } from './telemetry/log-buffer.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import type { Traces } from './telemetry/traces.ts'

/** What the house tells its operators by. */
export interface Watch extends Telemetry {
  readonly log: Logger
  /** Absent where no collector is set. */
  readonly traces?: Traces
  /** Sends and writes what is left. */
  close(): Promise<void>
}

/** `logTo` takes the place of stderr. */
export async function openWatch(config: Config, logTo?: LogTarget): Promise<Watch> {
  const { LOG_LEVEL, LOG_OPERATIONS_SHARE } = config.house
  const buffer = logTo ? undefined : openLogBuffer(STDERR)
  const log = createLog(LOG_LEVEL, logTo ?? buffer)
  const known = operationNames(knownDocuments(config))
  const isKnown = (name: string) => known.has(name)
  const traces = await openTraces(config, log, isKnown)
  return {
    ...createTelemetry({ log, isKnown, logShare: LOG_OPERATIONS_SHARE, traces }),
    log,
    traces,
    close: async () => {
      await traces?.close()
      buffer?.close()
    },
  }
}

/** The examples are ours, the trusted documents the operator's. */
function knownDocuments({ house }: Config) {
  const trusted = house.TRUSTED_DOCUMENTS === 'off' ? [] : readExamples(house.TRUSTED_DOCUMENTS_DIR)
  return [...readExamples(), ...trusted]
}

/** True where nobody but who develops here is served: what is production may stand behind a proxy on the same machine. */
export function isAtHome({ house }: Config): boolean {
  return house.NODE_ENV !== 'production' && isLoopback(house.HOST)
}

/** `/metrics`: who may read them, and what they say. */
export function metricsOf(
  config: Config,
  watch: Watch,
  { services, redis }: { readonly services: Services; readonly redis: { readonly isUp: boolean } | undefined },
  { streams, gate }: { readonly streams: Streams; readonly gate: Gate },
  isAdmin: (bearer: string) => Promise<boolean> | boolean,
): MetricsOptions {
  const readFigures = async () => ({
    accounts: services.figures.accounts(),
    streams: streams.count(),
    requests: { inFlight: gate.inFlight, refused: gate.refused },
    redisUp: redis?.isUp,
    store: await services.figures.store(),
  })
  return {
    mayRead: createMetricsAccess({ token: config.house.METRICS_TOKEN, isAtHome: isAtHome(config), isAdmin }),
    scrape: () => watch.scrape(readFigures),
  }
}

/** Who collects no traces does not load what makes them. */
async function openTraces({ house }: Config, log: Logger, isKnown: (name: string) => boolean) {
  const endpoint = house.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint) return undefined
  const { createTraces } = await import('./telemetry/traces.ts')
  return createTraces({
    endpoint,
    headers: house.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: house.OTEL_SERVICE_NAME,
    share: house.OTEL_TRACES_SAMPLER_ARG,
    isKnown,
    log,
  })
}
