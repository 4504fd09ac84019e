import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema } from '../schema/index.ts'
import { type Config, developmentKey, isLoopback } from './config.ts'
import { openDoor } from './door.ts'
import { isShown, listenerLimits } from './door-settings.ts'
import { readExamples } from './examples.ts'
import { DEV_TENANT, type House, openHouse } from './house.ts'
import { startLoop } from './jobs/loop.ts'
import { toLocalOrigin, toOrigin } from './origin.ts'
import { registry } from './providers/registry.ts'
import { openSandboxes } from './sandboxes.ts'
import { type Authenticate, createKeyAuthentication } from './security/api-keys.ts'
import { type App, createApp, GRAPHQL_PATH } from './server/app.ts'
import type { Budget } from './server/budget.ts'
import { graphiqlOptions } from './server/graphiql.ts'
import { createListener } from './server/listener.ts'
import { createStreams, type Streams } from './server/streams.ts'
import { toServerLog } from './telemetry/log.ts'
import { openWebhooks, type WebhookDoor } from './webhooks.ts'

export interface Running extends House {
  /** Where clients send their operations. */
  readonly url: string
  readonly app: App
  /** What clients follow live. */
  readonly streams: Streams
  /** Where providers deliver to. */
  readonly doors: readonly WebhookDoor[]
}

/** What tests replace. */
export interface BootOptions {
  readonly now?: () => Date
  /** False to run no job by itself. */
  readonly jobs?: boolean
  /** What clients may spend; by default it is kept by this process. */
  readonly budget?: Budget
}

/** Config → database → providers → schema → listen. Close undoes all of it. */
export async function boot(config: Config, options: BootOptions = {}): Promise<Running> {
  const now = options.now ?? (() => new Date())
  const house = await openHouse(config, { now, sandboxes: openSandboxes })
  const settings = config.house
  const streams = createStreams()
  const app = createApp({
    schema: await buildSchema(registry),
    services: house.services,
    authenticate: toAuthentication(config),
    deadlines: { queryDeadlineMs: settings.QUERY_DEADLINE_MS, mutationDeadlineMs: settings.MUTATION_DEADLINE_MS },
    graphiql: isShown(settings.GRAPHIQL, settings) && graphiqlOptions(readExamples(), presetKey(config)),
    door: openDoor(settings, { log: house.log, budget: options.budget }),
    logger: toServerLog(house.log),
    streams,
    report: error => house.log.error({ err: error }, 'unexpected error'),
    now,
  })
  const server = createListener(app, listenerLimits(settings))
  await listen(server, settings.PORT, settings.HOST)
  const { port } = server.address() as AddressInfo
  const doors = await openWebhooks(house, config, toLocalOrigin(settings.HOST, port))
  const stopJobs = options.jobs === false ? async () => {} : startJobs(house, settings.JOB_INTERVAL_MS)
  return {
    ...house,
    url: toOrigin(settings.HOST, port) + GRAPHQL_PATH,
    doors,
    app,
    streams,
    close: async () => {
      streams.end()
      await stopJobs()
      await close(server)
      // A delivery that came in last may still be being applied.
      await house.services.inbox.applyDue().catch(() => {})
      await house.close()
    },
  }
}

/** The page that holds the key is open to all who reach it, so it holds none where others than this machine do. */
function presetKey(config: Config): string | undefined {
  return isLoopback(config.house.HOST) ? developmentKey(config) : undefined
}

function toAuthentication(config: Config): Authenticate {
  const key = developmentKey(config)
  return key === undefined ? () => undefined : createKeyAuthentication(key, DEV_TENANT)
}

/** Starts what happens without anybody asking. Gives what ends it. */
function startJobs({ services, log }: House, everyMs: number): () => Promise<void> {
  const report = (error: unknown) => log.error({ err: error }, 'a job failed')
  const loops = [services.recovery.run, services.inbox.applyDue, services.polling.run, services.expireOverdue].map(
    run => startLoop({ everyMs, run, report }),
  )
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

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    // A connection whose last answer has just ended is idle only a moment later.
    const sweep = setInterval(() => server.closeIdleConnections(), 10)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
