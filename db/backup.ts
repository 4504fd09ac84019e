import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import SqliteDatabase from 'better-sqlite3'

/** All in one step, which sees one state of the database: between two, a write of another process begins it anew. */
const STEP_PAGES = 2 ** 31 - 1
const PRIVATE = 0o600

/**
 * Copies a SQLite database to a file while it is in use: all that was committed before this began is in it. The copy has
 * the file's name only once it is whole and found to be sound. Gives its bytes. Throws where `target` is there.
 */
export async function backUpSqlite(file: string, target: string): Promise<number> {
  if (existsSync(target)) throw new Error('There is a file of that name already.')
  if (!existsSync(dirname(target))) throw new Error('The folder of that file is not there.')
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { force: true })
  const source = new SqliteDatabase(file, { fileMustExist: true, readonly: true })
  try {
    await source.backup(unfinished, { progress: () => STEP_PAGES })
    chmodSync(unfinished, PRIVATE)
    checkSound(unfinished)
    renameSync(unfinished, target)
  } finally {
    source.close()
    for (const rest of ['', '-wal', '-shm']) rmSync(unfinished + rest, { force: true })
  }
  return statSync(target).size
}

/** Also makes one file of it: the copy is in WAL mode as its source is. */
function checkSound(file: string): void {
  const copy = new SqliteDatabase(file)
  try {
    copy.pragma('journal_mode = DELETE')
    const found = copy.pragma('integrity_check', { simple: true })
    if (found !== 'ok') throw new Error(`The copy is not sound: ${found}`)
  } finally {
    copy.close()
  }
}
