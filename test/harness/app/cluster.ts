import { setTimeout as sleep } from 'node:timers/promises'
import { builtFile, findFreePort, type ServerProcess, startServer } from './server-process.ts'
import { API_KEY } from './test-app.ts'

/** Several servers that share a database, and a load balancer that picks servers that are ready. */
export interface Cluster {
  readonly deaths: readonly string[]
  at(place: number): ServerProcess
  /** Starts the server again on its port. Resolves when it is ready. */
  start(place: number): Promise<void>
  /** The URL of a ready server, round robin; not `but`, if another server is ready. */
  pick(but?: string): Promise<string>
  close(): Promise<void>
}

const LOOK_MS = 50

export async function startCluster(size: number, envOf: (place: number) => NodeJS.ProcessEnv): Promise<Cluster> {
  const ports = await Promise.all(Array.from({ length: size }, findFreePort))
  const servers: ServerProcess[] = []
  const ready = new Set<string>()
  const deaths: string[] = []
  let turn = 0
  let over = false

  /** Polls /readyz as a load balancer does, so changes are noticed late. */
  async function follow(place: number): Promise<void> {
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
    const server = startServer(builtFile('main.js'), { ...env, PORT: String(ports[place]) }, output =>
      deaths.push(output),
    )
    servers[place] = server
    await server.ready
    while (!ready.has(server.url) && server.isUp()) await sleep(LOOK_MS)
  }

  // The first server runs the migrations before the others start.
  const watching: Promise<void>[] = []
  for (let place = 0; place < size; place++) {
    const starting = start(place)
    watching.push(follow(place))
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
