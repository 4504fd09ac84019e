import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { startWorkload, type Workload } from '../harness/app/load.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Two servers on one database store the same record at the same moment. */

let database: TestDatabase
let world: Workload
let apps: readonly [TestApp, TestApp]

beforeAll(async () => {
  database = await takeDatabase()
  world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 1 })
  const env = { ...world.env, DATABASE_URL: database.url }
  apps = [await startApp(env, { jobs: false }), await startApp(env, { jobs: false })]
})
afterAll(async () => {
  for (const app of apps) await app.close()
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
    session(by: { atProvider: { provider: KAYLE, providerId: $id } }) { id attempts { nodes { id } } }
  }
`

test('a session that two requests store for the first time at the same moment is one', async () => {
  for (let round = 0; round < 5; round++) {
    const id = await postToKayle()
    const answers = await Promise.all([0, 1, 0, 1, 0, 1].map(at => (at ? apps[1] : apps[0]).execute(READ, { id })))
    expect(answers.flatMap(answer => answer.errors)).toEqual([])
    expect(new Set(answers.map(answer => answer.data.session.id)).size).toBe(1)
    const [session] = await apps[0].db.sql.selectFrom('sessions').selectAll().where('provider_id', '=', id).execute()
    const events = await apps[0].db.sql
      .selectFrom('events')
      .select('data')
      .where('session_id', '=', session?.id ?? '')
      .execute()
    expect(events.filter(({ data }) => data.includes('"SessionCreated"'))).toHaveLength(1)
  }
})
