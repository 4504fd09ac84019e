import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeKills } from '../harness/app/kill-run.ts'
import { builtFile, type ServerProcess, startServer } from '../harness/app/server-process.ts'
import { openSqliteStore } from '../harness/app/shared-store.ts'
import { API_KEY } from '../harness/app/test-app.ts'

/** SIGKILL under load, part of the time with two processes on one file. `KILLS` runs longer. */

const KILLS = Number(process.env.KILLS ?? 9)
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describeKills({
  kills: KILLS,
  seed: SEED,
  serversAt: kill => (kill >= KILLS * 0.4 && kill < KILLS * 0.8 ? 2 : 1),
  openStore: async () => openSqliteStore('kill'),
  checkStore: async ({ query }) => {
    expect(await query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    expect(await query('PRAGMA foreign_key_check')).toEqual([])
  },
})

const ENV = {
  PORT: '0',
  DEV_API_KEY: API_KEY,
  ENCRYPTION_KEY: '07'.repeat(32),
  SANDBOX: 'off',
  LOG_LEVEL: 'fatal',
}

describe('the first start on a new database', () => {
  const random = Math.random
  const starts: ServerProcess[] = []
  const died: string[] = []

  beforeAll(async () => {})

  async function startOn(name: string): Promise<ServerProcess> {
    const env = { ...ENV, DATABASE_URL: `sqlite:${join(folder, name)}` }
    const server = startServer(builtFile('main.js'), env, output => died.push(output))
    starts.push(server)
    return server
  }

  beforeEach(() => {
    died.length = 0
  })
  afterEach(async () => {
    await Promise.all(starts.splice(0).map(server => server.kill()))
  })

  test('succeeds for several processes at once', async () => {
    for (let round = 0; round < 8; round++) {
      const together = await Promise.all([0, 1, 2].map(() => startOn(`together-${round}.db`)))
      await Promise.all(together.map(server => server.ready))

      expect(died).toEqual([])
      await Promise.all(starts.splice(0).map(server => server.kill()))
    }
  }, 60_000)

  test('can be killed at any moment, and the next start succeeds', async () => {
    for (let round = 0; round < 12; round++) {
      const first = await startOn(`killed-${round}.db`)
      await vi.waitUntil(() => existsSync(join(folder, `killed-${round}.db-wal`)), { timeout: 20_000, interval: 1 })
      await sleep(random() * 12)
      await first.kill()
      await (await startOn(`killed-${round}.db`)).ready

      expect(died).toEqual([])
    }
  }, 60_000)
})
