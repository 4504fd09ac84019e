import { isatty } from 'node:tty'
import { isLoopbackHost } from '../domain/input/hosts.ts'
import type { AdmissionControl } from '../http/admission/admission-control.ts'
import { createMetricsAccess } from '../http/auth/metrics-access.ts'
import type { MetricsEndpointOptions } from '../http/plugins/standard-plugins.ts'
import type { SubscriptionRegistry } from '../http/subscriptions/registry.ts'
import type { OpenWebSockets } from '../http/websocket/open-websockets.ts'
import type { Services } from '../services/services.ts'
import { createLog, type Logger, type LogTarget, STDERR } from '../telemetry/log.ts'
import { openLogDestination } from '../telemetry/log-destination.ts'
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import { formatForTerminal } from '../telemetry/terminal-format.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Config } from './config.ts'
import { loadDocuments, loadTrustedDocuments, operationNames } from './documents.ts'

export interface Observability extends Telemetry {
  readonly log: Logger
  /** Absent without OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly traces?: Tracer
  /** Log lines that were dropped since the start. */
  droppedLogLines(): number
  /** Flushes spans and log lines. */
  close(): Promise<void>
}

/** `logTo` replaces stderr. */
export async function setupObservability(config: Config, logTo?: LogTarget): Promise<Observability> {
  const { LOG_LEVEL, LOG_OPERATIONS_SAMPLE_RATE, NODE_ENV } = config.server
  const isDevelopment = NODE_ENV !== 'production'
  const format = isDevelopment && isatty(STDERR) ? formatForTerminal : undefined
  const destination = logTo ? undefined : openLogDestination(STDERR, format)
  const log = createLog(LOG_LEVEL, logTo ?? destination)
  const known = operationNames(knownDocuments(config))
  const isKnown = (name: string) => known.has(name)
  const traces = await openTraces(config, log, isKnown)
  return {
    ...createTelemetry({
      log,
      isKnown,
      logShare: LOG_OPERATIONS_SAMPLE_RATE,
      logsAllNames: destination !== undefined && format !== undefined,
      traces,
    }),
    log,
    traces,
    droppedLogLines: () => destination?.dropped ?? 0,
    close: async () => {
      await traces?.close()
      destination?.close()
    },
  }
}

/** The documents whose operation names may be labels of metrics and logs: the examples and the trusted documents. */
function knownDocuments({ server }: Config) {
  return [...loadDocuments(), ...loadTrustedDocuments(server)]
}

/** True if only this machine is served. Production may listen on loopback behind a proxy. */
export function isLocalDevelopment({ server }: Config): boolean {
  return server.NODE_ENV !== 'production' && isLoopbackHost(server.HOST)
}

export function metricsEndpointOptions(
  config: Config,
  observability: Observability,
  { services, redis }: { readonly services: Services; readonly redis: { readonly isUp: boolean } | undefined },
  {
    streams,
    openWebSockets,
    admission,
  }: {
    readonly streams: SubscriptionRegistry
    readonly openWebSockets: OpenWebSockets
    readonly admission: AdmissionControl
  },
  isAdmin: (bearer: string) => Promise<boolean> | boolean,
): MetricsEndpointOptions {
  const collectSnapshot = async () => ({
    accounts: services.storeStats.accounts(),
    streams: streams.count(),
    webSockets: openWebSockets.count(),
    requests: { inFlight: admission.inFlight, refused: admission.refused },
    redisUp: redis?.isUp,
    logLinesDropped: observability.droppedLogLines(),
    store: await services.storeStats.store(),
  })
  return {
    mayRead: createMetricsAccess({
      token: config.server.METRICS_TOKEN,
      isLocalDevelopment: isLocalDevelopment(config),
      isAdmin,
    }),
    scrape: () => observability.scrape(collectSnapshot),
  }
}

const NO_PACKAGES =
  'OTEL_EXPORTER_OTLP_ENDPOINT: The packages for traces are not installed. Run `npm ci` without --omit=dev, or start the build of `npm run build`.'

/** Loads the tracer only if an OTLP endpoint is set. */
async function openTraces({ server }: Config, log: Logger, isKnown: (name: string) => boolean) {
  const endpoint = server.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint) return undefined
  const { createTracer } = await import('../telemetry/tracer.ts').catch((cause: unknown) => {
    throw Object.assign(new Error(NO_PACKAGES, { cause }), { code: 'TRACES_UNAVAILABLE' })
  })
  return createTracer({
    endpoint,
    headers: server.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: server.OTEL_SERVICE_NAME,
    share: server.OTEL_TRACES_SAMPLER_ARG,
    isKnown,
    log,
  })
}
