import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startApp, type TestApp } from '../../harness/app/test-app.ts'
import { type Client, withKey } from '../../harness/clients/callers.ts'

/** The places of operations over WebSockets, taken by clients that do not read their results. */

const MOST = 4
const CREATE = `mutation ($key: String!, $metadata: JSON!) { createSession(input: {
  idempotencyKey: $key, metadata: $metadata, session: { kayle: {} }
}) { ... on CreateSessionPayload { session { id } } ... on MutationError { message } } }`
const METADATA = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`key${index}`, 'z'.repeat(780)]))
const FIELDS = Array.from({ length: 30 }, (_, index) => `m${index}: metadata`).join(' ')
/** Seven megabytes. */
const LONG = `{ sessions(first: 30) { nodes { ${FIELDS} } } }`

let app: TestApp
const sockets: (Socket | WebSocket)[] = []
beforeEach(async () => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST), MAX_COST: '1000000' }, { jobs: false })
  for (let count = 0; count < 30; count++) await app.execute(CREATE, { key: `long-${count}`, metadata: METADATA })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
  await app.close()
})

async function openWebSocket({ token }: Client) {
  const headers = { authorization: `Bearer ${token}` }
  const socket = new WebSocket(app.url.replace('http', 'ws'), 'graphql-transport-ws', { headers })
  sockets.push(socket)
  const received: string[] = []
  socket.on('message', data => received.push(String(data)))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send('{"type":"connection_init"}')
  await expect.poll(() => received).toHaveLength(1)
  const subscribe = (id: string, query: string) =>
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }))
  return { socket, received, subscribe }
}

/** Operations whose results are not read, each on a connection of its own. */
async function takePlaces(client: Client, count: number) {
  const opened = await Promise.all(Array.from({ length: count }, () => openWebSocket(client)))
  for (const { socket, subscribe } of opened) {
    socket.pause()
    subscribe('long', LONG)
  }
  return opened
}

/** A client that downloads a page of some megabytes, slowly. */
async function download(): Promise<Socket> {
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) }).pause()
  sockets.push(socket)
  socket.on('error', () => {})
  socket.write('GET /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n')
  await expect.poll(() => app.admission.inFlight).toBe(1)
  return socket
}

test('one key takes half of them at most', async () => {
  const [greedy, other] = [await withKey(app), await withKey(app)]
  await takePlaces(greedy, MOST)
  await expect.poll(() => app.admission.inFlight).toBe(MOST / 2)
  const { received, subscribe } = await openWebSocket(other)
  subscribe('short', '{ __typename }')
  await expect.poll(() => received.at(-1)).toContain('"complete"')
  const own = await openWebSocket(greedy)
  own.subscribe('short', '{ __typename }')
  await expect.poll(() => own.received.at(-1)).toContain('OVERLOADED')
})

test('if all are taken, only connections that have them are closed for another operation', async () => {
  const page = await download()
  await takePlaces(await withKey(app), MOST / 2)
  await takePlaces(await withKey(app), MOST / 2)
  await expect.poll(() => app.admission.inFlight).toBe(1 + MOST)
  await sleep(1_500)
  const { received, subscribe } = await openWebSocket(await withKey(app))
  subscribe('refused', '{ __typename }')
  await expect.poll(() => received.at(-1)).toContain('OVERLOADED')
  await expect.poll(() => app.admission.inFlight).toBe(MOST)
  subscribe('short', '{ __typename }')
  await expect.poll(() => received.at(-1)).toContain('"complete"')
  let text = ''
  page.resume().on('data', data => {
    text += data
  })
  await expect.poll(() => /<\/html>\s*(0\s*)?$/.test(text)).toBe(true)
})
