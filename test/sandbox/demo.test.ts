import { expect, test } from 'vitest'
import { envVarName } from '../../src/app/config.ts'
import { SCENARIOS } from '../../src/demo/scenarios.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { API_KEY, startApp } from '../harness/app/test-app.ts'
import { startScript } from '../harness/docs/scripts.ts'

const ALL = SCENARIOS.length

test('the demo shows a session at each provider of a running server, and can run twice', async () => {
  const app = await startApp()
  const env = { SESSIONGRAPH_URL: app.url, DEV_API_KEY: API_KEY }
  for (const _ of [1, 2]) {
    const { code, stdout } = await startScript('demo', env).finished
    expect(stdout).toContain(`${ALL} of ${ALL} scenarios succeeded.`)
    for (const provider of PROVIDERS) expect(stdout).toContain(provider)
    expect(code).toBe(0)
  }
  const { data } = await app.execute('{ sessions { totalCount } }')
  expect(data.sessions.totalCount).toBe(2 * ALL)
  await app.close()
})

test('the demo fails with the reason if a provider is unavailable', async () => {
  const sandboxes = await startApp()
  const withoutYorlet = Object.fromEntries(
    sandboxes.sandboxes
      .filter(({ provider }) => provider !== 'YORLET')
      .flatMap(({ provider, settings }) =>
        Object.entries(settings).map(([name, value]) => [envVarName(provider, name), String(value)]),
      ),
  )
  const app = await startApp({ ...withoutYorlet, SANDBOX: 'off' })
  const { code, stdout } = await startScript('demo', { SESSIONGRAPH_URL: app.url, DEV_API_KEY: API_KEY }).finished
  expect(stdout).toContain('PROVIDER_NOT_CONFIGURED')
  expect(stdout).toContain(`${ALL - 1} of ${ALL} scenarios succeeded.`)
  expect(code).toBe(1)
  await app.close()
  await sandboxes.close()
})

test('the demo fails if no server answers at the given URL', async () => {
  const { code, stdout } = await startScript('demo', { SESSIONGRAPH_URL: 'http://localhost:1/graphql' }).finished
  expect(stdout).toContain(`0 of ${ALL} scenarios succeeded.`)
  expect(code).toBe(1)
})
