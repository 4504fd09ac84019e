import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'

/** How many statements an operation executes, after the reads before have warmed the caches. */

const SESSIONS = 50
const SESSION = 'id provider providerId status outcome externalId createdAt updatedAt'
const ATTEMPTS = 'nodes { id kind status failureCode riskScore createdAt }'
const PERSON = 'id providerId email name createdAt'

let app: AppWithFaultyProvider
let customerId: string
const sessionIds: string[] = []

beforeAll(async () => {
  app = await startAppWithFaultyProvider()
  const customer = await execute(
    `mutation { createCustomer(input: { idempotencyKey: "customer", customer: { rapidly: { email: "ann@example.com" } } }) {
      ... on CreateCustomerPayload { customer { id } } } }`,
  )
  customerId = customer.createCustomer.customer.id
  for (let nth = 0; nth < SESSIONS; nth++) sessionIds.push(await createSession(nth))
})
afterAll(() => app.close())

async function execute(document: string, variables: Record<string, unknown> = {}) {
  const { data, errors } = await app.execute(document, variables)
  expect(errors).toEqual([])
  return data
}

async function createSession(nth: number, links: Record<string, unknown> = { customerId }): Promise<string> {
  const data = await execute(
    `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
      ... on CreateSessionPayload { session { ${SESSION} access { hostedUrl } } } } }`,
    {
      input: {
        idempotencyKey: `session-${nth}`,
        session: { kayle: { redirectUrl: 'https://app.example.com/done' } },
        ...links,
      },
    },
  )
  return data.createSession.session.id
}

/** The SQL of the statements that `run` executes, without those that flush read times. */
async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  await app.services.fetchedAtWriter.flush()
  const executed: string[] = []
  const executor = Object.getPrototypeOf(Object.getPrototypeOf(app.db.sql.getExecutor()))
  const { executeQuery } = executor
  executor.executeQuery = function (query: { sql: string }, ...rest: unknown[]) {
    executed.push(query.sql)
    return executeQuery.call(this, query, ...rest)
  }
  try {
    await run()
  } finally {
    executor.executeQuery = executeQuery
  }
  return executed
}

const list = (first: number) => () =>
  execute(
    `query ($first: Int!) { sessions(first: $first) { nodes { ${SESSION} attempts { ${ATTEMPTS} }
      customer { ${PERSON} } } pageInfo { hasNextPage endCursor } } }`,
    { first },
  )

describe('the statements', () => {
  test('of a session with its attempts and customer from the store are at most 3', async () => {
    const read = () =>
      execute(
        `query ($id: ID!) { session(by: { id: $id }) { ${SESSION} attempts { ${ATTEMPTS} } customer { ${PERSON} } } }`,
        { id: sessionIds[0] },
      )
    await read()
    const statements = await statementsOf(read)
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(3)
  })

  test('of a session with its attempts and customer read at their providers are at most 3, and 1 for each answer', async () => {
    const now = 'freshness: { maxAgeSeconds: 0, onError: FAIL }'
    const read = () =>
      execute(
        `query ($id: ID!) { session(by: { id: $id }, ${now}) { ${SESSION} attempts(${now}) { ${ATTEMPTS} }
          customer(${now}) { ${PERSON} } } }`,
        { id: sessionIds[0] },
      )
    for (let nth = 0; nth < 3; nth++) await read()
    const statements = await statementsOf(read)
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(3 + 2)
  })

  test.each([5, SESSIONS])('of a list of %i with attempts and customers are at most 4', async first => {
    await list(first)()
    const statements = await statementsOf(list(first))
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(4)
  })

  test('of a create are at most 10', async () => {
    await createSession(1_000, { externalId: 'user-1' })
    const statements = await statementsOf(() => createSession(1_001, { externalId: 'user-1' }))
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(10)
  })
})
