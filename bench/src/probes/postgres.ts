import { type CellName, createCells } from '../cells.ts'
import { startOurs } from '../contestants.ts'
import { openPostgresStore } from '../postgres.ts'
import { measure, median } from '../rounds.ts'
import type { Probe } from './probe.ts'

const CELLS: readonly CellName[] = ['ping', 'one', 'stored', 'lookup', 'list', 'local', 'create']
const CONNECTIONS = 64

/** Our server on PostgreSQL compared with SQLite: the same sessions, in turn. */
export const probePostgres: Probe = async (arena, cells, { sessions, seconds, rounds }) => {
  const title = `PostgreSQL beside SQLite, ${CONNECTIONS} connections, no latency`
  const store = await openPostgresStore(arena, sessions)
  if (!store) return { title, titles: ['not measured: no PostgreSQL answers'], rows: [] }
  try {
    const rows: string[][] = []
    const run = { connections: CONNECTIONS, rounds, seconds }
    const [onSqlite] = await arena.start(['ours'])
    const onPostgres = await startOurs(arena.env, store.url, arena.directory)
    const servers = [
      { on: 'SQLite', server: onSqlite ?? onPostgres, of: cells },
      { on: 'PostgreSQL', server: onPostgres, of: createCells(store.seeded) },
    ]
    for (const name of CELLS) {
      for (const { on, server, of } of servers) {
        const reported = (await measure(of[name], [server], arena.stubs, run)).get('ours') ?? []
        const figure = (pick: (round: (typeof reported)[number]) => number) => median(reported.map(pick))
        const speed = [figure(({ perSecond }) => perSecond).toFixed(0), figure(({ p50 }) => p50).toFixed(1)]
        const memory = figure(({ residentMb }) => residentMb).toFixed(0)
        rows.push([name, on, ...speed, figure(({ cpuMicros }) => cpuMicros).toFixed(0), memory])
      }
    }
    for (const { server } of servers) await server.stop()
    return { title, titles: ['cell', 'on', 'per second', 'p50 ms', 'CPU µs of our process', 'RSS MiB'], rows }
  } finally {
    await store.drop()
  }
}
