import { setTimeout as sleep } from 'node:timers/promises'
import { ask, load } from '../wrk.ts'
import type { Probe } from './probe.ts'

const CAPACITY_CONNECTIONS = 64
const OVERLOAD = 3 * 256
const SECONDS = 4

/** Three times as many requests at a time as are let in: what is still answered, and how soon the rest is refused. */
export const probeOverload: Probe = async (arena, cells) => {
  const [server] = await arena.start(['ours'])
  if (!server) throw new Error('Nothing was started.')
  try {
    const { bodies } = cells.local
    await load(server.url, bodies, CAPACITY_CONNECTIONS, 1)
    const capacity = await load(server.url, bodies, CAPACITY_CONNECTIONS, SECONDS)
    const over = load(server.url, bodies, OVERLOAD, SECONDS)
    const over3 = await over
    const recovery = performance.now()
    while ((await ask(server.url, bodies[0] ?? '')).data === undefined) await sleep(10)
    const recoveryMs = performance.now() - recovery
    const perSecond = capacity.requests / capacity.seconds
    const goodput = (over3.requests - over3.refused) / over3.seconds
    return {
      title: `Overload: ${OVERLOAD} connections on \`local\`, ${SECONDS} s`,
      titles: [
        'capacity per second',
        'goodput per second',
        'share (target 0.90)',
        'refused',
        'p50 ms',
        'p99 ms',
        'first answer after it, ms',
      ],
      rows: [
        [
          perSecond.toFixed(0),
          goodput.toFixed(0),
          (goodput / perSecond).toFixed(2),
          String(over3.refused),
          over3.p50.toFixed(1),
          over3.p99.toFixed(1),
          recoveryMs.toFixed(0),
        ],
      ],
    }
  } finally {
    await server.stop()
  }
}
