import { setTimeout as sleep } from 'node:timers/promises'
import { API_KEY } from './house.ts'
import { type Build, buildServer, findFreePort, type ServerProcess, startServer } from './server-process.ts'

/** Several servers that share a database, and a balancer that sends requests to those that say they are ready. */
export interface Cluster {
  readonly deaths: readonly string[]
  /** The one at that place. */
  at(place: number): ServerProcess
  /** Starts it anew at its port, and waits until it is ready. */
  start(place: number): Promise<void>
  /** The address of one that is ready, in turn; never the one given, where there is another. */
  pick(but?: string): Promise<string>
  close(): Promise<void>
}

const LOOK_MS = 50

export async function startCluster(size: number, envOf: (place: number) => NodeJS.ProcessEnv): Promise<Cluster> {
  const build: Build = await buildServer()
  const ports = await Promise.all(Array.from({ length: size }, findFreePort))
  const servers: ServerProcess[] = []
  const ready = new Set<string>()
  const deaths: string[] = []
  let turn = 0
  let over = false

  /** As a balancer does it: by asking, and a moment late. */
  async function watch(place: number): Promise<void> {
    while (!over) {
      const url = servers[place]?.url ?? ''
      const answer = await fetch(new URL('/readyz', url)).catch(() => undefined)
      await answer?.arrayBuffer()
      if (answer?.status === 200) ready.add(url)
      else ready.delete(url)
      await sleep(LOOK_MS)
    }
  }

  async function start(place: number): Promise<void> {
    const env = { DEV_API_KEY: API_KEY, ENCRYPTION_KEY: '07'.repeat(32), LOG_LEVEL: 'fatal', ...envOf(place) }
    const server = startServer(build.main, { ...env, PORT: String(ports[place]) }, said => deaths.push(said))
    servers[place] = server
    await server.ready
    while (!ready.has(server.url) && server.isUp()) await sleep(LOOK_MS)
  }

  // The first one migrates; the others find it done.
  const watching: Promise<void>[] = []
  for (let place = 0; place < size; place++) {
    const starting = start(place)
    watching.push(watch(place))
    await starting
  }
  return {
    deaths,
    at: place => servers[place] as ServerProcess,
    start,
    pick: async but => {
      for (;;) {
        const urls = [...ready].filter(url => ready.size === 1 || url !== but)
        const url = urls[turn++ % Math.max(1, urls.length)]
        if (url) return url
        await sleep(LOOK_MS)
      }
    },
    close: async () => {
      over = true
      await Promise.all(watching)
      await Promise.all(servers.map(server => server.kill()))
    },
  }
}
