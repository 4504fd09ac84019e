import { subscribe as subscribeTo, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { API_KEY, startApp, type TestApp } from '../../harness/app/test-app.ts'

/** Results that are longer than the buffers of a connection, for clients that do not read them at first. */

const AUTHORIZATION = `Bearer ${API_KEY}`
const CREATE = `mutation ($key: String!, $metadata: JSON!) { createSession(input: {
  idempotencyKey: $key, externalId: "long", metadata: $metadata, session: { kayle: { redirectUrl: "https://example.com/done" } }
}) { ... on CreateSessionPayload { session { id liveCursor } } ... on MutationError { message } } }`
const FIELDS = Array.from({ length: 25 }, (_, index) => `m${index}: metadata`).join(' ')
/** 12 MB: three bytes a character. */
const LONG = `{ sessions(first: 100) { nodes { ${FIELDS} } } }`
const METADATA = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`key${index}`, '漢'.repeat(260)]))

let app: TestApp
let cursor: string
const sockets: WebSocket[] = []
beforeAll(async () => {
  app = await startApp({ MAX_COST: '1000000' })
  for (let count = 0; count < 60; count++) {
    const { data } = await app.execute(CREATE, { key: `long-${count}`, metadata: METADATA })
    cursor ??= data.createSession.session.liveCursor
  }
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(() => app.close())

interface Message {
  readonly id?: string
  readonly type: string
  readonly payload?: { readonly data?: unknown } & readonly { readonly extensions: { readonly code: string } }[]
}

/** An accepted connection. `connection`: the socket below it, which can be paused. */
async function openWebSocket() {
  const socket = new WebSocket(app.url.replace('http', 'ws'), 'graphql-transport-ws', {
    headers: { authorization: AUTHORIZATION },
  })
  sockets.push(socket)
  const received: Message[] = []
  socket.on('message', data => received.push(JSON.parse(String(data))))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send('{"type":"connection_init"}')
  await expect.poll(() => received).toEqual([{ type: 'connection_ack' }])
  received.length = 0
  const { _socket: connection } = socket as WebSocket & { readonly _socket: Duplex }
  const subscribe = (id: string, query: string) =>
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }))
  return { socket, connection, received, subscribe }
}

describe('over a WebSocket', () => {
  test('an operation counts until its result is written, and those after it wait', async () => {
    const { connection, received, subscribe } = await openWebSocket()
    connection.pause()
    subscribe('long', LONG)
    const operations = () => app.admission.inFlight
    await expect.poll(operations).toBe(1)
    // Another connection is served meanwhile, and the result of this one is complete by then.
    const other = await openWebSocket()
    other.subscribe('long', LONG)
    await expect.poll(() => other.received.map(({ type }) => type), { timeout: 30_000 }).toEqual(['next', 'complete'])
    expect(operations()).toBe(1)
    for (let count = 0; count < 40; count++) subscribe(`short-${count}`, '{ __typename }')
    other.subscribe('last', '{ __typename }')
    await expect.poll(() => other.received.length).toBe(4)
    expect(received).toEqual([])
    // None of those that wait has started.
    expect(operations()).toBe(1)

    connection.resume()
    await expect.poll(() => received.filter(({ type }) => type === 'complete').length, { timeout: 30_000 }).toBe(32)
    expect(received.filter(({ payload }) => payload?.data)).toHaveLength(32)
    const refused = received.filter(({ type }) => type === 'error')
    expect(refused.map(({ payload }) => payload?.[0]?.extensions.code)).toEqual(Array(9).fill('RATE_LIMITED'))
    await expect.poll(operations).toBe(0)
  })

  test('a connection on which more than 64 refusals are unread is closed', async () => {
    const { socket, connection, received, subscribe } = await openWebSocket()
    const closed = new Promise<number>(resolve => socket.once('close', resolve))
    connection.pause()
    subscribe('long', LONG)
    await expect.poll(() => app.admission.inFlight).toBe(1)
    for (let count = 0; count < 100; count++) subscribe(`short-${count}`, '{ __typename }')
    await sleep(1_000)
    connection.resume()
    expect(await closed).toBe(1013)
    expect(received.filter(({ type }) => type === 'error').length).toBeLessThanOrEqual(65)
    await expect.poll(() => app.admission.inFlight).toBe(0)
  }, 30_000)

  test('nothing long is read from a client that does not read', async () => {
    const { socket, connection, subscribe } = await openWebSocket()
    connection.pause()
    subscribe('long', LONG)
    // Once the same result was sent to another client, this one is complete.
    const other = await openWebSocket()
    other.subscribe('long', LONG)
    await expect.poll(() => other.received.length, { timeout: 30_000 }).toBe(2)
    const message = JSON.stringify({ type: 'pong', payload: { text: 'x'.repeat(240_000) } })
    for (let count = 0; count < 80; count++) socket.send(message)
    await sleep(2_000)
    expect(socket.bufferedAmount).toBeGreaterThan(0)
    connection.resume()
    await expect.poll(() => socket.bufferedAmount, { timeout: 30_000 }).toBe(0)
  }, 60_000)

  test('a client that reads gets all results of many long operations', async () => {
    const { received, subscribe } = await openWebSocket()
    for (let count = 0; count < 12; count++) subscribe(`${count}`, LONG)
    await expect
      .poll(() => received.filter(({ type }) => type === 'complete').length, { timeout: 60_000, interval: 200 })
      .toBe(12)
    expect(received.filter(({ payload }) => payload?.data)).toHaveLength(12)
    await expect.poll(() => app.admission.inFlight).toBe(0)
  }, 90_000)

  test('a connection that closes leaves nothing behind of what waits', async () => {
    const { socket, connection, subscribe } = await openWebSocket()
    connection.pause()
    for (let count = 0; count < 6; count++) subscribe(`${count}`, LONG)
    await expect.poll(() => app.admission.inFlight).toBeGreaterThan(0)
    socket.terminate()
    await expect.poll(() => app.admission.inFlight, { timeout: 30_000 }).toBe(0)
  })
})

test('a stream that is read gets each event, however long it was not read', async () => {
  const query = `subscription { sessionsUpdated(after: "${cursor}") { cursor session { ${FIELDS} } } }`
  const controller = new AbortController()
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    signal: controller.signal,
  })
  await expect.poll(() => app.streams.count()).toBe(1)
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('latin1')
    if ((text.match(/event: next/g) ?? []).length >= 59) break
  }
  controller.abort()
  await expect.poll(() => app.streams.count()).toBe(0)
}, 60_000)

test('what is unsent of a long answer counts as bytes', async () => {
  const accepted: Socket[] = []
  const onRequest = (message: unknown) => {
    const { request, socket } = message as { readonly request: IncomingMessage; readonly socket: Socket }
    if (request.url === '/graphql') accepted.push(socket)
  }
  subscribeTo('http.server.request.start', onRequest)
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) }).pause()
  const body = JSON.stringify({ query: LONG })
  const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: ${AUTHORIZATION}\r\n`
  socket.write(`${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  // A third of it, as characters.
  await expect.poll(() => accepted[0]?.writableLength, { timeout: 30_000 }).toBeGreaterThan(10_000_000)
  unsubscribe('http.server.request.start', onRequest)
  socket.destroy()
}, 60_000)
