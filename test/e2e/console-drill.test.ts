import { afterAll, beforeAll, expect, test } from 'vitest'
import { loseApplicant } from '../harness/app/console-app.ts'
import { connectTenant, type OwnProviders, startOwnProviders } from '../harness/app/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { DESKTOP, picture, useBrowser } from '../harness/clients/browser.ts'
import { withKey } from '../harness/clients/callers.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { deliver, openEndpoint, signKayle } from '../harness/providers/deliveries.ts'

/**
 * Four things go wrong at once: a create without an answer, a delivery that cannot be read, refused credentials, and a provider
 * that is down. An operator solves all of them with the console alone.
 */

const browser = useBrowser()
let app: TestApp
let own: OwnProviders

beforeAll(async () => {
  if (!CHROMIUM) return
  own = await startOwnProviders()
  app = await startApp({ BREAKER_MINIMUM_CALLS: '2', BREAKER_HALF_OPEN_AFTER_MS: '60000' }, { jobs: false })
})
afterAll(async () => {
  await app?.close()
  await own?.close()
})

test('an operator solves four problems that occur at once with the console alone', async () => {
  const tenantId = 'acme'
  await app.services.tenants.create({ id: tenantId })
  await connectTenant(app, tenantId, own)
  const client = await withKey(app, { tenantId })
  // 1. A create whose answer is lost, at a provider without a search.
  const key = await loseApplicant(client, own.sandbox('PERSONR'))
  // 2. A delivery that cannot be read.
  const kayle = await openEndpoint(app, 'KAYLE', { tenantId })
  await deliver(app, kayle, signKayle('not a JWE', kayle.secret, new Date()))
  // 3. A provider refuses the credentials, because somebody replaced them there.
  const { apiKey: valid = '' } = own.settings('KAYLE')
  await app.services.providerSettings.replaceSecrets(
    { tenantId },
    { provider: 'KAYLE', given: { apiKey: 'kk_revoked' } },
  )
  const refused = await app.services.accounts.get(tenantId, 'KAYLE')
  await refused.client.getSession?.({ providerId: `vs_${'0'.repeat(64)}` }, {}).catch(() => {})
  // 4. A provider is down.
  await own.sandbox('YORLET').faults([{ fault: { kind: 'status', status: 503 } }])
  const down = await app.services.accounts.get(tenantId, 'YORLET')
  for (let call = 0; call < 3; call += 1) await down.client.getCustomer?.({ providerId: 'cus_1' }, {}).catch(() => {})

  const { page, faults, close } = await browser.visit(DESKTOP)
  await page.goto(new URL('/console', app.url).href)
  await page.getByLabel('API key with the scope admin').fill(client.token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const problem = (title: string) => page.locator('section.alert', { has: page.getByRole('heading', { name: title }) })
  const credentials = problem('Kayle refuses our credentials')
  const outage = problem('Calls to Yorlet are paused')
  const request = problem('1 request without a known result')
  const delivery = problem('1 webhook delivery could not be applied')
  for (const each of [credentials, outage, request, delivery]) await each.waitFor()
  await picture(page, 'console-drill')
  expect(await page.locator('nav a').first().innerText()).toMatch(/^Needs attention\s*4/)
  const startedMs = performance.now()

  await credentials.getByRole('button', { name: 'Test connection' }).click()
  await credentials.getByText('Last test').waitFor()
  await credentials.getByText('failed, ').waitFor()
  await credentials.getByRole('button', { name: 'Replace credentials …' }).click()
  await page.getByLabel('Api key').fill(valid)
  await picture(page, 'console-credentials', false)
  await page.getByRole('button', { name: 'Replace and test' }).click()
  await credentials.waitFor({ state: 'detached' })

  await outage.getByText('it answers with server errors (5xx)').waitFor()
  await own.sandbox('YORLET').clearFaults()
  // One test is enough, however long the circuit stays open.
  await outage.getByRole('button', { name: 'Test connection' }).click()
  await outage.waitFor({ state: 'detached' })

  await request.getByRole('button', { name: `Settle ${key}` }).click()
  await page.getByRole('dialog').getByText('ford@example.com').waitFor()
  const { applicants = {} } = await own.sandbox('PERSONR').objects()
  const made = Object.entries(applicants).find(([, applicant]) =>
    JSON.stringify(applicant).includes('ford@example.com'),
  )
  await page.getByLabel('It was created').check()
  await page.getByLabel('Its id at Personr').fill(made?.[0] ?? '')
  await page.getByRole('dialog').getByRole('button', { name: 'Settle' }).click()
  await request.waitFor({ state: 'detached' })

  await delivery.getByRole('button', { name: /^Dismiss/ }).click()
  await page.getByLabel('Why does it not matter?').fill('A test of the provider')
  await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).click()
  await delivery.waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: 'Nothing needs attention' }).waitFor()
  expect(performance.now() - startedMs).toBeLessThan(60_000)

  await page.getByRole('link', { name: 'Activity' }).click()
  for (const action of [
    'Dismiss a webhook',
    'Settle a request: created',
    'Changed the settings',
    'Test the connection',
  ])
    await page.getByText(action).first().waitFor()
  expect(await app.services.operations.get({ tenantId }, { idempotencyKey: key })).toMatchObject({ state: 'SUCCEEDED' })
  expect(await page.content()).not.toContain(valid)
  expect(faults).toEqual([])
  await close()
}, 120_000)
