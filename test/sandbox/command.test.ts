import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { startApp } from '../harness/app/test-app.ts'
import { startScript } from '../harness/docs/scripts.ts'

const LAST_LINE = /YORLET_API_KEY=.*\n/

test('npm run sandbox prints settings with which a server reaches all sandboxes like real providers', async () => {
  const script = startScript('sandbox', { SANDBOX_PORT: '0' })
  onTestFinished(() => void script.process.kill())
  const env = toEnv(await script.printed(LAST_LINE))
  expect(Object.keys(env)).toEqual(
    expect.arrayContaining([
      'KAYLE_BASE_URL',
      'KAYLE_API_KEY',
      'PERSONR_BASE_URL',
      'PERSONR_EMAIL',
      'PERSONR_PASSWORD',
      'RAPIDLY_BASE_URL',
      'RAPIDLY_API_KEY',
      'VERILOCK_BASE_URL',
      'VERILOCK_API_KEY',
      'YORLET_BASE_URL',
      'YORLET_API_KEY',
    ]),
  )

  const app = await startApp({ ...env, SANDBOX: 'off' })
  const { data } = await app.execute('{ providers { configured sandbox } }')
  expect(data.providers).toEqual(PROVIDERS.map(() => ({ configured: true, sandbox: false })))
  const input = { idempotencyKey: 'key-1', session: { rapidly: { customer: { customerExternalId: 'usr_1337' } } } }
  const created = await app.execute(
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }',
    { input },
  )
  expect(created.data.createSession.__typename).toBe('CreateSessionPayload')
  await app.close()
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the sandboxes', async signal => {
  const script = startScript('sandbox', { SANDBOX_PORT: '0' })
  const env = toEnv(await script.printed(LAST_LINE))
  script.process.kill(signal)
  expect(await script.finished).toMatchObject({ code: 0, stderr: '' })
  await expect(fetch(`${env.KAYLE_BASE_URL}/_sandbox/objects`)).rejects.toThrow()
})

test('a taken port is reported, and no process remains', async () => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, 'localhost', resolve))
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as AddressInfo

  const { code, stdout, stderr } = await startScript('sandbox', { SANDBOX_PORT: String(port - 2) }).finished
  expect(code).toBe(1)
  expect(stderr).toMatch(/^Port \d+ is in use\. Set SANDBOX_PORT/)
  expect(stdout).toBe('')
})

test('an invalid port is reported with its setting', async () => {
  const { code, stderr } = await startScript('sandbox', { SANDBOX_PORT: 'many' }).finished
  expect(code).toBe(1)
  expect(stderr).toContain('SANDBOX_PORT')
})

/** Every line is a comment, empty, or a variable. */
function toEnv(printed: string): Record<string, string> {
  const lines = printed.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  for (const line of lines) expect(line).toMatch(/^[A-Z_]+=[\w@%+:,./-]+$/)
  return Object.fromEntries(lines.map(line => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]))
}
