import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsoleApp, startConsoleApp } from '../harness/app/console-app.ts'
import { API_KEY } from '../harness/app/test-app.ts'
import { picture, useBrowser, VIEWPORTS } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { faintTexts, overflow } from '../harness/contrast-check.ts'
import { DEV, deliver, openEndpoint, signKayle } from '../harness/providers/deliveries.ts'

/** What the console shows while providers hang, fail and recover: each fits, is legible, and says what is true. */

const browser = useBrowser()
let at: ConsoleApp
let portalId: string
/** A note without a place to break the line. */
const LONG_NOTE = 'N'.repeat(500)

beforeAll(async () => {
  if (!CHROMIUM) return
  at = await startConsoleApp({
    BREAKER_MINIMUM_CALLS: '4',
    BREAKER_HALF_OPEN_AFTER_MS: '60000',
    READ_DEADLINE_MS: '400',
    RETRY_BUDGET_MIN: '0',
    RETRY_BUDGET_RATIO: '0',
  })
  const { app } = at
  await app.sandbox('VERILOCK').faults([{ fault: { kind: 'hang' } }])
  for (let count = 0; count < 3; count++) await call('/providers/VERILOCK/check')
  await app.sandbox('YORLET').faults([{ fault: { kind: 'status', status: 503 } }])
  for (let count = 0; count < 5; count++) await call('/providers/YORLET/check')
  await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'status', status: 503 } }])
  for (let count = 0; count < 5; count++) await create(randomUUID(), { kayle: {} })
  await app.sandbox('KAYLE').clearFaults()
  await call('/providers/KAYLE/check')
  await app.sandbox('RAPIDLY').faults([{ method: 'POST', fault: { kind: 'status', status: 503 } }])
  const key = randomUUID()
  await create(key, { rapidly: { customer: { customerExternalId: 'usr_1337' } } })
  await app.sandbox('RAPIDLY').clearFaults()
  portalId = (await app.services.operations.get({ tenantId: 'dev' }, { idempotencyKey: key })).id
  await call(`/sessions/${at.session.id}/refresh`)
  const kayle = await openEndpoint(app, 'KAYLE')
  await deliver(app, kayle, signKayle('not a JWE either', kayle.secret, new Date()))
  const [unreadable] = await app.services.webhookEndpoints.deliveries(DEV, 1, 'QUARANTINED')
  await app.services.webhookInbox.dismiss(DEV, unreadable?.id ?? '', { note: LONG_NOTE, actor: 'cli' })
}, 60_000)
afterAll(() => at?.app.close())

async function call(path: string): Promise<void> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
  const response = await at.app.app.fetch(`http://localhost/console/api${path}`, {
    method: 'POST',
    headers,
    body: '{}',
  })
  expect(response.status).toBe(200)
}

const create = (idempotencyKey: string, session: object) =>
  at.app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', {
    input: { idempotencyKey, session },
  })

async function open(page: Page, hash: string, text: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await page.getByText(text).first().waitFor()
}

async function find(page: Page, text: string, found: string): Promise<void> {
  await page.getByLabel('Find a session, person or request').fill(text)
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText(found).first().waitFor()
}

describe.each(VIEWPORTS)('at %s', (look, options) => {
  test('each state of a provider, each result of a search and each way to settle fits and is legible', async () => {
    const { page, faults, close } = await browser.visit(options)
    const check = async (name: string, fullPage = true) => {
      await picture(page, `console-bad-day-${look}-${name}`, fullPage)
      expect(await overflow(page), name).toBe(0)
      expect(await faintTexts(page), name).toEqual([])
    }
    await page.goto(at.url)
    await page.getByLabel('API key with the scope admin').fill(API_KEY)
    await page.getByRole('button', { name: 'Sign in' }).click()

    const card = (title: string) => page.locator('section.alert', { has: page.getByRole('heading', { name: title }) })
    await card('Most calls to Verilock fail').getByText('3 of 3 (reading)').waitFor()
    await card('Calls to Yorlet are paused').getByText('it answers with server errors (5xx)').waitFor()
    await card('Kayle is being tried again')
      .getByText('nothing now, because the test of the connection passed')
      .waitFor()
    await check('attention')
    await open(page, '#/health', 'making new records: it answers with server errors')
    await page.getByText('reading, 3 of 3 calls failed: calls time out').waitFor()
    await check('health', false)
    await open(page, '#/activity', 'Read a session from its provider')
    await check('activity')
    await find(page, at.quarantinedId, 'Could not be applied')
    await check('search-delivery')
    await find(page, at.session.requestId, 'New session at Kayle')
    await check('search-request')

    await open(page, '#/webhooks?state=DISMISSED', LONG_NOTE)
    await check('dismissed')
    await open(page, '#/operations', 'Result unknown')
    await page.locator(`[name="settle-${portalId}"]`).click()
    await page.getByLabel('It was created').check()
    await page.getByLabel('Its id at Rapidly').fill(randomUUID())
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Settle' }).click()
    // The browser asks for the confirmation of an id that cannot be checked.
    expect(await dialog.count()).toBe(1)
    await check('settle', false)
    expect(await at.app.services.operations.get({ tenantId: 'dev' }, { id: portalId })).toMatchObject({
      state: 'UNKNOWN',
    })
    expect(faults).toEqual([])
    await close()
  })
})
