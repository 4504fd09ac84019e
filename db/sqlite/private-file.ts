import { closeSync, openSync } from 'node:fs'

const PRIVATE = 0o600

/**
 * Creates an empty file that only its owner can read, where there is none. SQLite gives its log and its shared-memory file
 * the mode of the database. A file that exists is not opened: closing it would release the locks that SQLite holds on it.
 */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', PRIVATE))
  } catch {
    // It exists, or SQLite reports why it cannot be created.
  }
}
