import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFreePort } from '../harness/app/server-process.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** The graphql-sse client, in its distinct connections mode. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const FOLLOW = `subscription ($id: ID!, $after: String) {
  sessionUpdated(id: $id, after: $after) { cursor event { id __typename } session { status } }
}`
const REPORTED = `query ($id: ID!, $after: String) {
  session(by: { id: $id }) { timeline(first: 100, after: $after) { nodes { id } } }
}`
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-sse-'))
let far: TestApp

beforeAll(async () => {
  far = await startApp()
})
afterAll(async () => {
  await far.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Event {
  readonly sessionUpdated: { readonly cursor: string; readonly event: { readonly id: string } }
}

test('a query and a mutation are answered as a stream with one result', async () => {
  const client = createClient({ url: far.url, headers: AUTHORIZATION })
  const results = []
  for await (const result of client.iterate({ query: '{ providers { provider } }' })) results.push(result)
  expect(results).toEqual([{ data: { providers: expect.any(Array) } }])
  client.dispose()
})

test('a client that resumes after its last cursor gets each event once, across a restart', async () => {
  const kayle = far.sandboxes.find(({ provider }) => provider === 'KAYLE')
  const env = {
    PORT: String(await findFreePort()),
    DATABASE_URL: `sqlite:${join(folder, 'live.db')}`,
    KAYLE_BASE_URL: kayle?.baseUrl,
    KAYLE_API_KEY: String(kayle?.settings.apiKey),
  }
  let app = await startApp(env)
  const { id, providerId, liveCursor } = await createKayleSession(app, 'sse-restart')
  const seen: Event['sessionUpdated'][] = []
  let isOver = false
  const done = followOn(app.url, id, liveCursor, seen, () => isOver)

  await step(app, id, providerId, 'attempt_started')
  await expect.poll(() => seen.length).toBeGreaterThan(0)
  await app.close()
  app = await startApp(env)
  await step(app, id, providerId, 'attempt_failed')
  await step(app, id, providerId, 'attempt_succeeded')

  const { data } = await app.execute(REPORTED, { id, after: liveCursor })
  const reported = data.session.timeline.nodes.map((event: { id: string }) => event.id)
  expect(reported.length).toBeGreaterThanOrEqual(4)
  await expect.poll(() => seen.map(({ event }) => event.id), { timeout: 10_000 }).toEqual(reported)
  isOver = true
  await app.close()
  await done
})

/** As in docs/guides/front-end.md: reconnects with the cursor of the last event. */
async function followOn(
  url: string,
  id: string,
  from: string,
  seen: Event['sessionUpdated'][],
  isOver: () => boolean,
): Promise<void> {
  let after = from
  while (!isOver()) {
    const client = createClient({ url, headers: AUTHORIZATION, retryAttempts: 0 })
    try {
      for await (const { data } of client.iterate<Event>({ query: FOLLOW, variables: { id, after } })) {
        if (!data) break
        after = data.sessionUpdated.cursor
        seen.push(data.sessionUpdated)
      }
    } catch {
      // The server is unreachable: the client retries.
    }
    client.dispose()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function step(app: TestApp, id: string, providerId: string, to: string): Promise<void> {
  await far.sandbox('KAYLE').advance({ id: providerId, to })
  await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
}
