import { connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'

/** Endless bodies, on more connections than there are request slots. */

const MOST = 16
const sockets: Socket[] = []
let app: TestApp
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await app?.close()
})

/** Opens a request with the head and one byte of its body. Resolves with the response after `ms`. */
async function begin(path: string, headers = ''): Promise<() => string> {
  const { hostname, port } = new URL(app.url)
  const socket = connect({ host: hostname, port: Number(port) })
  sockets.push(socket)
  let received = ''
  socket.on('data', data => {
    received += data
  })
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}content-type: application/json\r\ncontent-length: 500\r\n\r\n{`,
  )
  return () => received
}

const authorization = `authorization: Bearer ${API_KEY}\r\n`

test.each([
  ['webhooks of an unknown endpoint', '/webhooks/kayle/unknown', '', '404'],
  ['operations without a key', '/graphql', '', '401'],
  ['operations with a bad key', '/graphql', 'authorization: Bearer sg_bad\r\n', '401'],
  ['pages that do not exist', '/nothing', '', '404'],
])('%s are answered before the body arrives, and occupy no slot', async (_what, path, headers, status) => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST), FAILED_AUTH_PER_MINUTE: '100000' }, { jobs: false })
  const answers = await Promise.all(Array.from({ length: 3 * MOST }, () => begin(path, headers)))
  await vi.waitFor(() => {
    for (const answer of answers) expect(answer()).toMatch(/^HTTP\/1\.1 (?:\d+)/)
  })
  // Excess incomplete bodies are refused.
  for (const answer of answers) expect(answer().slice(9, 12)).toMatch(new RegExp(`${status}|503`))
  expect((await app.execute('{ providers { provider } }')).errors).toEqual([])
})

test('requests of one key with endless bodies do not block other keys', async () => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST) }, { jobs: false })
  // The key is known from now on, and has all of its places.
  expect((await app.execute('{ __typename }')).status).toBe(200)
  await Promise.all(Array.from({ length: 4 * MOST }, () => begin('/graphql', authorization)))
  await vi.waitFor(() => expect(app.admission.inFlight).toBe(MOST))
  const body = JSON.stringify({ query: '{ providers { provider } }' })
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
  const statusOf = async () => (await fetch(app.url, { method: 'POST', headers, body })).status
  for (let round = 0; round < 20; round++) {
    expect(new Set(await Promise.all(Array.from({ length: MOST / 2 }, statusOf)))).toEqual(new Set([200]))
  }
})

test('a slow body loses its slot to other requests after a second', async () => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST) }, { jobs: false })
  // The key is known from now on, and has all of its places.
  expect((await app.execute('{ __typename }')).status).toBe(200)
  await Promise.all(Array.from({ length: MOST }, () => begin('/graphql', authorization)))
  const early = await begin('/graphql', authorization)
  await vi.waitFor(() => expect(early()).toMatch(/^HTTP\/1\.1 503/))
  await new Promise(resolve => setTimeout(resolve, 1_100))
  const late = await begin('/graphql', authorization)
  await vi.waitFor(() => expect(sockets.slice(0, MOST).filter(({ destroyed }) => destroyed)).toHaveLength(1))
  expect(late()).toBe('')
})

async function startWithToken(): Promise<{ maker: Client; token: Client; innocent: Client }> {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST) }, { jobs: false })
  const maker = await withKey(app)
  const token = await withClientToken(app, maker, { externalId: 'attacker' })
  const innocent = await withKey(app)
  // They are known from now on.
  for (const client of [maker, token, innocent]) expect((await client.execute('{ __typename }')).status).toBe(200)
  return { maker, token, innocent }
}

const headerOf = ({ token }: Client) => `authorization: Bearer ${token}\r\n`

test.each(['maker', 'innocent'] as const)(
  'slow bodies of one client token take no places from the %s, whose bodies may take longer than a second',
  async who => {
    const clients = await startWithToken()
    const early = await begin('/graphql', headerOf(clients[who]))
    const [first] = sockets
    await new Promise(resolve => setTimeout(resolve, 1_100))
    for (let count = 0; count < 2 * MOST; count++) await begin('/graphql', headerOf(clients.token))
    await vi.waitFor(() => expect(app.admission.inFlight).toBe(MOST))
    const late = await begin('/graphql', headerOf(clients[who]))
    const last = sockets.at(-1)
    await new Promise(resolve => setTimeout(resolve, 100))
    for (const socket of [first, last]) socket?.write(`"query":"{ __typename }"}`.padEnd(499))
    await vi.waitFor(() => {
      expect(early()).toMatch(/^HTTP\/1\.1 200/)
      expect(late()).toMatch(/^HTTP\/1\.1 200/)
    })
  },
)
