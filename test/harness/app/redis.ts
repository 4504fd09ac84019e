import { randomInt } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Redis for tests: they use a separate database, and they interrupt a proxy, not the server. */

const DEFAULT = 'redis://127.0.0.1:6379'
/** A database number that no application uses by default. */
const DATABASE = 9

/** The URL of a reachable Redis: TEST_REDIS_URL, or localhost. Undefined where neither is reachable. */
export async function findRedis(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const url = new URL(env.TEST_REDIS_URL || DEFAULT)
  if (url.pathname.length < 2) url.pathname = `/${DATABASE}`
  return (await answers(url)) ? url.href : undefined
}

export const NO_REDIS = `no Redis answers at ${DEFAULT}; TEST_REDIS_URL names another`

async function answers(url: URL): Promise<boolean> {
  const socket = connect(Number(url.port || 6379), url.hostname)
  const heard = new Promise<boolean>(resolve => {
    socket.once('data', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.write('PING\r\n')
  })
  return Promise.race([heard, sleep(1_000, false)]).finally(() => socket.destroy())
}

/** A proxy to Redis that can be interrupted. */
export interface RedisLine {
  readonly url: string
  /** Simulates a stopped server: closes connections and refuses new ones. */
  cut(): Promise<void>
  /** Simulates a hanging server: accepts commands and never replies. */
  stall(): void
  mend(): Promise<void>
  close(): Promise<void>
}

export async function openRedisLine(target: string): Promise<RedisLine> {
  const { hostname, port, pathname } = new URL(target)
  const pairs = new Set<readonly [Socket, Socket]>()
  let stalled = false

  const server = createServer(inner => {
    const outer = connect(Number(port || 6379), hostname)
    const pair = [inner, outer] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [outer, inner] as const]) {
      from.on('data', chunk => stalled || to.write(chunk))
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
  })
  const own = await listen(server, randomInt(32_000, 32_700))
  const breakAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      breakAll()
    })
  return {
    url: `redis://127.0.0.1:${own}${pathname}`,
    cut: close,
    stall: () => {
      stalled = true
    },
    mend: async () => {
      stalled = false
      if (!server.listening) await listen(server, own)
      else breakAll()
    },
    close: async () => {
      if (server.listening) await close()
    },
  }
}

/** The port, or a free port above it. */
async function listen(server: Server, port: number): Promise<number> {
  for (let tried = port; ; tried++) {
    const taken = await new Promise<boolean>(resolve => {
      const refused = () => resolve(true)
      server.once('error', refused)
      server.listen(tried, '127.0.0.1', () => {
        server.off('error', refused)
        resolve(false)
      })
    })
    if (!taken) return tried
    if (tried > port + 100) throw new Error('No free port for the Redis proxy.')
  }
}
