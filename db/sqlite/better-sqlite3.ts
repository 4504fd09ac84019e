/// <reference path="./better-sqlite3-node20.d.ts" />
import type BetterSqlite3 from 'better-sqlite3'

/**
 * better-sqlite3 for the running version of Node: version 13, which comes with its binaries and needs Node 22, or version 12
 * under a name of its own for Node 20, where version 13 crashes. Version 12 crashes on Node 24. Both are optional dependencies,
 * so that one that cannot be installed fails no installation.
 */
const FIRST_NODE_OF_13 = 22

export const SqliteDatabase = await loadDriver()

async function loadDriver(): Promise<typeof BetterSqlite3> {
  const [major] = process.versions.node.split('.')
  try {
    if (Number(major) >= FIRST_NODE_OF_13) return (await import('better-sqlite3')).default
    return (await import('better-sqlite3-node20')).default
  } catch (cause) {
    throw new Error('The SQLite driver is not installed: run `npm ci` with this version of Node.', { cause })
  }
}
