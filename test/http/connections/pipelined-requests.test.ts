import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../../harness/app/test-app.ts'

/** Requests that a client sends before it has the responses to those before them, on one connection. */

let app: TestApp
const sockets: Socket[] = []
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await expect.poll(() => app.admission.inFlight).toBe(0)
})
afterAll(() => app.close())

async function open() {
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) })
  sockets.push(socket)
  let text = ''
  socket.on('error', () => {})
  socket.on('data', data => {
    text += data
  })
  await new Promise(resolve => socket.once('connect', resolve))
  return { socket, received: () => text }
}

function post(query: string, accept = 'application/json'): string {
  const body = JSON.stringify({ query })
  const head = `host: localhost\r\nauthorization: Bearer ${API_KEY}\r\naccept: ${accept}\r\n`
  return `POST /graphql HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

const STREAM = post('subscription { sessionsUpdated { cursor } }', 'text/event-stream')
/** The page of GraphiQL has some megabytes, more than the buffers of a socket. */
const PAGE = 'GET /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n'
const create = (key: string) =>
  post(`mutation { createSession(input: { idempotencyKey: "${key}", session: { kayle: {} } }) { __typename } }`)

async function countSessions(): Promise<number> {
  const { data } = await app.execute('{ sessions(first: 100) { nodes { id } } }')
  return data.sessions.nodes.length
}

test('are answered in their order', async () => {
  const { socket, received } = await open()
  const many = Array.from({ length: 8 }, (_, nth) => post(`{ nth${nth}: ${nth % 2 === 0 ? '__typename' : NODES} }`))
  socket.write(many.join(''))
  const answered = () => [...received().matchAll(/"nth(\d)"/g)].map(([, nth]) => Number(nth))
  await expect.poll(answered).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  // The connection is used again.
  socket.write(post('{ nth9: __typename }'))
  await expect.poll(answered).toHaveLength(9)
})

const NODES = 'sessions(first: 10) { nodes { id attempts(first: 3) { totalCount } } }'

test('wait for the response before theirs, and end with their connection', async () => {
  const { socket } = await open()
  socket.write(STREAM + create('behind a stream').repeat(16))
  await expect.poll(() => app.streams.count()).toBe(1)
  await sleep(200)
  expect(app.admission.inFlight).toBe(0)
  socket.destroy()
  await expect.poll(() => app.streams.count()).toBe(0)
  expect(await countSessions()).toBe(0)
})

test('start when the response before theirs was read', async () => {
  const { socket, received } = await open()
  socket.pause()
  socket.write(PAGE + create('behind a page') + PAGE.repeat(3))
  await expect.poll(() => app.admission.inFlight).toBe(1)
  await sleep(200)
  expect(app.admission.inFlight).toBe(1)
  expect(await countSessions()).toBe(0)
  socket.resume()
  await expect.poll(() => received().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(5)
  expect(await countSessions()).toBe(1)
})

test.each([
  ['for a stream', STREAM, post('{ __typename }')],
  ['for a page', PAGE, PAGE],
  ['with an unknown expectation', STREAM, post('{ __typename }').replace('accept', 'expect: something\r\naccept')],
])('close their connection if more than 16 wait %s', async (_what, first, next) => {
  const { socket } = await open()
  socket.pause()
  socket.write(first + next.repeat(16))
  await sleep(200)
  socket.write(next)
  socket.resume()
  await expect.poll(() => socket.closed).toBe(true)
})
