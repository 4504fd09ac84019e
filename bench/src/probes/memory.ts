import { residentMb } from '../processes.ts'
import { load } from '../wrk.ts'
import type { Probe } from './probe.ts'

/** The memory of the process, minute by minute, under the load of `list`. */
export const probeMemory: Probe = async (arena, cells, { memoryMinutes }) => {
  const [server] = await arena.start(['ours'])
  if (!server) throw new Error('Nothing was started.')
  try {
    const rows = [['0', '', residentMb(server.pid).toFixed(0)]]
    for (let minute = 1; minute <= memoryMinutes; minute++) {
      const { requests } = await load(server.url, cells.list.bodies, 64, 60)
      rows.push([String(minute), String(requests), residentMb(server.pid).toFixed(0)])
    }
    return {
      title: 'Memory under `list`, 64 connections (target: flat, below 400)',
      titles: ['minute', 'requests in it', 'RSS MiB at its end'],
      rows,
    }
  } finally {
    await server.stop()
  }
}
