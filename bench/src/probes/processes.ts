import { availableParallelism } from 'node:os'
import { type CellName, createCells } from '../cells.ts'
import { openPostgresStore } from '../postgres.ts'
import { median, warmUp } from '../rounds.ts'
import { load } from '../wrk.ts'
import type { Probe } from './probe.ts'

const CELLS: readonly CellName[] = ['ping', 'stored', 'local']
const CONNECTIONS = 32
const ROUNDS = 3
/** Two of our servers, a load generator for each, and the database. */
const CORES = 5

/** One process and two on the same PostgreSQL, each with its own load generator. */
export const probeProcesses: Probe = async (arena, _cells, { sessions, seconds, warmUpSeconds, loadBefore }) => {
  const cores = availableParallelism()
  const free = `${cores} cores, load average ${loadBefore.toFixed(1)} before the run`
  const enough = cores - loadBefore >= CORES ? '' : `; the cores are not free here, so it says nothing: ${free}`
  const title = `Two processes, ${CONNECTIONS} connections each (target 1.8 of one, with ${CORES} free cores${enough})`
  const store = await openPostgresStore(arena, sessions)
  if (!store) return { title, titles: ['not measured: no PostgreSQL answers'], rows: [] }
  try {
    const cells = createCells(store.seeded)
    const servers = [await arena.startOn('ours', store.url), await arena.startOn('ours', store.url)]
    const rows: string[][] = []
    for (const name of CELLS) {
      const perSecond = async (some: typeof servers) => {
        const loads = await Promise.all(some.map(({ url }) => load(url, cells[name].bodies, CONNECTIONS, seconds)))
        return loads.reduce((sum, reported) => sum + (reported.requests - reported.refused) / reported.seconds, 0)
      }
      for (const server of servers) await warmUp(cells[name], server, CONNECTIONS, warmUpSeconds)
      const rounds: { one: number; two: number }[] = []
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push({ one: await perSecond(servers.slice(0, 1)), two: await perSecond(servers) })
      }
      const [one, two] = [median(rounds.map(round => round.one)), median(rounds.map(round => round.two))]
      rows.push([name, one.toFixed(0), two.toFixed(0), median(rounds.map(round => round.two / round.one)).toFixed(2)])
    }
    for (const server of servers) await server.stop()
    return { title, titles: ['cell', 'one, per second', 'two, per second', 'ratio'], rows }
  } finally {
    await store.drop()
  }
}
