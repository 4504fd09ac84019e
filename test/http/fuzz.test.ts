import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient, type RawAnswer, type RawClient } from '../harness/clients/raw-client.ts'
import { createRandom, mutatedBytes, mutatedRequest } from '../harness/documents/fuzz.ts'
import { SAMPLE_OPERATIONS } from '../harness/documents/sample-operations.ts'
import { findLeaks } from '../harness/leak-detector.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_260_505)
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000)
const BROKEN_HTTP = 1_000
const AT_ONCE = 16
/** Ten times the promised time, because the machine is shared. */
const SLACK_MS = 1_500

let app: TestApp
let client: RawClient

beforeAll(async () => {
  app = await startApp({ FAILED_AUTH_PER_MINUTE: '1000000', HEADERS_TIMEOUT_MS: '400', REQUEST_TIMEOUT_MS: '800' })
  client = createRawClient(app.url)
})
afterAll(async () => {
  client.close()
  await app.close()
})

/**
 * Sends so many requests, some of them concurrently. Returns the problems of the responses, and the sorted durations.
 */
async function pound(count: number, execute: (random: () => number) => Promise<RawAnswer>) {
  const [faults, times]: [string[], number[]] = [[], []]
  let next = 0
  const one = async () => {
    while (next < count) {
      const seed = SEED + next++
      const answer = await execute(createRandom(seed))
      times.push(answer.ms)
      for (const fault of findLeaks(answer).faults) faults.push(`seed ${seed}: ${fault}: ${answer.text.slice(0, 500)}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  times.sort((one, other) => one - other)
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
  console.info(`${count} requests: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.999999)} ms`)
  return { faults, p99: times[Math.floor(times.length * 0.99)] }
}

test('valid operations pass', async () => {
  for (const { query, variables } of SAMPLE_OPERATIONS) {
    const codes = (await app.execute(query, variables)).errors.map(({ extensions }) => extensions.code)
    // NOT_FOUND for an unknown id is no problem.
    expect(codes.filter(code => code !== 'NOT_FOUND' && code !== 'PROVIDER_REJECTED')).toEqual([])
  }
})

test(`${REQUESTS} mutated requests are answered, each with data or an error code, and none with a server error`, async () => {
  const { faults, p99 } = await pound(REQUESTS, random => client.execute(mutatedRequest(random)))
  expect(faults.slice(0, 5)).toEqual([])
  expect(p99).toBeLessThan(SLACK_MS)
  expect(await app.execute('{ __typename }')).toMatchObject({ status: 200, errors: [] })
}, 120_000)

test(`${BROKEN_HTTP} requests with broken HTTP are answered or closed`, async () => {
  const { faults } = await pound(BROKEN_HTTP, random => client.send(mutatedBytes(random), 100))
  expect(faults.slice(0, 5)).toEqual([])
  expect(await app.execute('{ __typename }')).toMatchObject({ status: 200, errors: [] })
}, 120_000)
