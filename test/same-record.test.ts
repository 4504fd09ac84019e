import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, takeDatabase } from './harness/database.ts'
import { type House, startHouse } from './harness/house.ts'
import { startWorld, type World } from './harness/load.ts'

/** Two houses on one database store the same at the same moment. */

let database: TestDatabase
let world: World
let houses: readonly [House, House]

beforeAll(async () => {
  database = await takeDatabase()
  world = await startWorld({ fateOf: () => 'ANSWERED', delayMs: () => 1 })
  const env = { ...world.env, DATABASE_URL: database.url }
  houses = [await startHouse(env, { jobs: false }), await startHouse(env, { jobs: false })]
})
afterAll(async () => {
  for (const house of houses) await house.close()
  await world.close()
  await database.release()
})

async function postToKayle(): Promise<string> {
  const { origin } = world.sandbox('KAYLE')
  const response = await fetch(`${origin}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${world.env.KAYLE_API_KEY}` },
    body: JSON.stringify({ redirect_url: 'https://app.example.com/done' }),
  })
  return ((await response.json()) as { data: { id: string } }).data.id
}

const READ = /* GraphQL */ `
  query ($id: String!) {
    session(by: { provider: { provider: KAYLE, providerId: $id } }) { id attempts { nodes { id } } }
  }
`

test('a session that both meet for the first time at the same moment is one', async () => {
  for (let round = 0; round < 5; round++) {
    const id = await postToKayle()
    const answers = await Promise.all([0, 1, 0, 1, 0, 1].map(at => (at ? houses[1] : houses[0]).ask(READ, { id })))
    expect(answers.flatMap(answer => answer.errors)).toEqual([])
    expect(new Set(answers.map(answer => answer.data.session.id)).size).toBe(1)
    const [session] = await houses[0].db.sql.selectFrom('sessions').selectAll().where('provider_id', '=', id).execute()
    const events = await houses[0].db.sql
      .selectFrom('events')
      .select('data')
      .where('session_id', '=', session?.id ?? '')
      .execute()
    expect(events.filter(({ data }) => data.includes('"SessionCreated"'))).toHaveLength(1)
  }
})
