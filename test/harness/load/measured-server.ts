import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadConfig } from '../../../src/app/config.ts'
import { startServer } from '../../../src/app/start-server.ts'
import { registry } from '../../../src/providers/registry.ts'
import type { Measured, MeasuredServerMessage } from './measure.ts'
import { type RichDataSize, seedRichData } from './rich-data.ts'

/**
 * The server as a process of its own that measures its event loop and its CPU time. The parent starts the providers'
 * sandboxes and sends the requests, so that neither is part of what is measured.
 */

let charged = 0
const rateLimiter = {
  consume: async (_key: string, cost: number) => {
    charged += cost
    return 0
  },
  giveBack: async (_key: string, cost: number) => {
    charged -= cost
  },
}
// graphql-js is faster in production; the providers' sandboxes are servers of this machine, which are not for production.
const config = loadConfig({ ...process.env, NODE_ENV: 'development' }, Object.values(registry))
const app = await startServer(config, { jobs: false, rateLimiter })
const [, , size = '', kayleOrigin = ''] = process.argv
const data = await seedRichData(app, kayleOrigin, JSON.parse(size) as RichDataSize)
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
let cpuBefore = process.cpuUsage()
send({ url: app.url, data })

process.on('message', (message: 'BEGIN' | 'END') => {
  if (message === 'BEGIN') {
    charged = 0
    delay.reset()
    cpuBefore = process.cpuUsage()
    return send('BEGUN')
  }
  // The histogram sees a stall one turn after it.
  setTimeout(() => {
    const { user, system } = process.cpuUsage(cpuBefore)
    const stallMs = Math.max(0, delay.max / 1e6)
    send({
      cpuMs: (user + system) / 1_000,
      stallMs,
      charged,
      rssMb: process.memoryUsage.rss() / 2 ** 20,
    } satisfies Measured)
  }, 5)
})
process.on('disconnect', () => process.exit())

function send(message: MeasuredServerMessage): void {
  process.send?.(message)
}
