import { randomInt } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A Redis that tests may use: theirs is a database of its own, and what they break is only the way there. */

const DEFAULT = 'redis://127.0.0.1:6379'
/** None that anybody uses who does not say so. */
const DATABASE = 9

/** The address of the Redis that answers: TEST_REDIS_URL, or the one of this machine; undefined where none does. */
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

/** The way to a Redis, which can be cut. */
export interface RedisLine {
  readonly url: string
  /** As a server that was stopped: connections break, and new ones are refused. */
  cut(): Promise<void>
  /** As a server that hangs: what is sent comes to nothing, and nothing is said. */
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

/** The port, or a free one after it. */
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
    if (tried > port + 100) throw new Error('No free port for the way to Redis.')
  }
}
