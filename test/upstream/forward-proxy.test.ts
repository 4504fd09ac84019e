import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Providers behind a forward proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { providerId } }
      ... on MutationError { code retryable }
    }
  }
`

/** Kayle's sandbox, and a server in front of it that accepts every Host header. */
let sandbox: TestApp
const kayle = createServer(async (request, response) => {
  const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
  const { origin } = sandbox.sandbox('KAYLE')
  const method = request.method ?? 'GET'
  const body = method === 'GET' ? undefined : await text(request)
  const answer = await fetch(origin + request.url, { method, headers: headers as Record<string, string>, body })
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
})

beforeAll(async () => {
  sandbox = await startApp()
  await new Promise<void>(resolve => kayle.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  kayle.close()
  await sandbox.close()
})

type Behaviour = 'TUNNELS' | 'REFUSES' | 'HANGS'

interface Proxy {
  readonly url: string
  /** The targets of all CONNECT requests. */
  readonly targets: string[]
}

/** A proxy that connects every host to Kayle. */
async function startProxy(behaviour: Behaviour): Promise<Proxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer()
  server.on('connect', (request, incoming: Socket) => {
    sockets.add(incoming)
    targets.push(request.url ?? '')
    if (behaviour === 'HANGS') return
    if (behaviour === 'REFUSES') return incoming.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const outgoing = connect((kayle.address() as AddressInfo).port, '127.0.0.1', () => {
      incoming.write('HTTP/1.1 200 Connection established\r\n\r\n')
      incoming.pipe(outgoing).pipe(incoming)
    })
    sockets.add(outgoing)
    for (const socket of [incoming, outgoing]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets }
}

async function startBehind(env: NodeJS.ProcessEnv): Promise<TestApp> {
  const started = sandbox.sandboxes.find(({ provider }) => provider === 'KAYLE')
  const app = await startApp({
    KAYLE_API_KEY: String(started?.settings.apiKey),
    KAYLE_BASE_URL: 'http://kayle.example',
    ...env,
  })
  onTestFinished(() => app.close())
  return app
}

test.each(['HTTP_PROXY', 'http_proxy'])('%s: a provider is reached through the proxy', async name => {
  const proxy = await startProxy('TUNNELS')
  const app = await startBehind({ [name]: proxy.url })
  const { data } = await app.execute(CREATE, { key: name })
  expect(data.createSession.session.providerId).toMatch(/^vs_/)
  expect(proxy.targets).toEqual(['kayle.example:80'])
})

test('sandboxes of this machine are reached directly', async () => {
  const proxy = await startProxy('TUNNELS')
  const app = await startApp({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url })
  onTestFinished(() => app.close())
  const { data } = await app.execute(CREATE, { key: 'local' })
  expect(data.createSession.session.providerId).toMatch(/^vs_/)
  expect(proxy.targets).toEqual([])
})

test('a host of NO_PROXY is reached directly', async () => {
  const proxy = await startProxy('TUNNELS')
  const app = await startBehind({ HTTP_PROXY: proxy.url, NO_PROXY: 'other.example, kayle.example' })
  const { data } = await app.execute(CREATE, { key: 'direct' })
  expect(data.createSession).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
  expect(proxy.targets).toEqual([])
})

test.each(['REFUSES', 'HANGS'] as const)(
  'where the proxy %s nothing was sent, so the create has failed',
  async behaviour => {
    const proxy = await startProxy(behaviour)
    const app = await startBehind({ HTTP_PROXY: proxy.url, READ_DEADLINE_MS: '500' })
    const { data } = await app.execute(CREATE, { key: behaviour })
    expect(data.createSession).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
    expect(proxy.targets.length).toBeGreaterThan(0)
  },
)
