import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findChromium, launchChromium } from './harness/browser.ts'
import { API_KEY, type House, startHouse } from './harness/house.ts'

const SIZES: readonly [string, BrowserContextOptions][] = [
  ['a desktop', { viewport: { width: 1280, height: 800 } }],
  ['a phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
]
const TABS = ['CreateSession', 'ReadSessions', 'CreateAtEveryProvider', 'Providers', 'Person']

/** How long GraphiQL holds back what it knows of its editors. */
const SETTLES_MS = 200

const chromium = findChromium()
const pictures = mkdtempSync(join(tmpdir(), 'sessiongraph-pictures-'))
let browser: Browser
let house: House

beforeAll(async () => {
  if (!chromium) return
  house = await startHouse()
  browser = await launchChromium(chromium)
})

beforeEach(context => {
  context.skip(!chromium, 'no browser at /usr/bin/chromium; CHROMIUM_PATH names another')
})

afterAll(async () => {
  await browser?.close()
  await house?.close()
})

test.each(SIZES)(
  'GraphiQL on %s creates a session and reads it back, and asks nobody but us',
  async (size, options) => {
    const { page, hosts, faults } = await open(house.url, options)
    expect(await tabsOf(page)).toEqual(TABS)
    for (const tab of TABS) expect(await headersIn(page, tab)).toContain(`Bearer ${API_KEY}`)

    const created = await run(page, 'CreateSession')
    await page.screenshot({ path: join(pictures, `${size}-created.png`) })
    expect(created).toContain('CreateSessionPayload')

    const read = await run(page, 'ReadSessions')
    await page.screenshot({ path: join(pictures, `${size}-read.png`) })
    expect(read).toContain('"totalCount": 1')
    expect(read).toContain('"KAYLE"')

    expect([...hosts]).toEqual([new URL(house.url).host])
    expect(faults).toEqual([])
    await page.context().close()
  },
)

test('a browser that was here before gets the key of this start, not the one it saw', async () => {
  const before = await startHouse({ DEV_API_KEY: 'sg_dev_key_of_an_earlier_start' })
  const { page } = await open(before.url)
  expect(await headersIn(page, 'Providers')).toContain('sg_dev_key_of_an_earlier_start')
  await before.close()

  const after = await startHouse({ PORT: new URL(before.url).port })
  await visit(page, after.url)
  expect(await headersIn(page, 'Providers')).toContain(API_KEY)
  expect(await run(page, 'Providers')).toContain('"configured": true')
  await page.context().close()
  await after.close()
})

/** The page, the hosts of every request it makes, and what its scripts throw. */
async function open(url: string, options?: BrowserContextOptions) {
  const context = await browser.newContext(options)
  const hosts = new Set<string>()
  const faults: string[] = []
  context.on('request', request => hosts.add(new URL(request.url().replace(/^blob:/, '')).host))
  const page = await context.newPage()
  page.on('pageerror', error => faults.push(error.message))
  await visit(page, url)
  return { page, hosts, faults }
}

/** Opens the page and waits until it knows the schema. */
async function visit(page: Page, url: string): Promise<void> {
  const known = page.waitForResponse(response => response.request().postData()?.includes('__schema') === true)
  await page.goto(url)
  await (await known).finished()
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
}

function tabsOf(page: Page): Promise<string[]> {
  return page.locator('.graphiql-tab-button').allInnerTexts()
}

/** Opens a tab by the keyboard: for a mouse that jumps, GraphiQL takes some clicks for the start of dragging a tab. */
async function choose(page: Page, tab: string): Promise<void> {
  await page.getByRole('button', { name: tab, exact: true }).press('Enter')
  const operation = new RegExp(`(query|mutation)\\s${tab}\\s`)
  await expect.poll(() => page.locator('.graphiql-query-editor').innerText()).toMatch(operation)
  await page.waitForTimeout(SETTLES_MS)
}

async function headersIn(page: Page, tab: string): Promise<string> {
  await choose(page, tab)
  await page.getByRole('button', { name: 'Headers', exact: true }).click()
  const editor = page.locator('.graphiql-editor:not(.hidden)').last()
  await editor.getByText('Bearer').waitFor()
  return (await editor.innerText()).replaceAll('\u00a0', ' ')
}

/** Runs a tab's operation and gives what the page shows of the answer, without the lines it breaks. */
async function run(page: Page, tab: string): Promise<string> {
  await choose(page, tab)
  const answered = page.waitForResponse(response => response.request().postData()?.includes(`"${tab}"`) === true)
  await page.locator('.graphiql-execute-button').click()
  await answered
  const shown = page.locator('.graphiql-response')
  await shown.getByText('"data"').waitFor()
  return (await shown.innerText()).replaceAll('\u00a0', ' ').replaceAll(/\n\s*/g, ' ')
}
