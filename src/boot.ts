import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkDatabase } from '../db/readiness.ts'
import { buildSchema } from '../schema/index.ts'
import { type Config, developmentKey, isLoopback, retention } from './config.ts'
import { createConsole } from './console/console.ts'
import { openDoor } from './door.ts'
import { federationMode, isShown, listenerLimits } from './door-settings.ts'
import { readExamples } from './examples.ts'
import { DEV_TENANT, type House, openHouse } from './house.ts'
import { createJobLease } from './jobs/lease.ts'
import { startLoop } from './jobs/loop.ts'
import { createPrune } from './jobs/prune.ts'
import { toLocalOrigin, toOrigin } from './origin.ts'
import { registry } from './providers/registry.ts'
import { createLimits } from './redis/limits.ts'
import { openSandboxes } from './sandboxes.ts'
import { createDevelopmentKey } from './security/api-keys.ts'
import { type App, createApp, GRAPHQL_PATH } from './server/app.ts'
import type { Budget } from './server/budget.ts'
import { drain, type Grace } from './server/drain.ts'
import { createGate, type Gate } from './server/gate.ts'
import { graphiqlOptions } from './server/graphiql.ts'
import { createGuesses } from './server/guesses.ts'
import { Intake } from './server/intake.ts'
import { createListener } from './server/listener.ts'
import { createReadiness } from './server/readiness.ts'
import { createStreams, type Streams } from './server/streams.ts'
import { type Authentication, createAuthentication } from './services/authentication.ts'
import { type LogTarget, toServerLog } from './telemetry/log.ts'
import { traceResolvers } from './telemetry/trace-resolvers.ts'
import { isAtHome, metricsOf, openWatch } from './watch.ts'
import { openWebhooks, type WebhookDoor } from './webhooks.ts'

export interface Running extends House {
  /** Where clients send their operations. */
  readonly url: string
  readonly app: App
  /** Before every door. */
  readonly gate: Gate
  /** What clients follow live. */
  readonly streams: Streams
  /** Where providers deliver to. */
  readonly doors: readonly WebhookDoor[]
  /** Finishes what is under way, within the grace. */
  close(grace?: Grace): Promise<void>
}

/** What tests replace. */
export interface BootOptions {
  readonly now?: () => Date
  /** False to run no job by itself. */
  readonly jobs?: boolean
  /** What clients may spend; by default it is counted by all instances together. */
  readonly budget?: Budget
  /** How often an operation is asked for before it is made ready to be run at once. */
  readonly readyAfter?: number
  /** Takes the place of stderr. */
  readonly logTo?: LogTarget
}

const READY_AFTER = 2

/** Config → database → providers → schema → listen. Close undoes all of it. */
export async function boot(config: Config, options: BootOptions = {}): Promise<Running> {
  const now = options.now ?? (() => new Date())
  const watch = await openWatch(config, options.logTo)
  const house = await openHouse(config, { now, sandboxes: openSandboxes, log: watch.log, watch: watch.calls })
  const settings = config.house
  const intake = new Intake()
  const gate = createGate(settings.MAX_IN_FLIGHT, intake)
  const schema = await buildSchema(registry, federationMode(settings))
  if (watch.traces) traceResolvers(schema, watch.traces)
  const report = (error: unknown) => house.log.error({ err: error }, 'unexpected error')
  const authentication = authenticationOf(house, config)
  const isAdmin = async (bearer: string) => (await authentication.authenticate(bearer))?.scopes.has('admin') ?? false
  const streams = createStreams(caller => authentication.isLive(caller, now()))
  const app = createApp({
    schema,
    services: house.services,
    authentication,
    guesses: createGuesses(countBadKeys(house, config), report),
    deadlines: { queryDeadlineMs: settings.QUERY_DEADLINE_MS, mutationDeadlineMs: settings.MUTATION_DEADLINE_MS },
    graphiql: isShown(settings.GRAPHIQL, settings) && graphiqlOptions(readExamples(), presetKey(config)),
    console: settings.CONSOLE === 'on' && createConsole({ db: house.db, services: house.services, now }),
    door: openDoor(settings, { log: house.log, budget: options.budget ?? countCost(house, config) }),
    logger: toServerLog(house.log),
    gate,
    readiness: createReadiness({
      gate,
      askDatabase: () => checkDatabase(house.db),
      degraded: () => (house.redis ? { redis: house.redis.isUp ? 'UP' : 'AWAY' } : {}),
    }),
    streams,
    telemetry: { watch: watch.operations, mayInspect: ({ scopes }) => isAtHome(config) || scopes.has('admin') },
    readyAfter: options.readyAfter ?? READY_AFTER,
    metrics: metricsOf(config, watch, house, { streams, gate }, isAdmin),
    report,
    now,
  })
  const server = createListener(gate.before(app.listener), listenerLimits(settings))
  intake.watch(server)
  await listen(server, settings.PORT, settings.HOST)
  const { port } = server.address() as AddressInfo
  const doors = await openWebhooks(house, config, toLocalOrigin(settings.HOST, port))
  const stopJobs = options.jobs === false ? async () => {} : startJobs(house, config, now)
  return {
    ...house,
    url: toOrigin(settings.HOST, port) + GRAPHQL_PATH,
    doors,
    app,
    gate,
    streams,
    close: once(async (grace = { delayMs: 0, deadlineMs: settings.DRAIN_DEADLINE_MS }) => {
      const inTime = within(grace.deadlineMs)
      await Promise.all([drain({ server, gate, streams, grace }), inTime(stopJobs())])
      await inTime(house.services.creates.settled())
      // A delivery that came in last may still be being applied.
      await inTime(house.services.inbox.applyDue().catch(() => {}))
      await inTime(house.close())
      await inTime(watch.close())
    }),
  }
}

/** The page that holds the key is open to all who reach it, so it holds none where others than this machine do. */
function presetKey(config: Config): string | undefined {
  return isLoopback(config.house.HOST) ? developmentKey(config) : undefined
}

/** Production has no key of its own making: all are made for tenants. */
function authenticationOf({ services }: House, config: Config): Authentication {
  const key = developmentKey(config)
  return createAuthentication({ ...services, development: key ? createDevelopmentKey(key, DEV_TENANT) : undefined })
}

/** So long after a process died that pruned, another one goes on. */
const PRUNE_LEASE_MS = 60_000
/** How often it is looked whether the hour is over. */
const PRUNE_LOOK_MS = 60_000

/** Bad keys are counted by all instances together, where there are several. */
function countBadKeys({ redis }: House, { house }: Config): Budget {
  return createLimits(redis)({ name: 'bad-keys', points: house.BAD_KEYS_PER_MINUTE, seconds: 60 })
}

/** So is what a key spends. */
function countCost({ redis }: House, { house }: Config): Budget {
  return createLimits(redis)({ name: 'cost', points: house.COST_PER_MINUTE, seconds: 60 })
}

/** Starts what happens without anybody asking. Gives what ends it. */
function startJobs(house: House, { house: settings }: Config, now: () => Date): () => Promise<void> {
  const { db, log, services } = house
  const report = (error: unknown) => log.error({ err: error }, 'a job failed')
  const lease = createJobLease(db, { name: 'prune', ms: PRUNE_LEASE_MS, now })
  const prune = createPrune({ db, lease, retention: retention(settings), now })
  const everyMs = settings.JOB_INTERVAL_MS
  const loops = [
    ...[services.recovery.run, services.inbox.applyDue, services.polling.run, services.expireOverdue].map(run =>
      startLoop({ everyMs, run, report }),
    ),
    startLoop({ everyMs: PRUNE_LOOK_MS, run: prune, report }),
    startLoop({ everyMs: settings.OBSERVE_INTERVAL_MS, run: () => services.observations.flush(), report }),
  ]
  return async () => {
    await Promise.all(loops.map(loop => loop.stop()))
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

/** Runs it the first time only; who calls again gets what the first one got. */
function once<Arguments extends unknown[], T>(
  run: (...given: Arguments) => Promise<T>,
): (...given: Arguments) => Promise<T> {
  let first: Promise<T> | undefined
  return (...given) => {
    first ??= run(...given)
    return first
  }
}

/** Waits for each thing it is given, and for none longer than until then. */
function within(ms: number): (work: Promise<unknown>) => Promise<void> {
  const until = performance.now() + ms
  return async work => {
    const over = new AbortController()
    const late = sleep(Math.max(0, until - performance.now()), undefined, { signal: over.signal }).catch(() => {})
    await Promise.race([work, late]).finally(() => over.abort())
  }
}
