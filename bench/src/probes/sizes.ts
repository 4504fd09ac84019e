import { LIST_SIZES, toPages } from '../cells.ts'
import { measure, median } from '../rounds.ts'
import type { Probe } from './probe.ts'

const CONNECTIONS = 16

/**
 * The cost of one list item by the length of the list. A page has at most 100 items, so a list of 1,000 is ten
 * consecutive pages: the same requests as those of 100, from any position.
 */
export const probeSizes: Probe = async (arena, _cells, { seconds, warmUpSeconds }) => {
  const contestants = await arena.start(['ours', 'limit'])
  try {
    const rows: string[][] = []
    for (const size of LIST_SIZES) {
      const cell = toPages(arena.seeded, 'list', size)
      const run = { connections: CONNECTIONS, rounds: 3, seconds, warmUpSeconds }
      const measured = await measure(cell, contestants, arena.stubs, run)
      for (const [name, rounds] of measured) {
        const cpu = median(rounds.map(round => round.cpuMicros))
        const resident = median(rounds.map(round => round.residentMb))
        rows.push([String(size), name, cpu.toFixed(0), (cpu / size).toFixed(1), resident.toFixed(0)])
      }
    }
    return {
      title: `List sizes, ${CONNECTIONS} connections (1,000 items are ten pages of 100)`,
      titles: ['items', 'contestant', 'CPU µs a request', 'CPU µs an item', 'RSS MiB'],
      rows,
    }
  } finally {
    await Promise.all(contestants.map(contestant => contestant.stop()))
  }
}
