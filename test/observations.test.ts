import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type House, startHouse } from './harness/house.ts'
import { makeRecord, READS } from './harness/reads.ts'

/** What the processes saw of the providers, kept for operators: drift, and how the calls of each minute went. */

const DEV = { tenantId: 'dev' }
const KAYLE = READS[0] as (typeof READS)[number]
const VERILOCK = READS[3] as (typeof READS)[number]
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-observations-'))
let houses: House[] = []

afterEach(async () => {
  await Promise.all(houses.map(house => house.close()))
  houses = []
})

async function start(env: Record<string, string> = {}): Promise<House> {
  const house = await startHouse(env, { jobs: false })
  houses.push(house)
  return house
}

async function drift(house: House, field: string, times = 1): Promise<void> {
  const { id } = await makeRecord(house, KAYLE)
  await house
    .sandbox('KAYLE')
    .faults([{ method: 'GET', fault: { kind: 'drift', change: 'word', field, to: 'secret-word' } }])
  for (let n = 0; n < times; n++) {
    await house.ask(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
  }
  await house.sandbox('KAYLE').clearFaults()
}

describe('drift', () => {
  test('is kept with its place, its shape and its count, and never with a value', async () => {
    const house = await start()
    await drift(house, 'data.status', 3)
    await house.services.observations.flush()
    const kept = await house.services.observations.drift(DEV, 10)
    expect(kept).toEqual([
      expect.objectContaining({
        provider: 'KAYLE',
        operation: 'getSession',
        grade: 'ABSORBED',
        path: 'data.status',
        shape: 'string',
        count: 3,
        firstAt: expect.any(Date),
        lastAt: expect.any(Date),
      }),
    ])
    expect(JSON.stringify(kept)).not.toContain('secret-word')
  })

  test('adds up over processes and restarts, written at the end of each', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'drift.db')}` }
    const [one, other] = [await start(env), await start(env)]
    await drift(one, 'data.status', 2)
    await drift(other, 'data.status', 3)
    await Promise.all([one.close(), other.close()])
    houses = []
    const later = await start(env)
    await drift(later, 'data.status', 1)
    await later.services.observations.flush()
    expect((await later.services.observations.drift(DEV, 10)).map(({ count }) => count)).toEqual([6])
    rmSync(folder, { recursive: true, force: true })
  })

  test('is another tenant’s business to nobody', async () => {
    const house = await start()
    await drift(house, 'data.status')
    await house.services.observations.flush()
    expect(await house.services.observations.drift({ tenantId: 'other' }, 10)).toEqual([])
    expect(await house.services.observations.drift(DEV, 10)).toHaveLength(1)
  })

  test('that could not be written is written the next time', async () => {
    const house = await start()
    await drift(house, 'data.status', 2)
    await house.db.sql.schema.alterTable('drift').renameTo('drift_away').execute()
    await expect(house.services.observations.flush()).rejects.toThrow()
    await house.db.sql.schema.alterTable('drift_away').renameTo('drift').execute()
    await drift(house, 'data.status', 1)
    await house.services.observations.flush()
    expect((await house.services.observations.drift(DEV, 10)).map(({ count }) => count)).toEqual([3])
  })
})

describe('the minutes of a provider', () => {
  test('tell how many calls there were, how many it failed and how long they took', async () => {
    const house = await start()
    const { id } = await makeRecord(house, VERILOCK)
    await house.sandbox('VERILOCK').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    await house.ask(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
    await house.services.observations.flush(true)
    const minutes = await house.services.observations.minutes(DEV, new Date(Date.now() - 300_000))
    const ofVerilock = minutes.filter(({ provider }) => provider === 'VERILOCK')
    expect(ofVerilock.reduce((sum, { calls }) => sum + calls, 0)).toBe(3)
    expect(ofVerilock.reduce((sum, { failures }) => sum + failures, 0)).toBe(2)
    for (const minute of ofVerilock) {
      expect(minute).toMatchObject({ circuit: 'CLOSED', p50Ms: expect.any(Number), p95Ms: expect.any(Number) })
      expect(minute.at.getTime() % 60_000).toBe(0)
    }
    expect(minutes.some(({ provider }) => provider === 'YORLET')).toBe(false)
  })
})
