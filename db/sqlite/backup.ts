import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { SqliteDatabase } from './better-sqlite3.ts'

/** One step reads one snapshot of the database. Between two steps, a write of another process would restart the backup. */
const STEP_PAGES = 2 ** 31 - 1
const PRIVATE = 0o600

/**
 * Copies a SQLite database while it is in use. The copy has every transaction that was committed before the start. It gets its
 * name after an integrity check. Returns its size in bytes. Throws where `target` exists.
 */
export async function backUpSqlite(file: string, target: string): Promise<number> {
  if (existsSync(target)) throw new Error('The file already exists.')
  if (!existsSync(dirname(target))) throw new Error('The folder does not exist.')
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { force: true })
  const source = new SqliteDatabase(file, { fileMustExist: true, readonly: true })
  try {
    await source.backup(unfinished, { progress: () => STEP_PAGES })
    chmodSync(unfinished, PRIVATE)
    assertIntact(unfinished)
    renameSync(unfinished, target)
  } finally {
    source.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(unfinished + suffix, { force: true })
  }
  return statSync(target).size
}

/** Also turns off WAL mode, so that the copy is one file. */
function assertIntact(file: string): void {
  const copy = new SqliteDatabase(file)
  try {
    copy.pragma('journal_mode = DELETE')
    const found = copy.pragma('integrity_check', { simple: true })
    if (found !== 'ok') throw new Error(`The copy failed its integrity check: ${found}`)
  } finally {
    copy.close()
  }
}
