import type { Migration } from 'kysely'
import * as initial from './0001-initial.ts'

/** The migrations by name, in the order of their names. There are no down migrations. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
}
