import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
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
import { builtFile } from '../harness/app/server-process.ts'

/** Many clients that do not read results of several megabytes: the memory of the built server is bounded, and others are served. */

const NAMES = Array.from({ length: 9 }, (_, index) => `m${index}: metadata`).join(' ')
const PAGE = `sessions(filter: { externalId: "long" }, first: 100) { nodes { ${NAMES} } }`
const PERSON = `sessions(first: 100) { nodes { ${NAMES} } }`
/** The memory limit in deploy/kubernetes/deployment.yaml. */
const POD_MIB = 512

/** A server with 100 sessions, whose metadata takes 7 MB under nine names. */
async function startWithLongResults(settings: NodeJS.ProcessEnv = {}): Promise<BuiltServer> {
  const server = await startBuilt({
    env: { ...settings, NODE_OPTIONS: '--max-old-space-size=256', QUERY_DEADLINE_MS: '60000' },
  })
  await whenReady(server)
  const metadata = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`key${index}`, 'z'.repeat(780)]))
  const query = `mutation ($key: String!, $metadata: JSON!) { createSession(input: {
    idempotencyKey: $key, externalId: "long", metadata: $metadata, session: { kayle: { redirectUrl: "https://example.com/done" } }
  }) { ... on CreateSessionPayload { session { id } } ... on MutationError { message } } }`
  for (let count = 0; count < 100; count++) {
    const { data } = await postTo(server, { query, variables: { key: `long-${count}`, metadata } })
    expect(data.createSession.session).toBeDefined()
  }
  return server
}

function peakMiB({ child }: BuiltServer): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Sends the operation on as many connections, and reads no response. */
function subscribeUnread({ url }: BuiltServer, query: string, connections: number): void {
  const body = JSON.stringify({ query })
  const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${KEY}\r\naccept: text/event-stream\r\n`
  const length = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(new URL(url).port), 'localhost')
    socket.on('error', () => {}).pause()
    socket.write(`${head}${length}\r\n${body}`)
    return socket
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
}

async function openStreams({ url }: BuiltServer): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })).text()
  return Number(/^sessiongraph_streams_open (\d+)/m.exec(metrics)?.[1])
}

/** Sends the operations on as many connections, and reads no result. */
function queryUnread({ url }: BuiltServer, query: string, connections: number, operations: number): void {
  for (let nth = 0; nth < connections; nth++) {
    const headers = { authorization: `Bearer ${KEY}` }
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
    onTestFinished(() => socket.terminate())
    socket.on('error', () => {})
    socket.once('open', () => socket.send('{"type":"connection_init"}'))
    socket.once('message', () => {
      socket.pause()
      for (let id = 0; id < operations; id++) {
        socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload: { query } }))
      }
    })
  }
}

function requestFor(query: string, key = KEY): string {
  const body = JSON.stringify({ query })
  const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\n`
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Sends requests on one connection, and reads no response. */
function sendUnread({ url }: BuiltServer, requests: string): Socket {
  const socket = connect(Number(new URL(url).port), 'localhost').pause()
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(requests)
  return socket
}

/** Another API key. */
function createKey(settings: NodeJS.ProcessEnv): string {
  const args = [builtFile('cli/main.js'), 'keys', 'create', 'dev', '--name', 'other', '--scopes', 'sessions:read']
  const env = { PATH: process.env.PATH, ENCRYPTION_KEY: '0e'.repeat(32), ...settings }
  const output = execFileSync(process.execPath, args, { env, encoding: 'utf8' })
  return /sg_[\w-]+/.exec(output)?.[0] ?? ''
}

/** Small queries of others succeed again and again, and the process lives. */
async function expectServed(server: BuiltServer): Promise<void> {
  for (let count = 0; count < 20; count++) {
    const served = async () =>
      (await executeAt(server, '{ sessions(first: 1) { nodes { id } } }')).data?.sessions?.nodes
    await expect.poll(served, { timeout: 30_000, interval: 200 }).toHaveLength(1)
    expect(await statusOf(`${server.url}/livez`)).toBe(200)
  }
}

test('unread results of WebSockets', async () => {
  const server = await startWithLongResults()
  queryUnread(server, `{ ${PAGE} }`, 20, 32)
  await expectServed(server)
  expect(peakMiB(server)).toBeLessThan(POD_MIB)
  expect(server.child.exitCode).toBe(null)
  const { data } = await executeAt(server, `{ ${PAGE} }`)
  expect(data.sessions.nodes).toHaveLength(100)
  expect(await stopBuilt(server)).toBe(0)
}, 180_000)

test('unread streams', async () => {
  const server = await startWithLongResults()
  const { data } = await executeAt(server, '{ events(first: 1) { nodes { cursor } } }')
  const [{ cursor }] = data.events.nodes
  const subscription = `personUpdated(externalId: "long", after: "${cursor}") { cursor person { ${PERSON} } }`
  subscribeUnread(server, `subscription { ${subscription} }`, 150)
  let most = 0
  const isOneClosed = async () => {
    const open = await openStreams(server)
    most = Math.max(most, open)
    return open < most
  }
  // The client of the one that has not read for longest would resume after its last cursor.
  await expect.poll(isOneClosed, { timeout: 120_000, interval: 200 }).toBe(true)
  await expectServed(server)
  expect(peakMiB(server)).toBeLessThan(POD_MIB)
  expect(await stopBuilt(server)).toBe(0)
}, 240_000)

test('a client that reads slowly gets its response, while others do not read theirs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unread-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const settings = { DATABASE_URL: `sqlite:${join(folder, 'test.db')}` }
  const server = await startWithLongResults(settings)
  const slow = sendUnread(server, requestFor(`{ ${PAGE} }`, createKey(settings)))
  let received = 0
  // 500 KB a second.
  const readSome = () => {
    received += (slow.read(Math.min(slow.readableLength, 50_000)) ?? '').length
  }
  slow.on('readable', () => {})
  const reading = setInterval(readSome, 100)
  onTestFinished(() => clearInterval(reading))
  await sleep(1_500)
  for (let count = 0; count < 150 && received < 7_000_000; count++) {
    sendUnread(server, requestFor(`{ ${PAGE} }`))
    await sleep(100)
  }
  await expect.poll(() => received, { timeout: 30_000, interval: 200 }).toBeGreaterThan(7_000_000)
  expect(await stopBuilt(server)).toBe(0)
}, 180_000)
