import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/** Connections without a key do not take the places of callers with one, however many there are. */

const CONNECTIONS = 1_000
/** Far fewer than the connections. */
const MAX_IN_FLIGHT = '32'
const BODY = '{"query":"{ providers { provider } }"}'

let app: TestApp
const sockets = new Set<Socket>()
beforeAll(async () => {
  app = await startApp({ MAX_IN_FLIGHT, FAILED_AUTH_PER_MINUTE: '1000000' }, { jobs: false })
  // A caller that the server has seen before.
  expect((await askWhole()).slice(0, 12)).toBe('HTTP/1.1 200')
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
})
afterAll(() => app.close())

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) })
  sockets.add(socket)
  socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
  return socket
}

/** Sends the parts of a request, one packet each. Resolves with the first bytes of the response, '' without one. */
async function ask(...parts: readonly string[]): Promise<string> {
  const socket = await open()
  const answered = new Promise<string>(resolve => {
    socket.once('data', data => resolve(String(data))).once('close', () => resolve(''))
  })
  for (const part of parts) {
    socket.write(part)
    if (part !== parts.at(-1)) await sleep(20)
  }
  const answer = await answered
  socket.destroy()
  return answer
}

const HEAD = `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${API_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`
const askWhole = () => ask(HEAD + BODY)
/** The body comes after its head, as long ones do. */
const askInParts = () => ask(HEAD, BODY.slice(0, 10), BODY.slice(10))

/** What is sent on each connection, again and again on new ones as soon as the server has closed or answered one. */
const SENT: readonly (readonly [string, string])[] = [
  ['say nothing', ''],
  ['send their headers slowly', 'POST /graphql HTTP/1.1\r\nhost: localhost\r\nx: '],
  ['send their bodies slowly, without a key', head('/graphql', '')],
  ['send their bodies slowly, with a bad key', head('/graphql', 'authorization: Bearer sg_bad\r\n')],
  ['send their bodies slowly to an unknown webhook endpoint', head('/webhooks/kayle/unknown', '')],
  ['send their bodies slowly to an unknown path', head('/nothing', '')],
  ['ask for an unknown path', 'GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['ask without a key', head('/graphql', '', BODY)],
  ['ask with a bad key', head('/graphql', 'authorization: Bearer sg_bad\r\n', BODY)],
]

function head(path: string, headers: string, body = ''): string {
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}content-type: application/json\r\ncontent-length: ${body.length || 500}\r\n\r\n${body || '{'}`
}

describe(`callers with a key are served while ${CONNECTIONS} connections`, () => {
  test.each(SENT)('%s', async (_what, bytes) => {
    let opened = 0
    const attack = async () => {
      while (opened < CONNECTIONS) {
        opened++
        const socket = await open()
        socket.resume().write(bytes)
      }
    }
    const attacks = Array.from({ length: 200 }, attack)
    const answers: string[] = []
    const serve = async () => {
      do answers.push(...(await Promise.all([askWhole(), askInParts()])))
      while (opened < CONNECTIONS)
    }
    await Promise.all([...attacks, serve(), serve(), serve(), serve()])
    await serve()

    expect(opened).toBe(CONNECTIONS)
    expect(answers.filter(answer => !answer.startsWith('HTTP/1.1 200'))).toEqual([])
    expect(answers.length).toBeGreaterThanOrEqual(10)
  })
})
