import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { API_KEY, startApp, type TestApp } from '../../harness/app/test-app.ts'

/** What arrives at once starts in slices of a few milliseconds, with a turn of the event loop between them. */

const COUNT = 12
const BUSY_MS = 4
/** A slice has five milliseconds. */
const MOST_IN_A_TURN = 3
const REQUEST_COST = 10

let app: TestApp
const sockets: (WebSocket | Duplex)[] = []
let turn = 0
let isOver = false
/** The turns in which something was charged. Each charge holds the event loop. */
const ofRequests: number[] = []
const ofOperations: number[] = []

beforeAll(async () => {
  const consume = async (_key: string, cost: number) => {
    for (const began = performance.now(); performance.now() - began < BUSY_MS; );
    if (cost === REQUEST_COST) ofRequests.push(turn)
    else ofOperations.push(turn)
    return 0
  }
  app = await startApp({}, { jobs: false, rateLimiter: { consume } })
  const count = () => {
    turn++
    if (!isOver) setImmediate(count)
  }
  count()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
})
afterAll(async () => {
  isOver = true
  await app.close()
})

function mostInATurn(turns: readonly number[]): number {
  return Math.max(...turns.map(each => turns.filter(other => other === each).length))
}

async function openWebSocket() {
  const socket = new WebSocket(app.url.replace('http', 'ws'), 'graphql-transport-ws', {
    headers: { authorization: `Bearer ${API_KEY}` },
  })
  sockets.push(socket)
  const types: unknown[] = []
  socket.on('message', data => types.push(JSON.parse(String(data)).type))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send('{"type":"connection_init"}')
  await expect.poll(() => types).toEqual(['connection_ack'])
  types.length = 0
  const { _socket: connection } = socket as WebSocket & { readonly _socket: Duplex }
  const sendAtOnce = (messages: readonly object[]) => {
    connection.cork()
    for (const message of messages) socket.send(JSON.stringify(message))
    connection.uncork()
  }
  return { socket, types, sendAtOnce }
}

describe('over a WebSocket', () => {
  test('messages', async () => {
    const { types, sendAtOnce } = await openWebSocket()
    ofRequests.length = 0
    sendAtOnce(Array.from({ length: COUNT }, () => ({ type: 'ping' })))
    await expect.poll(() => types).toEqual(Array(COUNT).fill('pong'))
    expect(ofRequests).toHaveLength(COUNT)
    expect(mostInATurn(ofRequests)).toBeLessThanOrEqual(MOST_IN_A_TURN)
  })

  test('pings of the WebSocket itself', async () => {
    const { socket } = await openWebSocket()
    ofRequests.length = 0
    let pongs = 0
    socket.on('pong', () => pongs++)
    for (let count = 0; count < COUNT; count++) socket.ping(`${count}`)
    await expect.poll(() => pongs).toBe(COUNT)
    expect(ofRequests).toHaveLength(COUNT)
    expect(mostInATurn(ofRequests)).toBeLessThanOrEqual(MOST_IN_A_TURN)
  })

  test('operations', async () => {
    const { types, sendAtOnce } = await openWebSocket()
    const payload = { query: '{ sessions(first: 30) { nodes { id } } }' }
    ofOperations.length = 0
    sendAtOnce(Array.from({ length: COUNT }, (_, id) => ({ id: `${id}`, type: 'subscribe', payload })))
    await expect.poll(() => types.filter(type => type === 'complete')).toHaveLength(COUNT)
    expect(ofOperations.length).toBeGreaterThanOrEqual(COUNT)
    expect(mostInATurn(ofOperations)).toBeLessThanOrEqual(MOST_IN_A_TURN)
  })
})

test('operations of requests whose bodies are long', async () => {
  const body = JSON.stringify({ query: `{ sessions(first: 30) { nodes { id } } } #${'x'.repeat(20_000)}` })
  const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${API_KEY}\r\ncontent-type: application/json\r\n`
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  let text = ''
  socket.on('data', data => {
    text += data
  })
  ofOperations.length = 0
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`.repeat(COUNT))
  await expect.poll(() => text.split('HTTP/1.1 200').length - 1, { timeout: 5_000 }).toBe(COUNT)
  // Each body is charged as well, while it is read.
  const ofStarts = ofOperations.slice(-COUNT)
  expect(mostInATurn(ofStarts)).toBeLessThanOrEqual(MOST_IN_A_TURN)
})
