import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { SqliteDatabase as Sqlite } from '../../../db/sqlite/better-sqlite3.ts'
import type { Arena } from '../arena.ts'
import type { CellName } from '../cells.ts'
import { measure, median } from '../rounds.ts'
import type { Probe } from './probe.ts'

const CELLS: readonly CellName[] = ['stored', 'lookup', 'local', 'filtered']
const CONNECTIONS = 16

/** The cost of the same requests in a store of another size. */
export const probeStores: Probe = async (arena, cells, { storeSizes, seconds, warmUpSeconds }) => {
  const rows: string[][] = []
  for (const size of storeSizes) {
    const contestants = await arena.start(['ours'], grow(arena, size))
    try {
      for (const name of CELLS) {
        const options = { connections: CONNECTIONS, rounds: 3, seconds, warmUpSeconds }
        const rounds = (await measure(cells[name], contestants, arena.stubs, options)).get('ours') ?? []
        const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick))
        const figures = [of(round => round.perSecond).toFixed(0), of(round => round.p50).toFixed(2)]
        rows.push([name, size.toLocaleString('en'), ...figures, of(round => round.cpuMicros).toFixed(0)])
      }
    } finally {
      await Promise.all(contestants.map(contestant => contestant.stop()))
    }
  }
  return {
    title: `Store sizes, ${CONNECTIONS} connections (target: the largest within 1.2 of the smallest)`,
    titles: ['cell', 'sessions', 'per second', 'p50 ms', 'CPU µs'],
    rows: rows.sort(([a = ''], [b = '']) => a.localeCompare(b)),
  }
}

/** A copy of the store with older sessions below the seeded ones, each a copy of one of them with its own ids. */
function grow({ store, directory }: Arena, size: number): string {
  const file = join(directory, `store-${size}.db`)
  copyFileSync(store, file)
  const database = new Sqlite(file)
  database.pragma('synchronous = OFF')
  const seeded = database.prepare<[], { count: number }>('select count(*) as count from sessions').get()?.count ?? 0
  const columns = database.prepare<[], { name: string }>("select name from pragma_table_info('sessions')").all()
  const copied = columns.map(({ name }) => COPIES[name] ?? name).join(', ')
  database.exec(`
    create temp table template as select row_number() over (order by id) as nr, * from sessions;
    create index temp.by_nr on template (nr);
    insert into sessions with recursive n(x) as (select ${seeded} union all select x + 1 from n where x + 1 < ${size})
      select ${copied} from n join template on nr = x % ${seeded} + 1`)
  database.close()
  return file
}

const COPIES: Readonly<Record<string, string>> = {
  id: "printf('%08x-0000-7000-8000-%012x', x, x)",
  provider_id: "'vs_live_' || printf('%064d', x)",
  created_at: 'created_at - x * 1000',
}
