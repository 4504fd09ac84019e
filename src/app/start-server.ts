import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailableError, type Failure } from '../../db/core/database-error.ts'
import { checkDatabase } from '../../db/core/database-state.ts'
import { buildSchema } from '../../schema/index.ts'
import { createConsole } from '../admin/console.ts'
import { isLoopbackHost } from '../domain/input/hosts.ts'
import { type AdmissionControl, createAdmissionControl } from '../http/admission/admission-control.ts'
import { type ShutdownTimeouts, shutdownGracefully, trackConnections } from '../http/admission/graceful-shutdown.ts'
import { watchHeap } from '../http/admission/heap-watch.ts'
import { createReadiness } from '../http/admission/readiness.ts'
import { RequestScheduler } from '../http/admission/request-scheduler.ts'
import { watchUnsent } from '../http/admission/unsent-watch.ts'
import { type App, createApp, GRAPHQL_PATH } from '../http/app.ts'
import { createFailedAuthLimiter } from '../http/auth/authenticator.ts'
import { createTrustedProxies } from '../http/auth/client-address.ts'
import { createKnownCallers } from '../http/auth/known-callers.ts'
import { compressResponses } from '../http/compression.ts'
import { createCors } from '../http/cors.ts'
import type { RateLimiter } from '../http/pipeline/rate-limit.ts'
import { graphiqlOptions } from '../http/plugins/use-graphiql.ts'
import { createHttpServer } from '../http/server.ts'
import { createSubscriptionRegistry, type SubscriptionRegistry } from '../http/subscriptions/registry.ts'
import { createOpenWebSockets } from '../http/websocket/open-websockets.ts'
import { createJobLease } from '../jobs/lease.ts'
import { startLoop } from '../jobs/loop.ts'
import { createPrune } from '../jobs/prune.ts'
import { registry } from '../providers/registry.ts'
import { createRateLimiters } from '../redis/redis-rate-limiter.ts'
import { createDevelopmentKey } from '../security/api-keys.ts'
import { type Authentication, createAuthentication } from '../services/access/authentication.ts'
import type { Logger } from '../telemetry/log.ts'
import { type LogTarget, toServerLog } from '../telemetry/log.ts'
import { traceResolvers } from '../telemetry/trace-resolvers.ts'
import { type Config, developmentKey, retentionPolicy } from './config.ts'
import { type AppContainer, createContainer, DEV_TENANT } from './container.ts'
import { loadExampleTabs } from './documents.ts'
import { createRequestPolicy } from './http-policy.ts'
import { federationMode, isExposed, listenerOptions, parseList } from './http-settings.ts'
import { isLocalDevelopment, metricsEndpointOptions, setupObservability } from './observability.ts'
import { connectSandboxWebhooks, storeWebhookEndpoints, type WebhookRoute } from './register-webhooks.ts'
import { startSandboxesFor } from './sandboxes.ts'
import { formatOrigin, loopbackUrl } from './server-url.ts'

export interface RunningServer extends AppContainer {
  /** The GraphQL endpoint. */
  readonly url: string
  readonly app: App
  readonly admission: AdmissionControl
  readonly streams: SubscriptionRegistry
  /** The paths for the providers' webhooks. */
  readonly webhookRoutes: readonly WebhookRoute[]
  /** Finishes running requests and jobs within the timeouts. */
  close(timeouts?: ShutdownTimeouts): Promise<void>
}

export interface StartOptions {
  /** Called when everything is open, before the server listens. */
  readonly beforeListen?: () => Promise<void>
  // For tests:
  readonly now?: () => Date
  /** False to run no background job. */
  readonly jobs?: boolean
  /** Replaces the limiter of the cost per key, which all instances share. */
  readonly rateLimiter?: RateLimiter
  /** How often an operation is requested before it is prepared for the fast path. */
  readonly prepareAfter?: number
  /** Replaces stderr. */
  readonly logTo?: LogTarget
}

const PREPARE_AFTER = 2

/** Config → database → providers → schema → listen. `close` undoes all of it. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const observability = await setupObservability(config, options.logTo)
  const container = await createContainer(config, {
    now: options.now,
    sandboxes: startSandboxesFor,
    log: observability.log,
    observer: observability.calls,
  }).catch(async error => {
    await observability.close()
    throw error
  })
  const { now } = container
  const settings = config.server
  const scheduler = new RequestScheduler()
  const knownCallers = createKnownCallers()
  const heap = watchHeap(isShort => reportHeap(container.log, isShort))
  const memory = watchUnsent(heap, connections => container.log.warn({ connections }, UNREAD_CLOSED))
  const cors = createCors({
    origins: parseList(settings.CORS_ORIGINS),
    allowsLoopback: isLocalDevelopment(config),
    headers: parseList(settings.CORS_HEADERS),
  })
  const admission = createAdmissionControl(settings.MAX_IN_FLIGHT, scheduler, knownCallers.ownerOf, memory, cors)
  const schema = await buildSchema(registry, federationMode(settings), {
    urlHosts: settings.NODE_ENV === 'production' ? 'PUBLIC' : 'ANY',
  })
  if (observability.traces) traceResolvers(schema, observability.traces)
  const report = (error: unknown) => container.log.error({ err: error }, 'request failed unexpectedly')
  const authentication = knownCallers.observe(authenticationOf(container, config))
  const isAdmin = async (bearer: string) => (await authentication.authenticate(bearer))?.scopes.has('admin') ?? false
  const streams = createSubscriptionRegistry(caller => authentication.isLive(caller, now()))
  const openWebSockets = createOpenWebSockets()
  const connections = createSubscriptionRegistry(caller => authentication.isLive(caller, now()))
  const deadlines = { queryDeadlineMs: settings.QUERY_DEADLINE_MS, mutationDeadlineMs: settings.MUTATION_DEADLINE_MS }
  const app = createApp({
    schema,
    services: container.services,
    authentication,
    failedAuthLimiter: createFailedAuthLimiter(failedAuthCounter(container, config), report),
    isTrustedProxy: createTrustedProxies(parseList(settings.TRUSTED_PROXIES)),
    deadlines,
    graphiql: isExposed(settings.GRAPHIQL, settings) && graphiqlOptions(loadExampleTabs(), presetKey(config)),
    console: settings.CONSOLE === 'on' && createConsole({ db: container.db, services: container.services, now }),
    policy: createRequestPolicy(settings, {
      log: container.log,
      cors,
      rateLimiter: options.rateLimiter ?? costCounter(container, config),
    }),
    logger: toServerLog(container.log),
    admission,
    memory,
    scheduler,
    readiness: createReadiness({
      admission,
      pingDatabase: () => checkDatabase(container.db),
      degraded: () => (container.redis ? { redis: container.redis.isUp ? 'UP' : 'AWAY' } : {}),
    }),
    streams,
    connections,
    openWebSockets,
    telemetry: {
      observer: observability.operations,
      mayInspect: ({ scopes }) => isLocalDevelopment(config) || scopes.has('admin'),
    },
    prepareAfter: options.prepareAfter ?? PREPARE_AFTER,
    metrics: metricsEndpointOptions(config, observability, container, { streams, openWebSockets, admission }, isAdmin),
    report,
    now,
  })
  const { webSockets } = app
  const listening = {
    ...listenerOptions(settings, Math.max(settings.QUERY_DEADLINE_MS, settings.MUTATION_DEADLINE_MS)),
    loopbackHostsOnly: isLocalDevelopment(config),
  }
  const server = createHttpServer(compressResponses(admission.wrap(app.listener)), listening, webSockets)
  scheduler.observe(server)
  const sockets = trackConnections(server)
  // Before the first delivery can arrive: it would get 404.
  const storedRoutes = await storeWebhookEndpoints(container, config)
  await options.beforeListen?.()
  await listen(server, settings.PORT, settings.HOST)
  memory.observe(sockets)
  // A connection that could not be accepted, such as without a free file descriptor.
  server.on('error', error => container.log.error({ err: error }, 'could not accept a connection'))
  const { port } = server.address() as AddressInfo
  const sandboxRoutes = await connectSandboxWebhooks(container, config, loopbackUrl(settings.HOST, port))
  const stopJobs = options.jobs === false ? async () => {} : startJobs(container, config, now)
  return {
    ...container,
    url: formatOrigin(settings.HOST, port) + GRAPHQL_PATH,
    webhookRoutes: [...storedRoutes, ...sandboxRoutes],
    app,
    admission,
    streams,
    close: once(async (timeouts = { delayMs: 0, deadlineMs: settings.DRAIN_DEADLINE_MS }) => {
      const inTime = within(timeouts.deadlineMs)
      await Promise.all([
        shutdownGracefully({ server, sockets, admission, streams, webSockets, timeouts }),
        inTime(stopJobs()),
      ])
      await inTime(container.services.creates.settled())
      // The last delivery may not be applied yet.
      await inTime(container.services.webhookInbox.applyDue().catch(() => {}))
      await inTime(container.close())
      heap.close()
      memory.close()
      await inTime(observability.close())
    }),
  }
}

function reportHeap(log: Logger, isShort: boolean): void {
  if (isShort) log.error(HEAP_SHORT)
  else log.info('the heap has room again')
}

const HEAP_SHORT =
  'the heap is nearly full: requests are refused until it has room; raise --max-old-space-size or lower MAX_IN_FLIGHT'

const UNREAD_CLOSED = 'closed connections whose clients do not read: what was sent to them takes too much memory'

/** GraphiQL is public and contains the key, so the key is preset only if the server listens on loopback. */
function presetKey(config: Config): string | undefined {
  return isLoopbackHost(config.server.HOST) ? developmentKey(config) : undefined
}

/** Production has no development key: operators create keys for tenants. */
function authenticationOf({ services }: AppContainer, config: Config): Authentication {
  const key = developmentKey(config)
  return createAuthentication({ ...services, development: key ? createDevelopmentKey(key, DEV_TENANT) : undefined })
}

/** How long after a crash another instance continues to prune. */
const PRUNE_LEASE_MS = 60_000
/** How often the hourly prune is checked. */
const PRUNE_INTERVAL_MS = 60_000

/** Shared by all instances with Redis. */
function failedAuthCounter({ redis }: AppContainer, { server }: Config): RateLimiter {
  return createRateLimiters(redis)({ name: 'bad-keys', points: server.FAILED_AUTH_PER_MINUTE, seconds: 60 })
}

/** Shared by all instances with Redis. */
function costCounter({ redis }: AppContainer, { server }: Config): RateLimiter {
  return createRateLimiters(redis)({ name: 'cost', points: server.COST_PER_MINUTE, seconds: 60 })
}

const FILE_FAILURES: readonly Failure[] = ['REPLACED', 'STORAGE_FAILED']

/** Starts the background jobs. Returns the function that stops them. */
function startJobs(container: AppContainer, { server: settings }: Config, now: () => Date): () => Promise<void> {
  const { db, log, services } = container
  const report = (error: unknown) => {
    // A file that is gone or cannot be written is logged once; every job fails because of it.
    if (error instanceof DatabaseUnavailableError && FILE_FAILURES.includes(error.failure)) return
    log.error({ err: error }, 'background job failed')
  }
  const lease = createJobLease(db, { name: 'prune', ms: PRUNE_LEASE_MS, now })
  const prune = createPrune({ db, lease, retention: retentionPolicy(settings), now })
  const intervalMs = settings.JOB_INTERVAL_MS
  const loops = [
    ...[
      services.createReconciler.run,
      services.webhookInbox.applyDue,
      services.polling.run,
      services.expireOverdue,
    ].map(run => startLoop({ intervalMs, run, report })),
    startLoop({ intervalMs: PRUNE_INTERVAL_MS, run: prune, report }),
    startLoop({ intervalMs: settings.STATS_INTERVAL_MS, run: () => services.providerStats.flush(), report }),
  ]
  return async () => {
    await Promise.all(loops.map(loop => loop.stop()))
  }
}

/** Rejects where the port is in use. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Runs the function once; later calls return the first result. */
function once<Arguments extends unknown[], T>(
  run: (...given: Arguments) => Promise<T>,
): (...given: Arguments) => Promise<T> {
  let first: Promise<T> | undefined
  return (...given) => {
    first ??= run(...given)
    return first
  }
}

/** Waits for each promise, but not past the common deadline. */
function within(ms: number): (work: Promise<unknown>) => Promise<void> {
  const until = performance.now() + ms
  return async work => {
    const ended = new AbortController()
    const late = sleep(Math.max(0, until - performance.now()), undefined, { signal: ended.signal }).catch(() => {})
    await Promise.race([work, late]).finally(() => ended.abort())
  }
}
