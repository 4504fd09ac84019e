import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startApp } from '../harness/app/test-app.ts'

/** The modes of the files in a folder, by name. */
function modesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter(entry => entry.isFile())
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
  return Object.fromEntries(files.map(({ name, parentPath }) => [name, modeOf(join(parentPath, name))]))
}

test.each(['000', '022', '077'])('only the owner reads what a server creates under the umask %s', async umask => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-modes-'))
  const before = process.umask(Number.parseInt(umask, 8))
  try {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'live.db')}`, ENCRYPTION_KEY: undefined }
    const app = await startApp(env, { jobs: false })
    await app.sandbox('KAYLE').moveClock(60)
    const running = modesIn(folder)
    await app.close()
    const modes = { ...running, ...modesIn(folder) }
    expect(Object.keys(modes)).toEqual(
      expect.arrayContaining(['live.db', 'live.db-shm', 'live.db-wal', 'encryption.key', 'kayle.json']),
    )
    expect([...new Set(Object.values(modes))]).toEqual(['600'])
  } finally {
    process.umask(before)
    rmSync(folder, { recursive: true, force: true })
  }
})
