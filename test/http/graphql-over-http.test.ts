import { type Audit, serverAudits } from 'graphql-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

/** Requests as a client of ours sends them: with the key, and over GET with the header that prevents CSRF. */
function fetchFn(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'graphql-require-preflight': 'true', ...init.headers }
  return fetch(url, { ...init, headers })
}

const audits: readonly Audit[] = serverAudits({ url: () => app.url, fetchFn })

test('the audit suite is complete', () => {
  expect(audits.length).toBeGreaterThanOrEqual(60)
})

test.each(audits)('GraphQL over HTTP, $id: $name', async audit => {
  const result = await audit.fn()
  expect(result, 'reason' in result ? result.reason : '').toMatchObject({ status: 'ok' })
})
