import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'

/** An API key with a cost per minute of its own, in the place of COST_PER_MINUTE. */

const COST_PER_MINUTE = 10_000
/** Costs about 5,000, more than 1,000. */
const LIST = `{ sessions(first: 50) { nodes { attempts { nodes { id } } customer { id } applicant { id } } } }`

let app: TestApp
beforeAll(async () => {
  app = await startApp({ COST_PER_MINUTE: String(COST_PER_MINUTE) }, { jobs: false })
  // New documents are charged.
  await post(await withClientToken(app, await withKey(app), { externalId: 'limit' }))
})
afterAll(() => app.close())

async function post({ token }: Client, query = '{ __typename }') {
  const response = await app.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-graphql-cost': '1' },
    body: JSON.stringify({ query }),
  })
  const { extensions, errors } = (await response.json()) as {
    extensions?: { cost: { limit: number; remaining: number } }
    errors?: { message: string; extensions: Record<string, unknown> }[]
  }
  const policy = response.headers.get('ratelimit-policy')
  return { status: response.status, policy, cost: extensions?.cost, error: errors?.[0] }
}

async function spendAll(client: Client): Promise<number> {
  let spent = 0
  while ((await post(client)).status === 200) spent++
  return spent
}

test('it is enforced and told, and other keys have that of the server', async () => {
  const [own, other] = [await withKey(app, { costPerMinute: 250 }), await withKey(app)]
  expect(await post(own)).toMatchObject({ policy: '"cost";q=250;w=60', cost: { limit: 250, remaining: 240 } })
  expect(await spendAll(own)).toBe(24)
  expect((await post(own)).error?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
  expect(await post(other)).toMatchObject({
    policy: `"cost";q=${COST_PER_MINUTE};w=60`,
    cost: { limit: COST_PER_MINUTE, remaining: COST_PER_MINUTE - 10 },
  })
})

test('it may exceed that of the server', async () => {
  const key = await withKey(app, { costPerMinute: 50_000 })
  expect(await post(key)).toMatchObject({ cost: { limit: 50_000, remaining: 49_990 } })
})

test('all client tokens of the key share it, and each subject gets a tenth', async () => {
  const key = await withKey(app, { costPerMinute: 600 })
  const tokens: Client[] = []
  for (let user = 0; user < 12; user++) tokens.push(await withClientToken(app, key, { externalId: `limit-${user}` }))
  const [first, ...others] = tokens as [Client, ...Client[]]
  expect(await post(first)).toMatchObject({ policy: '"cost";q=60;w=60', cost: { limit: 60, remaining: 50 } })
  expect(await spendAll(first)).toBe(5)
  let spent = 0
  for (const token of others) spent += await spendAll(token)
  // To create one of the twelve tokens costs 15.
  expect(spent).toBe(60 - 12 * 1.5 - 6)
})

test('it can be set later, for the tenant of the key only', async () => {
  const key = await withKey(app)
  await post(key)
  await app.services.keys.limit({ tenantId: 'dev' }, key.keyId, 1_000)
  expect(await post(key)).toMatchObject({ cost: { limit: 1_000, remaining: 980 } })
  await app.services.tenants.create({ id: 'another', name: 'Another' })
  const elsewhere = app.services.keys.limit({ tenantId: 'another' }, key.keyId, 100)
  await expect(elsewhere).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await app.services.keys.limit({ tenantId: 'dev' }, key.keyId, null)
  expect(await post(key)).toMatchObject({ cost: { limit: COST_PER_MINUTE } })
})

test('an operation that costs more than the whole limit is refused for good, not for a minute', async () => {
  const { status, error } = await post(await withKey(app, { costPerMinute: 1_000 }), LIST)
  expect(status).not.toBe(429)
  expect(error).toMatchObject({ message: expect.stringMatching(/\b1000\b/), extensions: { code: 'QUERY_TOO_COMPLEX' } })
})

test.each([0, 99, 112.5, Number.NaN, 1_000_000_001])('%s is refused', async costPerMinute => {
  const refused = { code: 'INVALID_INPUT', issues: [{ path: ['costPerMinute'] }] }
  await expect(withKey(app, { costPerMinute })).rejects.toMatchObject(refused)
  const { keyId } = await withKey(app)
  await expect(app.services.keys.limit({ tenantId: 'dev' }, keyId, costPerMinute)).rejects.toMatchObject(refused)
})
