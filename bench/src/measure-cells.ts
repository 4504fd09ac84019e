import type { Arena } from './arena.ts'
import type { Cell, CellName } from './cells.ts'
import type { Contestant } from './contestants.ts'
import type { Options } from './options.ts'
import { type Measured, measure } from './rounds.ts'
import { row, TITLES } from './table.ts'

/** A cell at one number of connections and one latency of the providers. */
export interface MeasuredCell {
  readonly cell: Cell
  readonly connections: number
  readonly latencyMs: number
  readonly measured: Measured
}

/** Every cell at every number of connections; those that ask providers at every latency. Prints each as it comes. */
export async function measureCells(
  arena: Arena,
  cells: Readonly<Record<CellName, Cell>>,
  contestants: readonly Contestant[],
  options: Options,
): Promise<MeasuredCell[]> {
  const done: MeasuredCell[] = []
  console.log(TITLES.join('\t'))
  for (const latencyMs of options.latencies) {
    await arena.setLatency(latencyMs)
    for (const name of options.cells) {
      const cell = cells[name]
      if (latencyMs > 0 && !cell.live) continue
      for (const connections of options.connections) {
        const measured = await measure(cell, contestants, arena.stubs, { ...options, connections })
        const one = { cell, connections, latencyMs, measured }
        done.push(one)
        for (const contestant of measured.keys()) console.log(row(one, contestant).join('\t'))
      }
    }
  }
  await arena.setLatency(0)
  return done
}
