import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsoleApp, startConsoleApp } from '../harness/app/console-app.ts'
import { API_KEY, startApp } from '../harness/app/test-app.ts'
import { DESKTOP, picture, useBrowser, VIEWPORTS } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { faintTexts, namelessControls, overflow } from '../harness/contrast-check.ts'
import { DEV } from '../harness/providers/deliveries.ts'

/** The console in a browser: each view, on a desktop and a phone, in light and dark mode, by keyboard. */

const browser = useBrowser()
let at: ConsoleApp

beforeAll(async () => {
  if (CHROMIUM) at = await startConsoleApp()
}, 60_000)
afterAll(() => at?.app.close())

/** The address of each view, and a text that it shows when it has loaded. */
const VIEWS: readonly (readonly [name: string, hash: () => string, text: string])[] = [
  ['health', () => '#/health', 'In progress'],
  ['sessions', () => '#/sessions', 'Expired and cancelled'],
  ['operations', () => '#/operations', 'Outcome unknown'],
  ['webhooks', () => '#/webhooks', 'Inbox'],
  ['drift', () => '#/drift', 'liveness_of_the_face'],
  ['session', () => `#/session/${at.session.id}`, 'Session created'],
  ['search', () => '#/search', 'By external id'],
]

/** A visit that also fails for violations of the page's content security policy. */
async function open(options: BrowserContextOptions = DESKTOP, url = at.url) {
  const visit = await browser.visit(options)
  visit.page.on('console', message => {
    if (message.type() === 'error' && !message.text().includes('401')) visit.faults.push(message.text())
  })
  await visit.page.goto(url)
  return visit
}

async function signIn(page: Page, key = API_KEY): Promise<void> {
  await page.getByLabel('API key with the scope admin').fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function signedIn(options?: BrowserContextOptions, url?: string) {
  const opened = await open(options, url)
  await signIn(opened.page)
  await opened.page.getByRole('heading', { level: 1, name: 'Provider health' }).waitFor()
  return opened
}

async function go(page: Page, hash: string, text: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await page.getByText(text).first().waitFor()
  await page.waitForTimeout(SETTLES_MS)
}

/** Charts are drawn after their width is known. */
const SETTLES_MS = 150

describe.each(VIEWPORTS)('at %s', (look, options) => {
  test('every view fits, is legible, and requests nothing from other hosts', async () => {
    const { page, hosts, faults, close } = await signedIn(options)
    for (const [name, hash, text] of VIEWS) {
      await go(page, hash(), text)
      await picture(page, `console-${look}-${name}`)
      expect(await overflow(page), name).toBe(0)
      expect(await faintTexts(page), name).toEqual([])
      expect(await namelessControls(page), name).toEqual([])
      expect(await page.getByRole('heading', { level: 1 }).count(), name).toBe(1)
    }
    expect([...hosts]).toEqual([new URL(at.url).host])
    expect(faults).toEqual([])
    await close()
  })

  test('the login and the confirmation dialog are legible', async () => {
    const { page, close } = await open(options)
    await picture(page, `console-${look}-login`)
    expect(await faintTexts(page)).toEqual([])
    await signIn(page)
    await page.getByRole('heading', { name: 'Provider health' }).waitFor()
    await go(page, '#/operations', 'Outcome unknown')
    await page.getByRole('button', { name: 'Settle' }).first().click()
    await picture(page, `console-${look}-settle`, false)
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await close()
  })
})

test('charts are drawn, and described in words and numbers', async () => {
  const { page, close } = await signedIn()
  await page.locator('canvas').first().waitFor()
  const personr = page.locator('section', { has: page.getByRole('heading', { name: /^Personr/ }) })
  await page.getByRole('button', { name: 'Personr', exact: true }).press('Enter')
  expect(await page.evaluate('document.activeElement.innerText')).toMatch(/^Personr/)
  await expect.poll(() => personr.locator('canvas').count()).toBe(2)
  // 14,400 calls in six hours; each minute of the test takes 40 of them out of the span.
  await expect.poll(() => personr.getByText(/of 1[34],\d{3} calls failed/).count()).toBe(1)
  await expect.poll(() => personr.getByRole('img', { name: /Circuit: open in \d+ of/ }).count()).toBe(1)
  await personr.getByText('Numbers').first().click()
  const numbers = personr.getByRole('region', { name: 'Latency, numbers' })
  await expect.poll(() => numbers.getByRole('row').count()).toBeGreaterThan(50)
  await page.getByRole('button', { name: '24 hours' }).click()
  await page.locator('[aria-pressed=true]', { hasText: '24 hours' }).waitFor()
  expect(page.url()).toContain('span=24h')
  await close()
})

test('sessions are found by status, outcome and external id, and link to their timeline', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/sessions', 'By status and outcome')
  await page.getByRole('link', { name: 'Completed · Rejected' }).click()
  await page.waitForURL(/outcome=REJECTED/)
  await page.locator('[aria-busy]').waitFor({ state: 'detached' })
  expect(new Set(await page.locator('td[data-name=Outcome]').allInnerTexts())).toEqual(new Set(['Rejected']))
  await page.getByLabel('Outcome', { exact: true }).selectOption('APPROVED')
  await expect.poll(() => page.locator('td[data-name=Outcome]').first().innerText()).toBe('Approved')

  await go(page, '#/search', 'By external id')
  await page.getByLabel('External id').fill(at.session.externalId)
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('link', { name: `Timeline of the session of ${at.session.externalId}` }).click()
  await page.getByText('Session created').waitFor()
  const events = await page.locator('.timeline li').allInnerTexts()
  expect(events.length).toBeGreaterThan(4)
  expect(events[0]).toContain('from a mutation')
  expect(events.at(-1)).toContain('from a read')
  // Each event and each source has its own label.
  for (const event of events) expect(event).not.toMatch(/[a-z][A-Z]|[A-Z]{2}_| · (Caller|Fetch|Webhook|Derived)/)
  expect(page.url()).not.toContain(at.session.externalId)
  await page.getByRole('link', { name: 'all records of this user' }).click()
  await page.getByRole('heading', { name: 'Customers' }).waitFor()
  for (const recordType of ['Sessions', 'Applicants', 'Customers']) {
    const found = page.locator('section', { has: page.getByRole('heading', { name: recordType, exact: true }) })
    expect(await found.locator('tbody tr').count(), recordType).toBe(1)
  }
  await page.getByLabel('External id').fill('nobody')
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByText('No records with this external id.').waitFor()
  await close()
})

test('a long list shows its first rows, and loads more at its end', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/sessions', 'By status and outcome')
  expect(await page.locator('tbody tr').count()).toBe(15)
  await page.getByRole('button', { name: 'Show all 50' }).press('Enter')
  expect(await page.locator('tbody tr').count()).toBe(50)
  expect(await page.evaluate('document.activeElement.closest("tr").rowIndex')).toBe(16)
  await close()
})

test('a create is settled as not made after a confirmation, by keyboard alone', async () => {
  const [, key = ''] = at.unknownCreate
  const { page, close } = await signedIn()
  await go(page, '#/operations', 'Outcome unknown')
  expect(await page.locator('td[data-name=Record]').first().innerText()).toBe('Session at Kayle')
  await page.getByRole('button', { name: `Settle ${key}` }).press('Enter')
  await page.getByRole('heading', { name: 'Settle this session' }).waitFor()
  await page.getByLabel(/It was not created/).press('Space')
  await page.getByRole('dialog').getByRole('button', { name: 'Settle' }).press('Enter')
  await page.getByText('Settled: it was not created.').waitFor()
  await page.getByRole('button', { name: `Settle ${key}` }).waitFor({ state: 'detached' })
  expect(await at.app.services.operations.get(DEV, { idempotencyKey: key })).toMatchObject({ state: 'FAILED' })
  await close()
})

test('a create is settled as made; the dialog reports an id that the provider does not know', async () => {
  const [key = ''] = at.unknownCreate
  const { page, close } = await signedIn()
  await go(page, '#/operations', 'Outcome unknown')
  await page.getByRole('button', { name: `Settle ${key}` }).click()
  await page.getByLabel('It was created').check()
  await page.getByLabel('Its id at Kayle').fill(`vs_${'0'.repeat(64)}`)
  await page.getByRole('dialog').getByRole('button', { name: 'Settle' }).click()
  await page.getByRole('dialog').getByRole('alert').filter({ hasText: /\.$/ }).waitFor()
  const { sessions = {} } = await at.app.sandbox('KAYLE').objects()
  await page.getByLabel('Its id at Kayle').fill(Object.keys(sessions).at(-1) ?? '')
  await page.getByRole('dialog').getByRole('button', { name: 'Settle' }).click()
  await page.getByText('Settled: it was created.').waitFor()
  expect(await at.app.services.operations.get(DEV, { idempotencyKey: key })).toMatchObject({ state: 'SUCCEEDED' })
  await close()
})

test('a delivery is replayed, and its result is shown', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/webhooks', 'Inbox')
  await page.getByRole('button', { name: 'Replay a delivery of Kayle' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click()
  await page.getByText('Replayed: the delivery is quarantined.').waitFor()
  expect((await at.app.services.webhookEndpoints.delivery(DEV, at.quarantinedId)).attempts).toBe(1)
  await close()
})

test('the keyboard reaches everything visibly, and the tab key stays inside a dialog', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/health', 'In progress')
  for (let press = 0; press < 12; press += 1) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outline')).toMatch(/solid [2-9]/)
  }
  await go(page, '#/webhooks', 'Inbox')
  await page
    .getByRole('button', { name: /^Replay/ })
    .first()
    .press('Enter')
  for (let press = 0; press < 6; press += 1) {
    await page.keyboard.press('Tab')
    // Beside the dialog only the browser's own controls are reachable.
    expect(await page.evaluate('document.activeElement.closest("main, header")')).toBeNull()
  }
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await close()
})

test('an invalid key is refused, and a valid one stays in this tab and in no cookie, URL or other storage', async () => {
  const { page, close } = await open()
  await signIn(page, `sg_${'x'.repeat(43)}`)
  await page.getByText('Invalid API key.').waitFor()
  await signIn(page)
  await page.getByRole('heading', { name: 'Provider health' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Provider health' }).waitFor()
  expect(await page.evaluate('document.cookie + location.href + JSON.stringify(localStorage)')).not.toContain(API_KEY)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('API key with the scope admin').waitFor()
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  await close()
})

test('an unreachable server is reported in one sentence, with a retry button', async () => {
  const { page, close } = await signedIn()
  await page.route('**/console/api/**', route => route.abort())
  await go(page, '#/drift', 'The server cannot be reached.')
  await picture(page, 'console-failure', false)
  await page.unroute('**/console/api/**')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('liveness_of_the_face').waitFor()
  await close()
})

test('every view without data says so, and when data will appear', async () => {
  const app = await startApp({}, { jobs: false })
  const { page, faults, close } = await signedIn(DESKTOP, new URL('/console', app.url).href)
  for (const [name, text] of [
    ['health', 'No calls in this period.'],
    ['sessions', 'No sessions in the last 30 days.'],
    ['operations', 'No unknown creates.'],
    ['webhooks', 'No deliveries.'],
    ['drift', 'No drift.'],
    ['nowhere', 'Page not found'],
  ] as const) {
    await go(page, `#/${name}`, text)
    await picture(page, `console-empty-${name}`, false)
  }
  await go(page, '#/session/unknown', 'Session not found.')
  expect(faults.filter(fault => !fault.includes('404'))).toEqual([])
  await close()
  await app.close()
})
