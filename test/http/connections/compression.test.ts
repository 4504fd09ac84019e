import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../../harness/app/test-app.ts'
import type { RawRequest } from '../../harness/clients/raw-client.ts'

/** Compression of responses, and pages that browsers keep. */

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

function send({ method = 'GET', path = '/', headers = {}, body }: RawRequest): Promise<Reply> {
  const { port } = new URL(app.url)
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port, method, path, headers: { ...headers } }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk)).once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    sent.once('error', reject).end(body)
  })
}

const decode = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes } as const

const post = (query: string, accepted: string) =>
  send({
    method: 'POST',
    path: '/graphql',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', 'accept-encoding': accepted },
    body: JSON.stringify({ query }),
  })

describe.each([
  ['/graphql', 'text/html'],
  ['/console', 'text/html'],
  ['/console/main.js', '*/*'],
])('the file %s', (path, accept) => {
  test.each([
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['gzip;q=0, br;q=0', 'identity'],
    ['', 'identity'],
  ] as const)('is sent to a client that accepts "%s" as %s', async (accepted, encoding) => {
    const plain = await send({ path, headers: { accept } })
    const { headers, body } = await send({ path, headers: { accept, 'accept-encoding': accepted } })
    expect(headers['content-encoding'] ?? 'identity').toBe(encoding)
    expect(headers.vary).toMatch(/accept-encoding/i)
    expect(decode[encoding](body).equals(plain.body)).toBe(true)
  })
})

test.each([
  ['/console', 'text/html'],
  ['/console/main.js', '*/*'],
])('the file %s is not sent again to a browser that has it', async (path, accept) => {
  const { headers } = await send({ path, headers: { accept, 'accept-encoding': 'br' } })
  const again = await send({ path, headers: { accept, 'if-none-match': String(headers.etag) } })
  expect([again.status, again.body.length]).toEqual([304, 0])
  expect(headers['cache-control']).toBe('no-cache')
})

test('the page of GraphiQL, which contains the development key, is not stored, and no other origin may read it', async () => {
  const headers = { accept: 'text/html', origin: 'http://localhost:3000' }
  const page = await send({ path: '/graphql', headers })
  expect(page.body.includes(API_KEY)).toBe(true)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(page.headers).not.toHaveProperty('access-control-allow-origin')
})

// Each twice: by Yoga, and by the fast path once it is prepared.
describe.each([1, 2])('a GraphQL response, request %i', () => {
  test('of a query without secrets is compressed', async () => {
    const { headers, body } = await post('{ __schema { types { name fields { name } } } }', 'gzip')
    expect(headers['content-encoding']).toBe('gzip')
    expect(JSON.parse(gunzipSync(body).toString()).data.__schema.types.length).toBeGreaterThan(50)
  })

  test('of a query for secrets or personal data is not', async () => {
    const types = 'types { name description fields { name } }'
    const { headers, body } = await post(`{ __schema { ${types} } customers { nodes { email } } }`, 'gzip')
    expect(headers).toMatchObject({ 'cache-control': 'no-store, no-transform' })
    expect(headers['content-encoding']).toBeUndefined()
    expect(body.length).toBeGreaterThan(2_000)
  })

  test('of a mutation is not', async () => {
    const { headers } = await post(
      'mutation { cancelSession(input: { sessionId: "x" }) { ... on MutationError { code } } }',
      'gzip',
    )
    expect(headers['cache-control']).toBe('no-store, no-transform')
  })
})

test('a stream of events is not compressed', async () => {
  const { port } = new URL(app.url)
  const headers = {
    authorization: `Bearer ${API_KEY}`,
    'content-type': 'application/json',
    accept: 'text/event-stream',
    'accept-encoding': 'gzip, br',
  }
  await new Promise<void>((resolve, reject) => {
    const sent = request({ host: 'localhost', port, method: 'POST', path: '/graphql', headers }, response => {
      expect(response.headers['content-type']).toContain('text/event-stream')
      expect(response.headers['content-encoding']).toBeUndefined()
      sent.destroy()
      resolve()
    })
    sent.once('error', reject).end(JSON.stringify({ query: 'subscription { sessionsUpdated { cursor } }' }))
  })
})
