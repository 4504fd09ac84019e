import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailableError, explainUnavailable, type Failure } from '../../db/core/database-error.ts'
import { CONSOLE_PATH } from '../http/admin/use-console.ts'
import type { ShutdownTimeouts } from '../http/admission/graceful-shutdown.ts'
import { registry } from '../providers/registry.ts'
import { type Config, developmentKey, loadConfig } from './config.ts'
import { isExposed } from './http-settings.ts'
import { type RunningServer, startServer } from './start-server.ts'
import { openStartupServer, type StartupServer } from './startup-server.ts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
const DATABASE_RETRY_MS = 1_000

/** Starts the server, prints its URLs, and stops it on SIGTERM, SIGINT or SIGHUP. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  keepRunningWithoutOutput()
  const config = loadConfig(env, Object.values(registry))
  for (const warning of config.warnings) console.error(`Warning: ${warning}`)
  let running: RunningServer | undefined
  let isListening = false
  let stopWith: ShutdownTimeouts | undefined
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A second signal ends the process at once. Before it listens there is nothing to finish.
      if (stopWith || !isListening) process.exit(stopWith ? 1 : 0)
      stopWith = shutdownTimeouts(signal, config)
      if (running) void stop(running, stopWith)
    })
  }
  if (env.npm_lifecycle_event) stopWithParent()
  const beforeListen = () => {
    isListening = true
  }
  running = await startOnceDatabaseAnswers(config, beforeListen).catch(explainStartError)
  if (stopWith) await stop(running, stopWith)
  printAddresses(running, config)
}

/** Whoever reads the addresses may close the pipe. The command line ends then, and the server does not. */
function keepRunningWithoutOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {})
}

/** npm forwards SIGTERM and SIGINT, and ends without its child on SIGHUP or SIGKILL. */
function stopWithParent(): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, PARENT_CHECK_MS)
  timer.unref()
}

const PARENT_CHECK_MS = 500

function shutdownTimeouts(signal: NodeJS.Signals, { server }: Config): ShutdownTimeouts {
  // SIGINT and SIGHUP come from a terminal, where no load balancer has to notice first.
  return { delayMs: signal === 'SIGTERM' ? server.DRAIN_DELAY_MS : 0, deadlineMs: server.DRAIN_DEADLINE_MS }
}

/** While the database cannot be reached, /livez answers 200 and /readyz 503. */
async function startOnceDatabaseAnswers(config: Config, beforeListen: () => void): Promise<RunningServer> {
  const { PORT, HOST, BASE_PATH } = config.server
  let startup: StartupServer | undefined
  for (;;) {
    try {
      return await startServer(config, {
        beforeListen: async () => {
          await startup?.close()
          beforeListen()
        },
      })
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || !AWAY.includes(error.failure)) throw error
      if (!startup) {
        startup = await openStartupServer(PORT, HOST, BASE_PATH)
        console.error(`${explainUnavailable(error)} Waiting for it.`)
      }
      await sleep(DATABASE_RETRY_MS)
    }
  }
}

const AWAY: readonly Failure[] = ['CONNECTION_FAILED', 'CONNECTION_LOST']

function explainStartError(error: unknown): never {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE') throw error
  throw Object.assign(new Error(`Port ${port} is in use. Set PORT to use another.`), { code })
}

function printAddresses({ url, providers, sandboxes, webhookRoutes }: RunningServer, config: Config): void {
  const { CONSOLE, GRAPHIQL } = config.server
  const apiKey = developmentKey(config)
  const inBrowser = isExposed(GRAPHIQL, config.server) ? '  (GraphiQL in a browser)' : ''
  const login = apiKey ? 'log in with the API key below' : 'log in with an API key that has the scope admin'
  console.log(`sessiongraph  ${url}${inBrowser}`)
  if (CONSOLE === 'on') console.log(`console       ${new URL(CONSOLE_PATH, url)}  (${login})`)
  if (apiKey)
    console.log(`API key       ${apiKey}  (send it as "Authorization: Bearer …"; set DEV_API_KEY to change it)`)
  for (const { provider, configured, sandbox } of providers) {
    const at = sandboxes.find(running => running.provider === provider)?.origin
    const route = webhookRoutes.find(known => known.provider === provider)
    const real = route ? `real, webhooks at ${new URL(route.path, url)}` : 'real'
    const state = sandbox ? `sandbox at ${at}` : configured ? real : 'not configured'
    console.log(`${provider.padEnd(13)} ${state}`)
  }
}

async function stop(running: RunningServer, timeouts: ShutdownTimeouts): Promise<void> {
  try {
    await running.close(timeouts)
    process.exit(0)
  } catch (error) {
    running.log.error({ err: error }, 'could not stop')
    process.exit(1)
  }
}
