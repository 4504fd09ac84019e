import type { Arena } from '../arena.ts'
import { type CellName, createCells } from '../cells.ts'
import { compare } from '../compare.ts'
import type { ContestantName } from '../contestants.ts'
import { openPostgresStore } from '../postgres.ts'
import { type Measured, measure, median, type Round, ratio } from '../rounds.ts'
import type { Probe } from './probe.ts'

const CELLS: readonly CellName[] = ['ping', 'one', 'stored', 'lookup', 'list', 'local', 'filtered', 'create']
const NAMES: readonly ContestantName[] = ['ours', 'limit']
const CONNECTIONS = 64

/** Our server and the limit on PostgreSQL and on SQLite: the same sessions, in turn. */
export const probePostgres: Probe = async (arena, cells, { sessions, seconds, rounds, warmUpSeconds }) => {
  const title = `PostgreSQL beside SQLite, ${CONNECTIONS} connections, no latency`
  const store = await openPostgresStore(arena, sessions)
  if (!store) return { title, titles: ['not measured: no PostgreSQL answers'], rows: [] }
  const run = { connections: CONNECTIONS, rounds, seconds, warmUpSeconds }
  const onSqlite = await arena.start(NAMES)
  const onPostgres = await Promise.all(NAMES.map(name => arena.startOn(name, store.url)))
  try {
    const rows: string[][] = []
    const cellsOfPostgres = createCells(store.seeded)
    for (const name of CELLS) {
      await compare(cellsOfPostgres[name], onPostgres)
      rows.push(...rowsOf(name, 'SQLite', await measure(cells[name], onSqlite, arena.stubs, run)))
      rows.push(...rowsOf(name, 'PostgreSQL', await measure(cellsOfPostgres[name], onPostgres, arena.stubs, run)))
    }
    return { title, titles: TITLES, rows }
  } finally {
    await Promise.all([...onSqlite, ...onPostgres].map(server => server.stop()))
    await store.drop()
  }
}

/** Throws if the answers from PostgreSQL differ. Says so where none can be had. */
export async function comparePostgres(arena: Arena, sessions: number): Promise<void> {
  const store = await openPostgresStore(arena, sessions)
  if (!store) return console.log('Not compared on PostgreSQL: none answers.')
  const onPostgres = await Promise.all(NAMES.map(name => arena.startOn(name, store.url)))
  try {
    const cells = createCells(store.seeded)
    for (const name of CELLS) await compare(cells[name], onPostgres)
    console.log(`The same answers on PostgreSQL: ${NAMES.join(', ')} in ${CELLS.join(', ')}.`)
  } finally {
    await Promise.all(onPostgres.map(server => server.stop()))
    await store.drop()
  }
}

const TITLES = ['cell', 'on', 'contestant', 'per second', 'of the limit', 'p50 ms', 'CPU µs of the process', 'RSS MiB']

function rowsOf(cell: string, on: string, measured: Measured): string[][] {
  return [...measured].map(([name, rounds]) => {
    const figure = (pick: (round: Round) => number) => median(rounds.map(pick))
    const speed = [figure(({ perSecond }) => perSecond).toFixed(0), ratio(measured, name, 'limit').toFixed(2)]
    const cost = [figure(({ p50 }) => p50).toFixed(1), figure(({ cpuMicros }) => cpuMicros).toFixed(0)]
    return [cell, on, name, ...speed, ...cost, figure(({ residentMb }) => residentMb).toFixed(0)]
  })
}
