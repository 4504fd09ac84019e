import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withDevelopmentKey } from '../harness/clients/callers.ts'

/** Node warns of many listeners on one signal. One operation may read many records, which is no leak. */

const warnings: string[] = []
const note = ({ message }: Error) => void warnings.push(message)

let app: TestApp
beforeAll(async () => {
  process.on('warning', note)
  app = await startApp({}, { jobs: false })
  for (let count = 0; count < 20; count++) {
    await app.execute(
      `mutation { createSession(input: { idempotencyKey: "${count}", session: { kayle: {} } }) { __typename } }`,
    )
  }
})
afterAll(async () => {
  process.off('warning', note)
  await app.close()
})

const READ = '{ sessions(first: 20) { nodes { attempts(freshness: { maxAgeSeconds: 0 }) { totalCount } } } }'

test('twenty reads of one operation cause no listener leak warning, on either path', async () => {
  for (const execute of [app.execute, withDevelopmentKey(app).execute]) {
    const { data, errors } = await execute(READ)
    expect(errors).toEqual([])
    expect(data.sessions.nodes).toHaveLength(20)
  }
  await sleep(20)
  expect(warnings).toEqual([])
})
