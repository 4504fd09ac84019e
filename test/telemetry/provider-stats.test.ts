import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { makeRecord, READS } from '../harness/clients/reads.ts'

/** The statistics of the providers for operators: drift, and the calls of each minute. */

const DEV = { tenantId: 'dev' }
const KAYLE = READS[0] as (typeof READS)[number]
const VERILOCK = READS[3] as (typeof READS)[number]
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-observations-'))
let apps: TestApp[] = []

afterEach(async () => {
  await Promise.all(apps.map(app => app.close()))
  apps = []
})

async function start(env: Record<string, string> = {}): Promise<TestApp> {
  const app = await startApp(env, { jobs: false })
  apps.push(app)
  return app
}

async function drift(app: TestApp, field: string, times = 1): Promise<void> {
  const { id } = await makeRecord(app, KAYLE)
  await app
    .sandbox('KAYLE')
    .faults([{ method: 'GET', fault: { kind: 'drift', change: 'word', field, to: 'secret-word' } }])
  for (let n = 0; n < times; n++) {
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
  }
  await app.sandbox('KAYLE').clearFaults()
}

describe('drift', () => {
  test('is stored with its path, its shape and its count, and never with a value', async () => {
    const app = await start()
    await drift(app, 'data.status', 3)
    await app.services.providerStats.flush()
    const stored = await app.services.providerStats.drift(DEV, 10)
    expect(stored).toEqual([
      expect.objectContaining({
        provider: 'KAYLE',
        operation: 'getSession',
        grade: 'DEGRADED',
        path: 'data.status',
        shape: 'string',
        count: 3,
        firstAt: expect.any(Date),
        lastAt: expect.any(Date),
      }),
    ])
    expect(JSON.stringify(stored)).not.toContain('secret-word')
  })

  test('accumulates over processes and restarts, and is written at shutdown', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'drift.db')}` }
    const [one, other] = [await start(env), await start(env)]
    await drift(one, 'data.status', 2)
    await drift(other, 'data.status', 3)
    await Promise.all([one.close(), other.close()])
    apps = []
    const later = await start(env)
    await drift(later, 'data.status', 1)
    await later.services.providerStats.flush()
    expect((await later.services.providerStats.drift(DEV, 10)).map(({ count }) => count)).toEqual([6])
    rmSync(folder, { recursive: true, force: true })
  })

  test('is not visible to another tenant', async () => {
    const app = await start()
    await drift(app, 'data.status')
    await app.services.providerStats.flush()
    expect(await app.services.providerStats.drift({ tenantId: 'other' }, 10)).toEqual([])
    expect(await app.services.providerStats.drift(DEV, 10)).toHaveLength(1)
  })

  test('is written the next time if a write failed', async () => {
    const app = await start()
    await drift(app, 'data.status', 2)
    await app.db.sql.schema.alterTable('drift').renameTo('drift_away').execute()
    await expect(app.services.providerStats.flush()).rejects.toThrow()
    await app.db.sql.schema.alterTable('drift_away').renameTo('drift').execute()
    await drift(app, 'data.status', 1)
    await app.services.providerStats.flush()
    expect((await app.services.providerStats.drift(DEV, 10)).map(({ count }) => count)).toEqual([3])
  })
})

describe('the statistics per minute of a provider', () => {
  test('count calls and failures, with their latency', async () => {
    const app = await start()
    const { id } = await makeRecord(app, VERILOCK)
    await app.sandbox('VERILOCK').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
    await app.services.providerStats.flush(true)
    const minutes = await app.services.providerStats.minutes(DEV, new Date(Date.now() - 300_000), 100)
    const ofVerilock = minutes.filter(({ provider }) => provider === 'VERILOCK')
    expect(ofVerilock.reduce((sum, { calls }) => sum + calls, 0)).toBe(3)
    expect(ofVerilock.reduce((sum, { failures }) => sum + (failures.SERVER_ERROR ?? 0), 0)).toBe(2)
    for (const minute of ofVerilock) {
      expect(minute).toMatchObject({ circuit: 'CLOSED' })
      expect([...minute.latencies.values()].reduce((sum, count) => sum + count, 0)).toBe(minute.calls)
      expect(minute.at.getTime() % 60_000).toBe(0)
    }
    expect(minutes.some(({ provider }) => provider === 'YORLET')).toBe(false)
  })
})
