import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withDevelopmentKey } from './harness/callers.ts'
import { type House, startHouse } from './harness/house.ts'

/** Node warns of what looks like a leak of listeners. One operation may read for many records: that is none. */

const warnings: string[] = []
const note = ({ message }: Error) => void warnings.push(message)

let house: House
beforeAll(async () => {
  process.on('warning', note)
  house = await startHouse({}, { jobs: false })
  for (let count = 0; count < 20; count++) {
    await house.ask(
      `mutation { createSession(input: { idempotencyKey: "${count}", session: { kayle: {} } }) { __typename } }`,
    )
  }
})
afterAll(async () => {
  process.off('warning', note)
  await house.close()
})

const READ = '{ sessions(first: 20) { nodes { attempts(freshness: { maxAgeSeconds: 0 }) { totalCount } } } }'

test('twenty reads of one operation are no leak, by whichever way it came in', async () => {
  for (const ask of [house.ask, withDevelopmentKey(house).ask]) {
    const { data, errors } = await ask(READ)
    expect(errors).toEqual([])
    expect(data.sessions.nodes).toHaveLength(20)
  }
  await sleep(20)
  expect(warnings).toEqual([])
})
