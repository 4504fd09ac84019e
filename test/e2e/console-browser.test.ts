import { randomUUID } from 'node:crypto'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertMinutes } from '../../db/repositories/provider-stats-repository.ts'
import { type ConsoleApp, loseApplicant, startConsoleApp } from '../harness/app/console-app.ts'
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
  ['attention', () => '#/attention', 'could not be applied'],
  ['health', () => '#/health', 'Why calls failed'],
  ['sessions', () => '#/sessions', 'How far people get'],
  ['operations', () => '#/operations', 'Result unknown'],
  ['webhooks', () => '#/webhooks', 'Deliveries'],
  ['drift', () => '#/drift', 'liveness_of_the_face'],
  ['activity', () => '#/activity', 'Latest actions'],
  ['session', () => `#/session/${at.session.id}`, 'Session created'],
  ['search', () => '#/search', 'Nothing was searched yet.'],
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
  await opened.page.getByRole('heading', { level: 1, name: 'Needs attention' }).waitFor()
  return opened
}

async function go(page: Page, hash: string, text: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await page.getByText(text).first().waitFor()
  await page.waitForTimeout(SETTLES_MS)
}

const settled = (page: Page) => page.locator('main:not([aria-busy])').waitFor()

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
    await page.getByRole('heading', { name: 'Needs attention' }).waitFor()
    await go(page, '#/operations', 'Result unknown')
    await page.getByRole('button', { name: 'Settle' }).first().click()
    await page.getByRole('dialog').waitFor()
    expect(await faintTexts(page)).toEqual([])
    await picture(page, `console-${look}-settle`, false)
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await close()
  })
})

test('charts are drawn, and described in words and numbers, and reading them moves nothing', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/health', 'Why calls failed')
  await page.locator('canvas').first().waitFor()
  const personr = page.locator('section', { has: page.getByRole('heading', { name: /^Personr/ }) })
  await page.getByRole('button', { name: 'Personr', exact: true }).press('Enter')
  expect(await page.evaluate('document.activeElement.innerText')).toMatch(/^Personr/)
  await expect.poll(() => personr.locator('canvas').count()).toBe(2)
  // 14,400 calls in six hours; each minute of the test takes 40 of them out of the span.
  await expect.poll(() => personr.getByText(/^1[34],\d{3} calls, 1,\d{3} failed \(8\.\d %\)/).count()).toBe(1)
  await expect.poll(() => personr.getByRole('img', { name: /Calls: paused in \d+ of/ }).count()).toBe(1)
  expect(await personr.locator('.bars li').allInnerTexts()).toEqual([
    expect.stringMatching(/^Timeout\s+7[678]0/),
    expect.stringMatching(/^Server error \(5xx\)\s+3[89]0/),
    expect.stringMatching(/^Too many requests \(429\)\s+1\d/),
  ])
  const [plot, heightOf] = [personr.locator('.plot').first(), () => page.evaluate('document.body.scrollHeight')]
  const before = await heightOf()
  await plot.hover()
  await expect.poll(() => personr.locator('.reading').first().innerText()).toMatch(/p99 .*p95 .*p50 /)
  expect(await heightOf()).toBe(before)
  await personr.getByText('Numbers').first().click()
  const numbers = personr.getByRole('region', { name: 'Response time, numbers' })
  await expect.poll(() => numbers.getByRole('row').count()).toBeGreaterThan(50)
  await page.getByRole('button', { name: '24 hours' }).click()
  await page.locator('[aria-pressed=true]', { hasText: '24 hours' }).waitFor()
  expect(page.url()).toContain('span=24h')
  await close()
})

test('a single minute with calls is drawn as a point', async () => {
  const app = await startApp({}, { jobs: false })
  const [account] = app.services.accounts.all()
  if (!account) throw new Error('There is no account.')
  const at = new Date(Date.now() - (Date.now() % 60_000) - 600_000)
  const minute = { calls: 1, failures: {}, latencies: new Map([[40, 1]]), circuit: 'CLOSED', instance: 'one' } as const
  const { id: accountId, tenantId, provider } = account
  await insertMinutes(app.db, [{ ...minute, id: randomUUID(), tenantId, accountId, provider, at }])
  const { page, close } = await signedIn(DESKTOP, new URL('/console', app.url).href)
  await go(page, '#/health?span=1h', '1 call, 0 failed')
  const drawn = await page.evaluate(`(() => {
    const canvas = document.querySelector('canvas')
    const { data } = canvas.getContext('2d').getImageData(60 * devicePixelRatio, 0, canvas.width - 60, canvas.height / 2)
    let painted = 0
    for (let index = 0; index < data.length; index += 4) if (data[index + 3] > 200 && Math.abs(data[index] - data[index + 2]) > 40) painted++
    return painted
  })()`)
  expect(drawn).toBeGreaterThan(5)
  await close()
  await app.close()
})

/** Addresses that a person or a link may contain. */
const HOSTILE_HASHES = [
  '#/__proto__',
  '#/constructor',
  '#/toString',
  '#/hasOwnProperty/x',
  '#/nothing',
  '#/session',
  '#/session/%',
  '#/session/%E0%A4%A',
  '#/%',
  '#/%E0%A4%A?x=%',
  '#__proto__',
  '#/<img src=x onerror=alert(1)>',
]

test('an address that no view has shows the first view, and says so', async () => {
  const { page, faults, close } = await signedIn()
  const title = page.getByRole('heading', { level: 1 })
  for (const hash of HOSTILE_HASHES) {
    await go(page, '#/activity', 'Latest actions')
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    await expect.poll(() => title.innerText(), { message: hash }).toBe('Needs attention')
    await settled(page)
    await page.getByText('could not be applied').first().waitFor()
    const notice = page.getByText('This page does not exist.')
    await notice.waitFor()
    await notice.evaluate(element => element.remove())
  }
  await page.goto('about:blank')
  await page.goto(`${at.url}#/session/%`)
  await page.getByText('This page does not exist.').waitFor()
  for (const hash of ['#/webhooks?state=NONSENSE', '#/sessions?statsu=CREATED', '#/session/..%2Fme'])
    await go(page, hash, 'Try again')
  expect(faults.filter(fault => !/40[04]/.test(fault))).toEqual([])
  await close()
})

test('a search that is refused says why, and does not keep the results of the one before', async () => {
  const { page, close } = await signedIn()
  const find = async (text: string) => {
    await page.getByLabel('Find a session, person or request').fill(text)
    await page.getByRole('button', { name: 'Find' }).click()
  }
  await find(at.session.providerId)
  await page.getByRole('heading', { name: 'Sessions', level: 2 }).waitFor()
  await find('x'.repeat(300))
  await page.getByText(/^query: .*255/).waitFor()
  expect(await page.getByText(at.session.providerId).count()).toBe(0)
  await close()
})

test('a confirmation closes with its view', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/operations', 'Result unknown')
  await page.getByRole('button', { name: 'Settle' }).first().click()
  await page.getByRole('dialog').waitFor()
  await page.goBack()
  await page.getByRole('heading', { level: 1, name: 'Needs attention' }).waitFor()
  expect(await page.getByRole('dialog').count()).toBe(0)
  await close()
})

test('the object of an action leads to it', async () => {
  const { page, close } = await signedIn()
  const { app, session } = at
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
  const path = `http://localhost/console/api/sessions/${session.id}/refresh`
  await app.app.fetch(path, { method: 'POST', headers, body: '{}' })
  await go(page, '#/activity', 'Read a session from its provider')
  await page
    .getByRole('link', { name: `Find ${session.id}` })
    .first()
    .click()
  await page.getByRole('link', { name: `Open the session of ${session.externalId}` }).click()
  await page.getByText('Session created').waitFor()
  await close()
})

test('sessions are filtered by state and day, and paged', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/sessions', 'By status and outcome')
  await page.getByRole('link', { name: 'Completed · Rejected' }).click()
  await page.waitForURL(/outcome=REJECTED/)
  await settled(page)
  expect(new Set(await page.locator('td[data-name=Outcome]').allInnerTexts())).toEqual(new Set(['Rejected']))
  await page.getByLabel('Outcome', { exact: true }).selectOption('APPROVED')
  await expect.poll(() => page.locator('td[data-name=Outcome]').first().innerText()).toBe('Approved')

  await go(page, '#/sessions', 'By status and outcome')
  const ids = () =>
    page.evaluate(`[...document.querySelectorAll('td[data-name="Our id"] code')].map(code => code.title)`)
  const first = (await ids()) as string[]
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByRole('button', { name: 'Newest' }).waitFor()
  const second = (await ids()) as string[]
  expect([first.length, second.length, new Set([...first, ...second]).size]).toEqual([20, 20, 40])
  await page.getByRole('button', { name: 'Newer' }).click()
  await page.getByText('Newest first').first().waitFor()
  expect(await ids()).toEqual(first)

  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)
  await page.getByLabel('From day (UTC)').fill(day)
  await page.waitForURL(/from=/)
  await page.getByLabel('To day (UTC)').fill(day)
  await page.waitForURL(/until=/)
  const times = async () =>
    (await page.evaluate(
      '[...document.querySelectorAll("td[data-name=Created] time")].map(time => time.dateTime.slice(0, 10))',
    )) as string[]
  await expect.poll(async () => [...new Set(await times())]).toEqual([day])
  await close()
})

test('a session is found by each of its ids, and its page shows everything that is known about it', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/sessions', 'By status and outcome')
  const find = async (text: string) => {
    await page.getByLabel('Find a session, person or request').fill(text)
    await page.getByRole('button', { name: 'Find' }).click()
    await page.waitForURL(/#\/search/)
    await page.getByText(text, { exact: true }).first().waitFor()
  }
  const open = page.getByRole('link', { name: `Open the session of ${at.session.externalId}` })
  await find(at.session.externalId)
  expect(page.url()).not.toContain(at.session.externalId)
  for (const recordType of ['Sessions', 'Applicants', 'Customers']) {
    const found = page.locator('section', { has: page.getByRole('heading', { name: recordType, exact: true }) })
    expect(await found.locator('tbody tr').count(), recordType).toBe(1)
  }
  const { providerId, requestId, graphqlId } = at.session
  for (const text of [at.session.id, providerId, requestId, graphqlId]) {
    await find(text)
    await expect.poll(() => open.count()).toBe(1)
  }
  await find('zaphod@example.com')
  await page.getByRole('heading', { name: 'Customers' }).waitFor()
  await find(at.session.id)
  await open.click()
  await page.getByText('Session created').waitFor()
  const events = await page.locator('.timeline li').allInnerTexts()
  expect(events.length).toBeGreaterThan(4)
  expect(events[0]).toContain('by a request')
  expect(events[0]).toMatch(/\d:\d\d:\d\d.*(UTC|GMT).*ago|now/)
  expect(events.at(-1)).toContain('read from the provider')
  // Each event and each source has its own label.
  for (const event of events) expect(event).not.toMatch(/[a-z][A-Z]|[A-Z]{2}_| · (Caller|Fetch|Webhook|Derived)/)
  await page.getByRole('heading', { name: 'Attempts and checks' }).waitFor()
  expect(await page.getByText(requestId).count()).toBe(1)
  await page.getByRole('button', { name: 'Read from Kayle now' }).click()
  await page.getByText('Read from Kayle.').waitFor()
  await page.getByText('Cannot be cancelled: it has ended.').waitFor()
  await page.getByRole('link', { name: 'everything about this person' }).click()
  await page.getByRole('heading', { name: 'Customers' }).waitFor()
  await page.getByLabel('Find a session, person or request').fill('nothing-of-ours')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('Nothing was found for “nothing-of-ours”.').waitFor()
  await close()
})

test('a dialog about a create that somebody else settled meanwhile says so, and offers only to close it', async () => {
  const key = await loseApplicant(at.app, at.app.sandbox('PERSONR'))
  const { page, close } = await signedIn()
  await go(page, '#/operations', 'Result unknown')
  await page.getByRole('button', { name: `Settle ${key}` }).click()
  await page.getByLabel(/It was not created/).check()
  const { id } = await at.app.services.operations.get(DEV, { idempotencyKey: key })
  await at.app.services.operations.settleAbsent(DEV, id)
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Settle' }).click()
  await dialog.getByText('It is settled already: it was not created. Nothing was changed.').waitFor()
  expect(await dialog.getByRole('button').allInnerTexts()).toEqual(['Close'])
  await dialog.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: `Settle ${key}` }).waitFor({ state: 'detached' })
  await close()
})

test('a create is settled as not made after a confirmation, by keyboard alone', async () => {
  const [, key = ''] = at.unknownCreate
  const { page, close } = await signedIn()
  await go(page, '#/operations', 'Result unknown')
  expect(await page.locator('td[data-name=Record]').allInnerTexts()).toContain('New session at Kayle')
  await page.getByRole('button', { name: `Settle ${key}` }).press('Enter')
  await page.getByRole('heading', { name: 'Does this session exist at Kayle?' }).waitFor()
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
  await go(page, '#/operations', 'Result unknown')
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

test('a delivery that fails again is reported in red with the reason', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/webhooks', 'Deliveries')
  await page.getByRole('button', { name: 'Apply again: Unreadable delivery of Kayle' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Apply again' }).click()
  const alert = page.getByRole('dialog').getByRole('alert')
  await alert.filter({ hasText: /^It failed again\. The signature is valid, but/ }).waitFor()
  expect(await alert.getAttribute('class')).toContain('bad')
  await picture(page, 'console-replay-failed', false)
  await page.getByRole('button', { name: 'Close' }).click()
  expect((await at.app.services.webhookEndpoints.delivery(DEV, at.quarantinedId)).attempts).toBe(1)
  await close()
})

test('the page refreshes by itself, and keeps what it showed if that fails', async () => {
  const { page, close } = await open()
  await page.clock.install()
  await page.goto(at.url)
  await signIn(page)
  await page.getByText('could not be applied').first().waitFor()
  await page.route('**/console/api/**', route => route.abort())
  await page.clock.runFor(16_000)
  await page.getByText(/^Could not refresh\. The server cannot be reached\..* You see the state of /).waitFor()
  expect(await page.getByText('could not be applied').count()).toBeGreaterThan(0)
  await picture(page, 'console-stale', false)
  await page.unroute('**/console/api/**')
  await page.clock.runFor(16_000)
  await page.getByText(/^Could not refresh/).waitFor({ state: 'detached' })
  await close()
})

test('the keyboard reaches everything visibly, and the tab key stays inside a dialog', async () => {
  const { page, close } = await signedIn()
  await go(page, '#/health', 'Why calls failed')
  for (let press = 0; press < 12; press += 1) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outline')).toMatch(/solid [2-9]/)
  }
  await go(page, '#/webhooks', 'Deliveries')
  await page
    .getByRole('button', { name: /^Apply again/ })
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
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor()
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
    ['attention', 'Nothing needs attention'],
    ['sessions', 'No sessions yet.'],
    ['operations', 'No unconfirmed requests.'],
    ['webhooks', 'No deliveries.'],
    ['drift', 'No changes.'],
    ['activity', 'No actions yet.'],
    ['nowhere', 'This page does not exist.'],
  ] as const) {
    await go(page, `#/${name}`, text)
    await picture(page, `console-empty-${name}`, false)
  }
  await go(page, '#/session/unknown', 'Session not found.')
  expect(faults.filter(fault => !fault.includes('404'))).toEqual([])
  await close()
  await app.close()
})
