import { connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { DEFAULT_SOCKET_TIMEOUTS } from '../../src/http/limits.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/** Clients that ask for long responses and do not read them, on more connections than there are request slots. */

const MOST = 4
const sockets: Socket[] = []
let app: TestApp | undefined
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await app?.close()
  app = undefined
})

async function askAndDoNotRead(url: string, path: string, headers = ''): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  sockets.push(socket)
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n${headers}\r\n`)
  return socket
}

test.each([
  ['without a key', ''],
  ['with a key', `authorization: Bearer ${API_KEY}\r\n`],
])('clients %s that do not read their responses take no places from others', async (_who, headers) => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST) }, { jobs: false })
  const { url } = app
  const status = async () => (await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } })).status
  const authenticated = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: '{"query":"{ __typename }"}',
  })
  expect(authenticated.status).toBe(200)
  // The page of GraphiQL has some megabytes, more than the buffers of a socket.
  for (let count = 0; count < 3 * MOST; count++) await askAndDoNotRead(url, '/graphql', headers)
  await vi.waitFor(async () => expect(await status()).not.toBe(503), 10_000)
  const webhook = () => fetch(new URL('/webhooks/kayle/unknown', url), { method: 'POST' })
  await vi.waitFor(async () => expect((await webhook()).status).toBe(404), 10_000)
})

test('responses with the same page share its memory', async () => {
  app = await startApp({}, { jobs: false })
  const { url } = app
  const page = await fetch(url, { headers: { accept: 'text/html', 'accept-encoding': 'identity' } })
  const { byteLength } = await page.arrayBuffer()
  const before = process.memoryUsage().arrayBuffers
  for (let count = 0; count < 30; count++) await askAndDoNotRead(url, '/graphql')
  await vi.waitFor(() => expect(app?.admission.inFlight).toBe(30), 10_000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * byteLength)
})

test('a connection whose client does not read its response is closed', async () => {
  const server = createHttpServer((_request, response) => response.end(Buffer.alloc(64 * 1024 * 1024)), {
    ...DEFAULT_SOCKET_TIMEOUTS,
    stalledTimeoutMs: 300,
  }).listen(0, 'localhost')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('Expected a port.')
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  await askAndDoNotRead(`http://localhost:${address.port}`, '/')
  const socket = await accepted
  if (!socket.destroyed) await new Promise(resolve => socket.once('close', resolve))
  server.close()
})
