import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { DESKTOP, PHONE, picture, useBrowser } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'

const SIZES: readonly [string, BrowserContextOptions][] = [
  ['a desktop', DESKTOP],
  ['a phone', PHONE],
]
const TABS = [
  'CreateSession',
  'ReadSessions',
  'CreateAtEveryProvider',
  'Providers',
  'Person',
  'FollowSessions',
  'CancelSession',
  'FilteredSessions',
]

/** GraphiQL saves the state of its editors after this delay. */
const SETTLES_MS = 200
/** And of its tabs after this one. */
const STORED_MS = 700

const browser = useBrowser()
let app: TestApp

beforeAll(async () => {
  if (CHROMIUM) app = await startApp()
})

afterAll(() => app?.close())

test.each(SIZES)(
  'GraphiQL on %s creates a session and reads it back, and requests nothing from other hosts',
  async (size, options) => {
    const { page, hosts, faults, close } = await open(app.url, options)
    expect(await tabsOf(page)).toEqual(TABS)
    for (const tab of TABS) expect(await headersIn(page, tab)).toContain(`Bearer ${API_KEY}`)

    const created = await run(page, 'CreateSession')
    await picture(page, `graphiql on ${size} created`)
    expect(created).toContain('CreateSessionPayload')

    const read = await run(page, 'ReadSessions')
    await picture(page, `graphiql on ${size} read`)
    expect(read).toContain('"totalCount": 1')
    expect(read).toContain('"KAYLE"')

    expect([...hosts]).toEqual([new URL(app.url).host])
    expect(faults).toEqual([])
    await close()
  },
)

test('GraphiQL shows the provider calls of an operation below its data', async () => {
  const fresh = await startApp()
  const { page, close } = await open(fresh.url, DESKTOP)
  const shown = await run(page, 'CreateSession')
  const [, below = ''] = shown.split('"extensions":')
  for (const output of ['"upstream"', '"createSession"', '"CREATE"', '"ms"', '"SUCCEEDED"'])
    expect(below).toContain(output)
  await close()
  await fresh.close()
})

test('a browser with the API key of an earlier start uses the current one', async () => {
  const before = await startApp({ DEV_API_KEY: 'sg_dev_key_of_an_earlier_start' })
  const { page, close } = await open(before.url)
  expect(await headersIn(page, 'Providers')).toContain('sg_dev_key_of_an_earlier_start')
  await before.close()

  const after = await startApp({ PORT: new URL(before.url).port })
  await goTo(page, after.url)
  expect(await headersIn(page, 'Providers')).toContain(API_KEY)
  expect(await run(page, 'Providers')).toContain('"configured": true')
  await close()
  await after.close()
})

test.each(SIZES)('one click or tap on %s opens a tab, also if the pointer moves a little', async (size, options) => {
  const { page, faults, close } = await open(app.url, options)
  for (const tab of ['ReadSessions', 'CreateSession', 'ReadSessions']) {
    const box = await page.getByRole('button', { name: tab, exact: true }).boundingBox()
    if (!box) throw new Error(`${tab} is not visible.`)
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    if (size === 'a phone') await page.touchscreen.tap(x, y)
    else {
      await page.mouse.move(x - 200, y + 300)
      await page.mouse.move(x, y, { steps: 10 })
      await page.mouse.down()
      await page.mouse.move(x + 2, y + 1, { steps: 2 })
      await page.mouse.up()
    }
    await expect.poll(() => activeTab(page)).toBe(tab)
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  expect(faults).toEqual([])
  await close()
})

test('a reload shows the tab that was active, also one with variables, and no further tab', async () => {
  const { page, close } = await open(app.url, DESKTOP)
  for (const tab of ['FilteredSessions', 'Person', 'FilteredSessions']) await choose(page, tab)
  await page.waitForTimeout(STORED_MS)
  await goTo(page, app.url)
  expect([await activeTab(page), await tabsOf(page)]).toEqual(['FilteredSessions', TABS])
  expect(await page.locator('.graphiql-editor-tool').innerText()).toContain('usr_1337')
  await close()
})

test('the documentation begins with what the schema is for, and its queries with the records', async () => {
  const { page, close } = await open(app.url, DESKTOP)
  await page.locator('.graphiql-sidebar button').first().click()
  const explorer = page.locator('.graphiql-plugin')
  await explorer.getByText('One API over the providers').waitFor()
  await explorer.getByText('Query', { exact: true }).first().click()
  await explorer.getByText('sessions', { exact: true }).first().waitFor()
  const text = await explorer.innerText()
  expect(text.indexOf('_entities')).toBeGreaterThan(text.indexOf('person'))
  await close()
})

test('a session is canceled by the tab with the variable', async () => {
  const { data } =
    await app.execute(`mutation { createSession(input: { idempotencyKey: "canceled-in-graphiql", session: { kayle: {} } }) {
    ... on CreateSessionPayload { session { id } } } }`)
  const { page, close } = await open(app.url, DESKTOP)
  await choose(page, 'CancelSession')
  await page.locator('.graphiql-editor-tool .view-lines').first().click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.press('Delete')
  // The editor adds the closing quote and brace.
  await page.keyboard.type(`{"sessionId": "${data.createSession.session.id}`)
  await page.waitForTimeout(SETTLES_MS)
  await page.locator('.graphiql-execute-button').click()
  await expect.poll(() => page.locator('.graphiql-response').innerText()).toContain('CANCELED')
  await close()
})

test('GraphiQL shows the events of a subscription as they come', async () => {
  const { page, faults, close } = await open(app.url, DESKTOP)
  await choose(page, 'FollowSessions')
  const opened = page.waitForResponse(response => response.headers()['content-type']?.includes('event-stream') === true)
  await page.locator('.graphiql-execute-button').click()
  await opened
  await app.execute(`mutation { createSession(input: { idempotencyKey: "followed", externalId: "followed-by-graphiql",
    session: { kayle: { redirectUrl: "https://app.example.com/done" } } }) { __typename } }`)
  await page.locator('.graphiql-response').getByText('SessionStatusChanged').waitFor()
  await picture(page, 'graphiql subscription')
  expect(faults).toEqual([])
  await close()
})

async function open(url: string, options?: BrowserContextOptions) {
  const visit = await browser.visit(options)
  await goTo(visit.page, url)
  return visit
}

/** Opens the page and waits until the schema is loaded. */
async function goTo(page: Page, url: string): Promise<void> {
  const known = page.waitForResponse(response => response.request().postData()?.includes('__schema') === true)
  await page.goto(url)
  await (await known).finished()
  await page.locator('.graphiql-query-editor .view-line').first().waitFor()
}

function activeTab(page: Page): Promise<string> {
  return page.locator('.graphiql-tab-active .graphiql-tab-button').innerText()
}

function tabsOf(page: Page): Promise<string[]> {
  return page.locator('.graphiql-tab-button').allInnerTexts()
}

/** Opens a tab by the keyboard: GraphiQL takes some fast clicks for the start of dragging a tab. */
async function choose(page: Page, tab: string): Promise<void> {
  await page.getByRole('button', { name: tab, exact: true }).press('Enter')
  const operation = new RegExp(`(query|mutation|subscription)\\s${tab}\\b`)
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

/** Runs the operation of a tab and returns the response that the page shows, without line breaks. */
async function run(page: Page, tab: string): Promise<string> {
  await choose(page, tab)
  const answered = page.waitForResponse(response => response.request().postData()?.includes(`"${tab}"`) === true)
  await page.locator('.graphiql-execute-button').click()
  await answered
  const shown = page.locator('.graphiql-response')
  await shown.getByText('"data"').waitFor()
  return (await shown.innerText()).replaceAll('\u00a0', ' ').replaceAll(/\n\s*/g, ' ')
}
