import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createClient } from '../harness/clients/keep-alive.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { timed, until } from '../harness/waiting.ts'

/** A server that stops: what it finishes, what it reports, and in which order. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { id } }
      ... on MutationError { code }
    }
  }
`
const FOLLOW = 'subscription { sessionsUpdated { cursor session { id } } }'
const NOW = { delayMs: 0, deadlineMs: 5_000 }

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-drain-'))
const apps: TestApp[] = []
const client = createClient()

async function open(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const app = await startApp({ SANDBOX_PORT: '0', ...env })
  apps.push(app)
  return app
}

const at = (app: TestApp, path: string) => new URL(path, app.url).href

afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()))
})

describe('/readyz', () => {
  test('answers 200 while the database is available and migrated', async () => {
    const app = await open()

    expect(await client.exchange(at(app, '/readyz'))).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: { ready: true, database: 'CURRENT' },
    })
  })

  test('answers 503 while the database is unreachable, although the process is alive', async () => {
    const app = await open()
    await app.db.close()

    expect(await client.exchange(at(app, '/readyz'))).toMatchObject({ status: 503, body: { database: 'AWAY' } })
    expect(await client.exchange(at(app, '/livez'))).toMatchObject({ status: 200 })
    await app.close().catch(() => {})
    apps.length = 0
  })

  test('answers 503 while a migration is pending, and accepts a newer one', async () => {
    const file = join(folder, 'behind.db')
    const app = await open({ DATABASE_URL: `sqlite:${file}` })
    const database = new SqliteDatabase(file)
    database.exec("insert into kysely_migration values ('9999-later', '2030-01-01')")
    expect(await client.exchange(at(app, '/readyz'))).toMatchObject({ status: 200 })

    database.exec("delete from kysely_migration where name >= '0001'")
    database.close()

    expect(await client.exchange(at(app, '/readyz'))).toMatchObject({ status: 503, body: { database: 'BEHIND' } })
  })
})

describe('a server that stops', () => {
  test('closes connections that were opened in advance, without a request', async () => {
    const app = await open()
    const { port } = new URL(app.url)
    const sockets = [1, 2].map(() => connect(Number(port), 'localhost').on('error', () => {}))
    await Promise.all(sockets.map(socket => once(socket, 'connect')))
    const closed = Promise.all(sockets.map(socket => new Promise(resolve => socket.once('close', resolve))))
    const { ms } = await timed(() => app.close({ delayMs: 0, deadlineMs: 30_000 }))
    await closed
    expect(ms).toBeLessThan(10_000)
    apps.length = 0
  })

  test('reports it at /readyz before it closes, and serves further requests, closing their connections', async () => {
    const app = await open()
    expect((await client.exchange(at(app, '/livez'))).headers.connection).toBe('keep-alive')

    const closing = app.close({ delayMs: 400, deadlineMs: 5_000 })
    expect(await client.exchange(at(app, '/readyz'))).toMatchObject({ status: 503, body: { state: 'DRAINING' } })
    expect(await client.exchange(app.url, { query: '{ __typename }' })).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
      body: { data: { __typename: 'Query' } },
    })
    await closing

    await expect(client.exchange(at(app, '/livez'))).rejects.toThrow('ECONNREFUSED')
  })

  test('answers the requests of the connections that it has not accepted yet', async () => {
    const app = await open()
    const { host, port } = new URL(app.url)
    const head = `GET /graphql?query={__typename} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${API_KEY}\r\n\r\n`
    const sockets = Array.from({ length: 30 }, () => connect(Number(port), 'localhost').on('error', () => {}))
    const answers = sockets.map(socket => text(socket).catch(String))
    for (const socket of sockets) socket.write(head)
    await Promise.all(sockets.map(socket => once(socket, 'connect')))

    await app.close(NOW)

    const statuses = (await Promise.all(answers)).map(answer => answer.split('\r\n')[0])
    expect(statuses).toEqual(sockets.map(() => 'HTTP/1.1 200 OK'))
    apps.length = 0
  })

  test('answers the create in progress', async () => {
    const app = await open()
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: 600 } }])
    const created = client.exchange(app.url, { query: CREATE, variables: { key: 'late' } })
    await until(() => app.admission.inFlight === 1)

    const { ms } = await timed(() => app.close(NOW))

    expect((await created).body.data.createSession.session.id).toEqual(expect.any(String))
    expect((await created).headers.connection).toBe('close')
    expect(ms).toBeGreaterThan(300)
  })

  test('stores the create whose client disconnected', async () => {
    const file = join(folder, 'left.db')
    const app = await open({ DATABASE_URL: `sqlite:${file}` })
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: 500 } }])
    const disconnect = new AbortController()
    const body = JSON.stringify({ query: CREATE, variables: { key: 'left' } })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sg_dev_key_of_the_tests' }
    const requests = fetch(app.url, { method: 'POST', body, headers, signal: disconnect.signal }).catch(() => 'left')
    await until(async () => (await app.sandbox('KAYLE').requests()).length > 0)
    disconnect.abort()
    expect(await requests).toBe('left')

    await app.close(NOW)

    const database = new SqliteDatabase(file)
    expect(database.prepare('select state from operations').all()).toEqual([{ state: 'SUCCEEDED' }])
    database.close()
  })

  test('ends its subscriptions after the requests in progress, with a reason that makes clients reconnect', async () => {
    const app = await open()
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: 400 } }])
    const stream = await follow(app.url, { query: FOLLOW })
    const created = client.exchange(app.url, { query: CREATE, variables: { key: 'seen' } })
    await until(() => app.admission.inFlight === 1)

    await app.close(NOW)

    const { id } = (await created).body.data.createSession.session
    const messages = await stream.all()
    const last = messages.at(-1)
    expect(messages.slice(0, -1).map(({ data }) => data.data.sessionsUpdated.session.id)).toContain(id)
    expect(last).toMatchObject({
      event: 'next',
      id: null,
      data: { errors: [{ extensions: { code: 'OVERLOADED', reason: 'CLOSING', retryable: true } }] },
    })
    expect(messages.map(({ event }) => event)).not.toContain('complete')
  })

  test('aborts what is not finished within the timeout', async () => {
    const app = await open()
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: 5_000 } }])
    const created = client.exchange(app.url, { query: CREATE, variables: { key: 'hung' } })
    const brokenOff = expect(created).rejects.toThrow()
    await until(() => app.admission.inFlight === 1)

    const { ms } = await timed(() => app.close({ delayMs: 0, deadlineMs: 300 }))
    apps.length = 0

    await brokenOff
    expect(ms).toBeLessThan(4_000)
  })

  test('leaves nothing beside the database file', async () => {
    const file = join(folder, 'whole.db')
    const app = await open({ DATABASE_URL: `sqlite:${file}` })
    const other = new SqliteDatabase(file)
    await app.execute(CREATE, { key: 'kept' })

    await app.close()

    const copy = join(folder, 'copy.db')
    const { copyFileSync } = await import('node:fs')
    copyFileSync(file, copy)
    other.close()
    const database = new SqliteDatabase(copy, { readonly: true })
    expect(database.prepare('select count(*) as count from sessions').get()).toEqual({ count: 1 })
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })
})
