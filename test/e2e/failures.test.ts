import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import {
  type BuiltServer,
  executeAt,
  KEY,
  postTo,
  startBuilt,
  statusOf,
  stopBuilt,
  whenReady,
} from '../harness/app/built-server.ts'

/** What the machine denies to the built server: its log, its disk, file descriptors, memory. It continues, and recovers. */

const create = (key: string) => `mutation { createSession(input: {
  idempotencyKey: "${key}", externalId: "${key}", session: { kayle: { redirectUrl: "https://example.com/done" } }
}) { ... on CreateSessionPayload { session { id } } ... on MutationError { code retryable } } }`

const BATCH = Array.from({ length: 10 }, (_, index) => ({ query: `query N${index} { __typename }` }))
const BATCHES = { MAX_BATCH_SIZE: String(BATCH.length) }
const NAMED = { data: { __typename: 'Query' } }

/** More log lines than a pipe and the buffer of the log hold: 5,000, ten for each request. */
async function logMuch(server: BuiltServer): Promise<void> {
  for (let round = 0; round < 25; round++) {
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => postTo(server, BATCH)))) {
      expect(answer).toEqual(BATCH.map(() => NAMED))
    }
  }
}

test('a log on a full disk drops lines, and the server serves and stops', async () => {
  const full = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(full))
  const server = await startBuilt({ env: BATCHES, stdio: ['ignore', 'ignore', full] })
  await whenReady(server)
  await logMuch(server)
  expect(await statusOf(`${server.url}/livez`)).toBe(200)
  const metrics = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })).text()
  expect(Number(/^sessiongraph_log_lines_dropped_total (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(0)
  expect(await stopBuilt(server)).toBe(0)
})

test('a log whose reader is gone drops lines, and the server serves and stops', async () => {
  const server = await startBuilt({ env: BATCHES, stdio: ['ignore', 'ignore', 'pipe'] })
  server.child.stderr?.destroy()
  await whenReady(server)
  await logMuch(server)
  expect(await stopBuilt(server)).toBe(0)
})

test('a log whose reader has stopped waits for it, and the server serves and stops', async () => {
  // Nothing reads this end of the pipe.
  const reader = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] })
  onTestFinished(() => void reader.kill())
  const server = await startBuilt({ env: BATCHES, stdio: ['ignore', 'ignore', reader.stdin] })
  await whenReady(server)
  await logMuch(server)
  expect(await stopBuilt(server)).toBe(0)
})

test('a full disk below SQLite refuses writes as retryable, is not ready, keeps what was acknowledged, and recovers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-full-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const server = await startBuilt({
    env: { DATABASE_URL: `sqlite:${join(folder, 'full.db')}` },
    limits: 'trap "" XFSZ; ulimit -S -f 3000;',
  })
  await whenReady(server)
  const acknowledged: string[] = []
  let refused: { code: string; retryable: boolean } | undefined
  let key = ''
  for (let count = 0; !refused && count < 3_000; count++) {
    key = `disk-${count}`
    const { data, errors } = await executeAt(server, create(key))
    if (data?.createSession?.session) acknowledged.push(data.createSession.session.id)
    else refused = data?.createSession ?? errors[0].extensions
  }
  // UNCONFIRMED where the disk was full between the call of the provider and the answer.
  expect(['OVERLOADED', 'UNCONFIRMED']).toContain(refused?.code)
  expect(refused?.retryable).toBe(true)
  expect(acknowledged.length).toBeGreaterThan(0)
  await expect.poll(() => statusOf(`${server.url}/readyz`)).toBe(503)
  expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ ready: false, database: 'FAILING' })
  expect(await statusOf(`${server.url}/livez`)).toBe(200)

  execFileSync('prlimit', ['--pid', String(server.child.pid), '--fsize=unlimited:'])
  await whenReady(server)
  const repeat = async () => (await executeAt(server, create(key))).data?.createSession?.session?.id
  await expect.poll(repeat, { timeout: 30_000 }).toEqual(expect.any(String))
  const ids = JSON.stringify(acknowledged.slice(-100))
  const { data } = await executeAt(server, `{ nodes(ids: ${ids}) { id } }`)
  expect(data.nodes.filter(Boolean)).toHaveLength(Math.min(100, acknowledged.length))
  expect(await stopBuilt(server)).toBe(0)
})

test('without a free file descriptor connections wait, and the server serves once there is one', async () => {
  const server = await startBuilt({ limits: 'ulimit -n 80;' })
  await whenReady(server)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const onOpenConnection = () =>
    new Promise<number>((resolve, reject) => {
      get(`${server.url}/livez`, { agent }, response => resolve(response.resume().statusCode ?? 0)).once(
        'error',
        reject,
      )
    })
  expect(await onOpenConnection()).toBe(200)
  const { port } = new URL(server.url)
  const sockets = Array.from({ length: 200 }, () => connect(Number(port), 'localhost').on('error', () => {}))
  await Promise.all(sockets.slice(0, 20).map(socket => once(socket, 'connect')))
  for (let count = 0; count < 5; count++) expect(await onOpenConnection()).toBe(200)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => statusOf(`${server.url}/livez`)).toBe(200)
  expect((await executeAt(server, create('descriptors'))).data.createSession.session.id).toEqual(expect.any(String))
  expect(await stopBuilt(server)).toBe(0)
})

const REFUSALS = ['OVERLOADED true', 'DEADLINE_EXCEEDED true']

test('with results of several times its heap, the server completes or refuses every request and does not end', async () => {
  const server = await startBuilt({
    env: { NODE_OPTIONS: '--max-old-space-size=128', MAX_COST: '10000000', QUERY_DEADLINE_MS: '40000' },
  })
  await whenReady(server)
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => executeAt(server, create(`heap-${round}-${index}`))))
  }
  const fields = 'id status externalId metadata providerStatus createdAt updatedAt expiresAt redirectUrl'
  const pages = Array.from({ length: 10 }, (_, index) => `p${index}: sessions(first: 100) { nodes { ${fields} } }`)
  const query = `{ ${pages.join(' ')} }`
  // Together, the results take several times the heap.
  const answers = Array.from({ length: 200 }, () => executeAt(server, query))
  const lives: number[] = []
  const ended = Promise.all(answers).then(all => all.map(({ errors }) => errors?.[0].extensions))
  for (let count = 0; count < 10; count++) lives.push(await statusOf(`${server.url}/livez`))
  const errors = (await ended).filter(Boolean)
  expect(new Set(lives)).toEqual(new Set([200]))
  const refused = new Set(errors.map(({ code, retryable }) => `${code} ${retryable}`))
  expect([...refused].filter(each => !REFUSALS.includes(each))).toEqual([])

  await expect.poll(async () => (await executeAt(server, query)).data?.p9.nodes.length, { timeout: 30_000 }).toBe(100)
  expect(await stopBuilt(server)).toBe(0)
}, 120_000)

test('a database in memory needs no folder that can be written, and one in a file names what it needs', async () => {
  // Nobody can create a file in this folder, root included.
  const limits = 'cd /proc;'
  const server = await startBuilt({ env: { ENCRYPTION_KEY: '' }, limits })
  await whenReady(server)
  expect((await executeAt(server, create('no-folder'))).data.createSession.session.id).toEqual(expect.any(String))
  expect(await stopBuilt(server)).toBe(0)

  const failing = await startBuilt({
    env: { ENCRYPTION_KEY: '', DATABASE_URL: 'sqlite:data/sessiongraph.db' },
    limits,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const output = failing.child.stderr ? text(failing.child.stderr) : ''
  expect((await once(failing.child, 'exit'))[0]).toBe(1)
  expect(await output).toMatch(/^Cannot create or read data\/encryption\.key .*Set ENCRYPTION_KEY, or DATABASE_URL/)
})

test('a database file that may only be read ends the start with its reason', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-readonly-'))
  const file = join(folder, 'readonly.db')
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = { DATABASE_URL: `sqlite:${file}` }
  const server = await startBuilt({ env })
  await whenReady(server)
  expect(await stopBuilt(server)).toBe(0)
  chmodSync(file, 0o400)
  // Root ignores permissions, unless it gives up this capability.
  const as = process.getuid?.() === 0 ? 'setpriv --bounding-set=-dac_override' : ''

  const failing = await startBuilt({ env, as, stdio: ['ignore', 'ignore', 'pipe'] })
  const output = failing.child.stderr ? text(failing.child.stderr) : ''
  expect((await once(failing.child, 'exit'))[0]).toBe(1)
  expect(await output).toMatch(/The database file cannot be written\. Check the permissions/)
})
