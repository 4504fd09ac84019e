import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../../harness/app/test-app.ts'
import { createRawClient, type RawClient } from '../../harness/clients/raw-client.ts'

/** Reverse proxies: prefixes of the path, request targets, and refusals that never reach GraphQL. */

const GRAPHQL = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
const QUERY = JSON.stringify({ query: '{ __typename }' })

let app: TestApp
let client: RawClient
beforeAll(async () => {
  app = await startApp({ BASE_PATH: '/onboarding' })
  client = createRawClient(app.url)
})
afterAll(async () => {
  client.close()
  await app.close()
})

describe.each([
  ['a proxy that removes the prefix', ''],
  ['a proxy that keeps the prefix', '/onboarding'],
])('%s', (_name, prefix) => {
  test.each(['/livez', '/readyz', '/console', '/console/main.js'])('reaches %s', async path => {
    expect((await client.execute({ method: 'GET', path: prefix + path })).status).toBe(200)
  })

  test('reaches GraphQL', async () => {
    const answer = await client.execute({ path: `${prefix}/graphql`, headers: GRAPHQL, body: QUERY })
    expect([answer.status, answer.text]).toEqual([200, '{"data":{"__typename":"Query"}}'])
  })

  test.each([
    ['/', '/graphql'],
    ['/console/', '/console'],
  ])('is redirected from %s to %s below its own prefix', async (path, target) => {
    const { status, headers } = await client.execute({ method: 'GET', path: prefix + path })
    expect([302, 308]).toContain(status)
    const seen = new URL(String(headers.location), `https://example.com/onboarding${path}`)
    expect(seen.href).toBe(`https://example.com/onboarding${target}`)
  })
})

test('a path that only begins with the same letters as the prefix is not found', async () => {
  expect((await client.execute({ method: 'GET', path: '/onboardinglivez' })).status).toBe(404)
})

describe('a request target with the whole URL', () => {
  test('is served by its path', async () => {
    const bytes = 'GET http://localhost/livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
    expect(await client.send(bytes)).toMatchObject({ status: 200, text: 'ok\n' })
  })

  test('has the host that counts', async () => {
    const answer = await client.send('GET http://evil.example/livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(answer.status).toBe(421)
  })
})

describe('every refusal has a JSON body with a code and a request id', () => {
  const HOST = `host: localhost\r\nauthorization: Bearer ${API_KEY}\r\nconnection: close\r\n`
  const WEBHOOK = '/webhooks/kayle/none'
  test.each([
    ['an unknown path', `GET /none HTTP/1.1\r\n${HOST}\r\n`, 404],
    [
      'metrics without permission',
      'GET /metrics HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 192.0.2.1\r\n\r\n',
      404,
    ],
    ['an unknown method', `PURGE /graphql HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['PUT', `PUT /graphql HTTP/1.1\r\n${HOST}content-length: 0\r\n\r\n`, 405],
    ['OPTIONS of a foreign origin', `OPTIONS /graphql HTTP/1.1\r\n${HOST}origin: https://evil.example\r\n\r\n`, 405],
    ['an expectation', `POST /graphql HTTP/1.1\r\n${HOST}expect: magic\r\ncontent-length: 0\r\n\r\n`, 417],
    ['an invalid host', 'GET /livez HTTP/1.1\r\nhost: a b\r\n\r\n', 400],
    ['two hosts', 'GET /livez HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n', 400],
    ['a foreign host', 'GET /livez HTTP/1.1\r\nhost: evil.example\r\n\r\n', 421],
    ['no HTTP', 'HELO\r\n\r\n', 400],
    ['long headers', `GET /livez HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['an unknown webhook', `POST ${WEBHOOK} HTTP/1.1\r\n${HOST}content-length: 0\r\n\r\n`, 404],
    ['a webhook by GET', `GET ${WEBHOOK} HTTP/1.1\r\n${HOST}\r\n`, 405],
  ])('%s', async (_name, bytes, status) => {
    const answer = await client.send(bytes)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json; charset=utf-8'])
    const [error] = JSON.parse(answer.text).errors
    expect(error).toMatchObject({ message: expect.stringMatching(/\.$/), extensions: { code: expect.any(String) } })
    expect(error.extensions.requestId).toMatch(/^[\w-]{8,}$/)
  })
})
