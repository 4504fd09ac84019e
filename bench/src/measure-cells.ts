import type { Arena } from './arena.ts'
import type { Cell, CellName } from './cells.ts'
import type { Contestant, ContestantName } from './contestants.ts'
import type { Options } from './options.ts'
import { type Measured, measure } from './rounds.ts'
import { row, TITLES } from './table.ts'

/** A cell with one number of connections and one provider latency. */
export interface MeasuredCell {
  readonly cell: Cell
  readonly connections: number
  readonly latencyMs: number
  readonly measured: Measured
}

/** With provider latency every contestant mostly waits. */
const WITH_LATENCY: readonly ContestantName[] = ['ours', 'limit', 'mercurius']

/**
 * Every cell with every number of connections; cells that call providers also with every latency, with the most
 * connections. Prints each result.
 */
export async function measureCells(
  arena: Arena,
  cells: Readonly<Record<CellName, Cell>>,
  contestants: readonly Contestant[],
  options: Options,
): Promise<MeasuredCell[]> {
  const done: MeasuredCell[] = []
  const some = contestants.filter(({ name }) => WITH_LATENCY.includes(name))
  console.log(TITLES.join('\t'))
  for (const latencyMs of options.latencies) {
    await arena.setLatency(latencyMs)
    for (const name of options.cells) {
      const cell = cells[name]
      if (latencyMs > 0 && !cell.live) continue
      for (const connections of latencyMs > 0 ? options.connections.slice(-1) : options.connections) {
        const measured = await measure(cell, latencyMs > 0 ? some : contestants, arena.stubs, {
          ...options,
          connections,
        })
        const one = { cell, connections, latencyMs, measured }
        done.push(one)
        for (const contestant of measured.keys()) console.log(row(one, contestant).join('\t'))
      }
    }
  }
  await arena.setLatency(0)
  return done
}
