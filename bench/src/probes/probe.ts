import type { Arena } from '../arena.ts'
import type { Cell, CellName } from '../cells.ts'
import type { Options } from '../options.ts'

/** A table beside the cells. */
export interface Probed {
  readonly title: string
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Measures one thing on servers that it starts and stops itself. */
export type Probe = (arena: Arena, cells: Readonly<Record<CellName, Cell>>, options: Options) => Promise<Probed>
