import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { createWebhookKeyPair } from '../../src/security/webhook-keys.ts'
import { startWorkload, type Workload } from '../harness/app/load.ts'
import { builtFile, type Fate, findFreePort, type ServerProcess, startServer } from '../harness/app/server-process.ts'
import { API_KEY } from '../harness/app/test-app.ts'
import { fromKayle, type WebhookTarget } from '../harness/providers/deliveries.ts'

/** SIGKILL between storing and applying a delivery, at several moments. */

const SECRET = 'whsec_of_the_kill_test'
const KILLS = 5

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-webhook-kill-'))
const file = join(folder, 'kill.db')
const deaths: string[] = []
let fate: Fate = 'ANSWERED'
let world: Workload
let policy: WebhookTarget
let port: number
let server: ServerProcess

beforeAll(async () => {
  const { publicJwk, privateJwk } = await createWebhookKeyPair()
  writeFileSync(join(folder, 'key.json'), JSON.stringify(privateJwk))
  // Requests during the hang were sent by a process that dies before the response.
  world = await startWorkload({ fateOf: (_, { method }) => (method === 'GET' ? fate : 'ANSWERED'), delayMs: () => 0 })
  port = await findFreePort()
  await start()
  const [endpoint] = query<{ id: string }>('select id from webhook_endpoints')
  const id = endpoint?.id ?? ''
  policy = { id, path: `/webhooks/kayle/${id}`, secret: SECRET, publicJwk }
}, 120_000)

afterAll(async () => {
  await server?.kill()
  await world?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(): Promise<void> {
  const env = {
    ...world.env,
    PORT: String(port),
    DATABASE_URL: `sqlite:${file}`,
    DEV_API_KEY: API_KEY,
    ENCRYPTION_KEY: '07'.repeat(32),
    JOB_INTERVAL_MS: '100',
    KAYLE_WEBHOOK_SECRET: SECRET,
    KAYLE_WEBHOOK_PRIVATE_KEY_FILE: join(folder, 'key.json'),
    LOG_LEVEL: 'fatal',
  }
  server = startServer(builtFile('main.js'), env, output => deaths.push(output))
  await server.ready
}

function query<Row>(text: string): Row[] {
  const database = new SqliteDatabase(file, { readonly: true })
  try {
    return database.prepare(text).all() as Row[]
  } finally {
    database.close()
  }
}

async function execute(text: string) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const response = await fetch(server.url, { method: 'POST', headers, body: JSON.stringify({ query: text }) })
  return (await response.json()) as { data: never }
}

/** A session that was cancelled at Kayle, with a webhook and without a read since. */
async function makeCanceled(key: string): Promise<string> {
  const { data } = await execute(`mutation {
    createSession(input: { idempotencyKey: "${key}", session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { providerId } }
    }
  }`)
  const { providerId } = (data as { createSession: { session: { providerId: string } } }).createSession.session
  await world.sandbox('KAYLE').advance({ id: providerId, to: 'cancelled' })
  return providerId
}

async function deliverNotice(sessionId: string): Promise<number> {
  const { headers, body } = await fromKayle(policy, { type: 'verification.session.cancelled', sessionId })
  const url = new URL(policy.path, server.url)
  return (await fetch(url, { method: 'POST', headers, body })).status
}

interface Counted {
  readonly status: string
  readonly state: string
  readonly received: number
  readonly changed: number
}

const COUNTS = `
  select sessions.status, deliveries.state,
    (select count(*) from events where session_id = sessions.id and data like '%WebhookReceived%') as received,
    (select count(*) from events where session_id = sessions.id and data like '%CANCELED%') as changed
  from sessions join deliveries on deliveries.rowid = sessions.rowid
`

test('a delivery that was acknowledged before a SIGKILL is applied once after the restart', async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    fate = 'ANSWERED'
    const sessionId = await makeCanceled(`key-${kill}`)
    // Every second process dies during the provider call, the others at some moment close to it.
    if (kill % 2 === 0) fate = 'HUNG'
    expect(await deliverNotice(sessionId)).toBe(204)
    await sleep(kill % 2 === 0 ? 50 : kill)
    await server.kill()
    if (kill % 2 === 0) expect(query("select id from deliveries where state = 'STORED'").length).toBeGreaterThan(0)
    fate = 'ANSWERED'
    await start()
  }
  const once = { status: 'CANCELED', state: 'APPLIED', received: 1, changed: 1 }
  await expect
    .poll(() => query<Counted>(COUNTS), { timeout: 30_000, interval: 200 })
    .toEqual(Array.from({ length: KILLS }, () => once))
  expect(deaths).toEqual([])
}, 60_000)
