import { expect, test } from 'vitest'
import { toVariable } from '../src/config.ts'
import { STORIES } from '../src/demo/stories.ts'
import { PROVIDERS } from '../src/domain/provider.ts'
import { API_KEY, startHouse } from './harness/house.ts'
import { startScript } from './harness/scripts.ts'

const ALL = STORIES.length

test('the demo shows a session at each provider of a running server, and can be told twice', async () => {
  const house = await startHouse()
  const env = { SESSIONGRAPH_URL: house.url, DEV_API_KEY: API_KEY }
  for (const _ of [1, 2]) {
    const { code, stdout } = await startScript('demo', env).finished
    expect(stdout).toContain(`${ALL} of ${ALL} providers told their story.`)
    for (const provider of PROVIDERS) expect(stdout).toContain(provider)
    expect(code).toBe(0)
  }
  const { data } = await house.ask('{ sessions { totalCount } }')
  expect(data.sessions.totalCount).toBe(2 * ALL)
  await house.close()
})

test('the demo fails, and says why, where one provider cannot be had', async () => {
  const sandboxes = await startHouse()
  const withoutYorlet = Object.fromEntries(
    sandboxes.sandboxes
      .filter(({ provider }) => provider !== 'YORLET')
      .flatMap(({ provider, settings }) =>
        Object.entries(settings).map(([name, value]) => [toVariable(provider, name), String(value)]),
      ),
  )
  const house = await startHouse({ ...withoutYorlet, SANDBOX: 'off' })
  const { code, stdout } = await startScript('demo', { SESSIONGRAPH_URL: house.url, DEV_API_KEY: API_KEY }).finished
  expect(stdout).toContain('PROVIDER_NOT_CONFIGURED')
  expect(stdout).toContain(`${ALL - 1} of ${ALL} providers told their story.`)
  expect(code).toBe(1)
  await house.close()
  await sandboxes.close()
})

test('the demo fails where nobody answers at the address it was given', async () => {
  const { code, stdout } = await startScript('demo', { SESSIONGRAPH_URL: 'http://localhost:1/graphql' }).finished
  expect(stdout).toContain(`0 of ${ALL} providers told their story.`)
  expect(code).toBe(1)
})
