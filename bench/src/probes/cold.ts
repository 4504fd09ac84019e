import { setTimeout as sleep } from 'node:timers/promises'
import { residentMb } from '../processes.ts'
import { median } from '../rounds.ts'
import type { Probe } from './probe.ts'

const STARTS = 5
const SETTLE_MS = 2000

/** The time from the start of the process until it listens, and its memory when idle. */
export const probeCold: Probe = async arena => {
  const starts: { ms: number; mb: number }[] = []
  for (let n = 0; n < STARTS; n++) {
    const [server] = await arena.start(['ours'])
    if (!server) throw new Error('Nothing was started.')
    if (n === STARTS - 1) await sleep(SETTLE_MS)
    starts.push({ ms: server.startedMs, mb: residentMb(server.pid) })
    await server.stop()
  }
  return {
    title: `Cold start, median of ${STARTS}`,
    titles: ['until it listens, ms (target 700)', 'resident when idle, MiB (target 180)'],
    rows: [[median(starts.map(({ ms }) => ms)).toFixed(0), (starts.at(-1)?.mb ?? 0).toFixed(0)]],
  }
}
