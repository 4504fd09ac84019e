import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient, type RawClient } from '../harness/clients/raw-client.ts'
import { KEY } from '../harness/documents/bad-requests.ts'
import { findLeaks } from '../harness/leak-detector.ts'

const HEAD = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: ${KEY.authorization}\r\ncontent-type: application/json\r\n`
const CHUNK = `4000\r\n${'x'.repeat(0x4000)}\r\n`
const BODY = '{"query":"{ __typename }"}'
/** Longer than any of the timeouts below. */
const QUIET_MS = 5_000

let app: TestApp
let client: RawClient

beforeAll(async () => {
  app = await startApp({ HEADERS_TIMEOUT_MS: '400', REQUEST_TIMEOUT_MS: '800', KEEP_ALIVE_TIMEOUT_MS: '300' })
  client = createRawClient(app.url)
})
afterAll(async () => {
  client.close()
  await app.close()
})

/** Sends a piece every 100 ms until the server closes. Returns the duration in milliseconds. */
async function drip(begin: string, piece: string): Promise<number> {
  const begun = performance.now()
  const socket = await client.open()
  socket.resume().write(begin)
  while (!socket.closed && performance.now() - begun < QUIET_MS) {
    if (socket.writable) socket.write(piece)
    await sleep(100)
  }
  return performance.now() - begun
}

describe('a slow client is closed', () => {
  test('with its headers', async () => {
    expect(await drip(HEAD, 'x: y\r\n')).toBeLessThan(QUIET_MS)
  })

  test('with its body', async () => {
    expect(await drip(`${HEAD}content-length: 1000\r\n\r\n`, ' ')).toBeLessThan(QUIET_MS)
  })

  test('with a body in chunks', async () => {
    expect(await drip(`${HEAD}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n')).toBeLessThan(QUIET_MS)
  })

  test('and gets a response', async () => {
    for (const begin of [HEAD, `${HEAD}content-length: 1000\r\n\r\n{`]) {
      const answer = await client.send(begin, QUIET_MS)
      expect([answer.status, findLeaks(answer)]).toEqual([408, { codes: ['BAD_REQUEST'], faults: [] }])
    }
  })

  test('that sends nothing at all', async () => {
    const begun = performance.now()
    await client.send('', QUIET_MS)
    expect(performance.now() - begun).toBeLessThan(QUIET_MS)
  })

  test('that sends no further request', async () => {
    const begun = performance.now()
    const answer = await client.send(`${HEAD}content-length: ${BODY.length}\r\n\r\n${BODY}`, QUIET_MS)
    expect(answer.status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(QUIET_MS)
  })
})

test('a client just fast enough is served', async () => {
  const socket = await client.open()
  const answered = new Promise<string>(resolve => socket.once('data', data => resolve(String(data))))
  socket.write(`${HEAD}content-length: ${BODY.length}\r\n\r\n`)
  for (const piece of BODY.match(/.{1,9}/g) ?? []) {
    await sleep(50)
    socket.write(piece)
  }
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /)
})

test.each([
  ['two lengths', `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
  ['a length and chunks', `${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`, 400],
  ['an invalid length', `${HEAD}content-length: -1\r\n\r\n{}`, 400],
  ['a chunk without its size', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['an unknown transfer encoding', `${HEAD}transfer-encoding: x\r\n\r\n{}`, 400],
  ['a body in chunks that is too long', `${HEAD}transfer-encoding: chunked\r\n\r\n${CHUNK.repeat(17)}0\r\n\r\n`, 413],
  ['a body in chunks without end', `${HEAD}transfer-encoding: chunked\r\n\r\n${CHUNK.repeat(200)}`, 413],
  ['headers of 20 KB', `${HEAD}x: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['3,000 headers', `${HEAD}${'xxxx: yyyy\r\n'.repeat(3_000)}\r\n`, 431],
  ['a space in a header name', `${HEAD}a b: c\r\n\r\n`, 400],
  ['a null character in a header', `${HEAD}a: b\0c\r\n\r\n`, 400],
  ['a folded header', `${HEAD}a: b\r\n c\r\n\r\n`, 400],
  ['no host', 'GET /graphql HTTP/1.1\r\n\r\n', 400],
  ['two hosts', 'GET /graphql HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n', 400],
  ['an invalid host', 'GET /graphql HTTP/1.1\r\nhost: [::\r\n\r\n', 400],
  ['a host with a space', 'GET /graphql HTTP/1.1\r\nhost: a b\r\n\r\n', 400],
  ['a host with an invalid port', 'GET /graphql HTTP/1.1\r\nhost: a:99999\r\n\r\n', 400],
  ['a host that is half an address', 'GET /graphql HTTP/1.1\r\nhost: 1.2.3.999\r\n\r\n', 400],
  ['a host of colons', 'POST /graphql HTTP/1.1\r\nhost: [:::::]\r\n\r\n', 400],
  ['a host with a path', 'GET /graphql HTTP/1.1\r\nhost: a/b\r\n\r\n', 400],
  ['no path', 'GET  HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['a path of slashes', 'GET // HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['the URL of another host', 'GET http://elsewhere.example/graphql HTTP/1.1\r\nhost: a\r\n\r\n', 421],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /graphql\r\n', 408],
  ['HTTP/9.9', 'GET /graphql HTTP/9.9\r\nhost: a\r\n\r\n', 400],
  ['HTTP/2 in clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['an invalid method', 'G@T /graphql HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['a greeting of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['an answer', 'HTTP/1.1 200 OK\r\n\r\n', 400],
  ['a mail', 'EHLO example.com\r\n', 400],
])('(%s) gets our error response, or is closed', async (_what, bytes, status) => {
  const answer = await client.send(Buffer.from(bytes, 'latin1'), 1_000)
  expect([answer.status, findLeaks(answer).faults]).toEqual([status, []])
  expect(findLeaks(answer).codes).toHaveLength(1)
})

test('1,000 idle connections do not prevent others from being answered', async () => {
  const idle = await startApp()
  const many = createRawClient(idle.url)
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => many.open()))
  const headers = { ...KEY, 'content-type': 'application/json' }
  const times: number[] = []
  for (let count = 0; count < 50; count++) {
    const { status, ms } = await many.execute({ headers, body: '{"query":"{ sessions { totalCount } }"}' })
    expect(status).toBe(200)
    times.push(ms)
  }
  expect(sockets.filter(socket => !socket.closed)).toHaveLength(1_000)
  console.info(`with 1,000 idle connections: max ${Math.max(...times).toFixed(1)} ms`)
  expect(Math.max(...times)).toBeLessThan(1_500)
  many.close()
  await idle.close()
})
