import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { startApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'
import { type ExaminedApp, startExaminedApp } from '../harness/doctor.ts'
import { DEV, deliver, fromKayle, openEndpoint } from '../harness/providers/deliveries.ts'

/** `sessiongraph doctor`, the checks of providers: credentials, reachability, clock and webhooks. */

let examined: ExaminedApp

beforeAll(async () => {
  examined = await startExaminedApp('0d'.repeat(32))
})
afterAll(() => examined.close())

describe('a provider', () => {
  test('that rejects the credentials is a problem, with where they are set', () =>
    examined.expectProblem('KAYLE of dev', /rejects the credentials.*variables KAYLE_/, {
      KAYLE_API_KEY: 'wrong-key-entirely',
    }))

  test('that cannot be reached is a problem', () =>
    examined.expectProblem('KAYLE of dev', /cannot be reached.*network/, { KAYLE_BASE_URL: 'http://localhost:1' }))

  test.each([
    [503, '{}', /^KAYLE is reachable but fails \(status 503\)\. Check its status page, and try again later\.$/],
    [401, '{"code":"INVALID_KEY"}', /rejects the credentials \(status 401(, code INVALID_KEY)?\)/],
  ])('that answers with status %i is a problem with this status', async (status, body, message) => {
    await examined.expectProblem('KAYLE of dev', message, { KAYLE_BASE_URL: await answer(status, body) })
  })

  test('that is not at its URL is a problem', async () =>
    examined.expectProblem('KAYLE of dev', /not at this URL/, { KAYLE_BASE_URL: await answer(404, '{}') }))

  test('that answers something else is a problem', async () =>
    examined.expectProblem('KAYLE of dev', /contract/, { KAYLE_BASE_URL: await answer(200, '<p>Hello') }))

  test('that rate-limits is a problem without a change of settings', async () => {
    const KAYLE_BASE_URL = await answer(429, '{}')
    await examined.expectProblem('KAYLE of dev', /rate limit is exceeded \(status 429\)\. Try again later\.$/, {
      KAYLE_BASE_URL,
    })
  })

  test('of a tenant’s account is a problem with the command that sets it again', async () => {
    await examined.app.services.tenants.create({ id: 'own' })
    const given = { ...examined.own.settings('KAYLE'), apiKey: 'wrong-key-entirely' }
    await examined.app.services.providerSettings.set({ tenantId: 'own' }, { provider: 'KAYLE', given })
    await examined.expectProblem('KAYLE of own', /sessiongraph providers set own kayle/)
    await examined.app.services.providerSettings.remove({ tenantId: 'own' }, 'KAYLE')
  })

  test('that is a sandbox is ok while a server runs, and no problem while none does', async () => {
    const running = await startApp({}, { jobs: false })
    const { port } = new URL(running.sandbox('KAYLE').origin)
    const sandboxed = { SANDBOX: 'on', SANDBOX_PORT: port, KAYLE_API_KEY: '', KAYLE_BASE_URL: '' }
    const { findings } = await examined.examine(sandboxed)
    const message = expect.stringContaining('sandbox responds')
    expect(findings).toContainEqual({ state: 'OK', check: 'KAYLE of dev', message })
    await running.sandbox('KAYLE').faults([{ fault: { kind: 'status', status: 503 } }])
    await examined.expectProblem(
      'KAYLE of dev',
      /fails \(status 503.*\)\. It is a sandbox: clear its fault rules/,
      sandboxed,
    )
    await running.sandbox('KAYLE').faults([{ fault: { kind: 'hang' } }])
    await examined.expectProblem(
      'KAYLE of dev',
      /^It does not respond, although the server runs\. It is a sandbox: clear its fault rules/,
      { ...sandboxed, PORT: new URL(running.url).port },
    )
    await running.close()
    await examined.expectNote('KAYLE of dev', /^It does not respond\. It is a sandbox/, sandboxed)
  })
})

describe('a clock', () => {
  test.each([
    ['behind', 90_000],
    ['ahead of', -90_000],
  ])('that is %s the provider by more than half a minute is a problem', async (where, ms) => {
    const KAYLE_BASE_URL = await answer(200, NONE, new Date(Date.now() + ms))
    await examined.expectProblem('clock', new RegExp(`\\d\\d s ${where} KAYLE's.*NTP`), { KAYLE_BASE_URL })
  })

  test('that differs by a few seconds is ok', async () => {
    const KAYLE_BASE_URL = await answer(200, NONE, new Date(Date.now() + 20_000))
    const { code, findings } = await examined.examine({ KAYLE_BASE_URL })
    expect(findings).toContainEqual({ state: 'OK', check: 'clock', message: expect.stringMatching(/by (19|20) s\.$/) })
    expect(code).toBe(0)
  })
})

describe('the webhook endpoint', () => {
  const CHECK = 'webhooks of KAYLE of dev'

  test('that does not exist is reported, with the command that creates it', () =>
    examined.expectNote(CHECK, /polling only.*sessiongraph webhooks add kayle --tenant dev/))

  test('that the server creates from its settings is reported', () =>
    examined.expectNote(CHECK, /when it starts/, { KAYLE_WEBHOOK_SECRET: 'whsec_of-the-environment' }))

  test('that received nothing is reported, and is ok after a delivery', async () => {
    const policy = await openEndpoint(examined.app, 'KAYLE')
    await examined.expectNote(CHECK, new RegExp(`${policy.path}, one active secret; no delivery yet`))
    const event = { type: 'verification.session.created', sessionId: `vs_${'0'.repeat(64)}` }
    expect(await deliver(examined.app, policy, await fromKayle(policy, event))).toBe(204)
    const { findings } = await examined.examine()
    const message = expect.stringMatching(/last delivery at \d{4}-/)
    expect(findings).toContainEqual({ state: 'OK', check: CHECK, message })
    await examined.app.services.webhookEndpoints.remove(DEV, policy.id)
  })

  test('without a valid secret is a problem', async () => {
    const { endpoint } = await examined.app.services.webhookEndpoints.add(DEV, { provider: 'KAYLE', secrets: [] })
    await examined.expectProblem(CHECK, new RegExp(`webhooks rotate ${endpoint.id}`))
    await examined.app.services.webhookEndpoints.remove(DEV, endpoint.id)
  })

  test('without a decryption key is a problem', async () => {
    const { endpoint } = await examined.app.services.webhookEndpoints.add(DEV, { provider: 'KAYLE', privateKeys: [] })
    await examined.expectProblem(CHECK, /no private key for decryption/)
    await examined.app.services.webhookEndpoints.remove(DEV, endpoint.id)
  })
})

test('--tenant checks one tenant, and fails for an unknown one', async () => {
  await examined.app.services.tenants.create({ id: 'acme' })
  const { rows, run } = cliOf(examined.env)
  const findings: Finding[] = await rows('doctor', '--tenant', 'acme')
  expect(findings).toContainEqual(expect.objectContaining({ state: 'NOTE', check: 'acme' }))
  expect(findings.some(({ check }) => check.endsWith('of dev'))).toBe(false)
  expect(await run(['doctor', '--tenant', 'nobody'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/tenant/),
  })
})

/** An empty list of Kayle. */
const NONE = JSON.stringify({ data: [], pagination: { has_more: false, next_cursor: null } })

/** A Kayle server that gives the same response to every request, with its own clock. Returns its URL. */
async function answer(status: number, body: string, time = new Date()): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('date', time.toUTCString())
    response.setHeader('content-type', 'application/json')
    response.writeHead(status).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
