import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export const KEY_BYTES = 32

/** The key in `file`, which only its owner can read. Creates the file on first use. */
export function readOrCreateKey(file: string): Buffer {
  const key = Buffer.from(readOrCreate(file).trim(), 'hex')
  if (key.length !== KEY_BYTES) throw new Error(`${file} does not contain a key of ${KEY_BYTES} bytes.`)
  return key
}

function readOrCreate(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unusable(file, error)
  }
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, error)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function unusable(file: string, error: unknown): Error {
  const code = codeOf(error)
  const message = `Cannot create or read ${file} for the encryption key (${code}). Set ENCRYPTION_KEY, or DATABASE_URL to a file in a folder that can be written.`
  return Object.assign(new Error(message, { cause: error }), { code })
}
