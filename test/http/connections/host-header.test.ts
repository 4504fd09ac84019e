import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../harness/app/test-app.ts'

/** A page of another site, whose name resolves to loopback (DNS rebinding), sends its own name as the Host. */

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app?.close())

function statusOf(url: string, host: string): Promise<number | undefined> {
  const { hostname, port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: pathname, headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
}

const FOREIGN = [
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '10.0.0.1',
  '[2001:db8::1]',
  'notlocalhost',
]
const OWN = ['localhost', 'LOCALHOST', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]']

describe.each([
  ['the development server', () => new URL('/livez', app.url).href],
  ['the development server with GraphiQL', () => app.url],
  ['a sandbox', () => app.sandbox('KAYLE').origin],
])('%s', (_name, urlOf) => {
  test.each(FOREIGN)('refuses the Host %s, with and without a port', async host => {
    expect(await statusOf(urlOf(), host)).toBe(421)
    expect(await statusOf(urlOf(), `${host}:4000`)).toBe(421)
  })

  test.each(OWN)('serves the Host %s, with and without a port', async host => {
    expect(await statusOf(urlOf(), host)).not.toBe(421)
    expect(await statusOf(urlOf(), `${host}:4000`)).not.toBe(421)
  })
})
