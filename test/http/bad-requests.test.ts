import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient, type RawClient } from '../harness/clients/raw-client.ts'
import { BAD_REQUESTS, KEY } from '../harness/documents/bad-requests.ts'
import { findLeaks } from '../harness/leak-detector.ts'
import { saysWhatToDo } from '../harness/rules/messages.ts'

/** The maximum time for a refusal, ten times the promised one, because the machine is shared. */
const SLACK_MS = 1_500

let app: TestApp
let client: RawClient
const times: number[] = []

beforeAll(async () => {
  // So many failed authentications would reach the limit of one address.
  app = await startApp({ FAILED_AUTH_PER_MINUTE: '1000000' })
  client = createRawClient(app.url)
})
afterAll(async () => {
  client.close()
  await app.close()
})

/** Their messages are those of graphql-js. */
const OF_GRAPHQL: readonly string[] = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']

function messagesOf(text: string): string[] {
  const { errors = [] } = JSON.parse(text || '{}') as { errors?: { message: string }[] }
  return errors.map(({ message }) => message)
}

async function expectAlive(): Promise<void> {
  const headers = { ...KEY, 'content-type': 'application/json' }
  const { status, text } = await client.execute({ headers, body: '{"query":"{ __typename }"}' })
  expect([status, text]).toEqual([200, '{"data":{"__typename":"Query"}}'])
}

test('there are at least 300 bad requests', () => {
  expect(BAD_REQUESTS.length).toBeGreaterThanOrEqual(300)
  expect(new Set(BAD_REQUESTS.map(({ group, name }) => `${group}: ${name}`)).size).toBe(BAD_REQUESTS.length)
})

describe('a bad request is refused with its code, discloses nothing internal, and does no harm', () => {
  test.each(BAD_REQUESTS)('$group: $name', async ({ status, code, ...request }) => {
    const answer = await client.execute(request)
    times.push(answer.ms)

    const { codes, faults } = findLeaks(answer)
    expect(faults).toEqual([])
    if (!OF_GRAPHQL.includes(code))
      expect(messagesOf(answer.text).filter(message => !saysWhatToDo(message))).toEqual([])
    expect([answer.status, codes[0]]).toEqual([status, code])
    expect(codes.every(each => each === code)).toBe(true)
    expect(({} as Record<string, unknown>).a).toBeUndefined()
    await expectAlive()
  })
})

test('a refusal is fast', () => {
  const sorted = times.toSorted((one, other) => one - other)
  const [p99 = 0, max = 0] = [sorted[Math.floor(sorted.length * 0.99)], sorted.at(-1)]
  console.info(`${sorted.length} refusals: p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`)
  expect(p99).toBeLessThan(SLACK_MS)
})
