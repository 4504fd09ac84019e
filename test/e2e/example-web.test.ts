import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../harness/app/server-process.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { picture, useBrowser, VIEWPORTS } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { buildExample, EXAMPLE_WEB, type ExampleWeb, serveExample } from '../harness/clients/example-web.ts'
import { faintTexts, namelessControls, overflow } from '../harness/contrast-check.ts'

/** The front end of examples/web in a browser, with a server, its sandboxes and the built page. */

const browser = useBrowser()
let built: Awaited<ReturnType<typeof buildExample>>

beforeAll(async () => {
  if (CHROMIUM) built = await buildExample()
})
afterAll(() => built?.remove())

test('its packages are at the tested versions', () => {
  const own = readPackage(join(EXAMPLE_WEB, 'package.json'))
  const { devDependencies: ours } = readPackage('package.json')
  const { '@0no-co/graphql.web': printer, ...others } = { ...own.dependencies, ...own.devDependencies }
  expect(ours).toMatchObject(others)
  expect(printer).toBe(readPackage('node_modules/@0no-co/graphql.web/package.json').version)
})

describe('with its sandboxes', () => {
  let app: TestApp
  let web: ExampleWeb

  beforeAll(async () => {
    if (!CHROMIUM) return
    const port = await findFreePort()
    app = await startApp({ CORS_ORIGINS: `http://localhost:${port}`, SANDBOX_WEBHOOKS: 'on' })
    web = await serveExample(built.outDir, port, { url: app.url, key: API_KEY })
  })
  afterAll(async () => {
    await web?.close()
    await app?.close()
  })

  test('a session is created, its page is opened, and updates show without a reload', async () => {
    const { page, hosts, keys, faults, close } = await open(web.url)
    await page.getByText('Nothing yet.').waitFor()
    await begin(page, 'Kayle')
    await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
    const marked = await page.evaluate('globalThis.marked = Math.random()')

    const opening = page.context().waitForEvent('page')
    await page.getByRole('link', { name: 'Verify at Kayle' }).click()
    await (await opening).getByRole('button', { name: 'Succeed' }).click()

    await page.getByRole('article', { name: 'Kayle, Approved' }).waitFor()
    await page.getByRole('heading', { name: 'You are all set' }).waitFor()
    expect(await timelineOf(page)).toEqual(expect.arrayContaining(['Begun', 'Completed, approved']))
    expect(await page.evaluate('globalThis.marked')).toBe(marked)
    expect([...hosts].sort()).toEqual([new URL(app.url).host, new URL(web.url).host].sort())
    expect(keys.size).toBeGreaterThan(0)
    expect([...keys].join()).not.toContain(API_KEY)
    expect(faults).toEqual([])
    await close()
  })

  test.each(['Kayle', 'Personr', 'Rapidly', 'Verilock', 'Yorlet'])('a session can be created at %s', async name => {
    const { page, close } = await open(web.url)
    await begin(page, name)
    const heading = page.getByRole('heading', { name: /Verify|application|portal|looking/ })
    await heading.waitFor()
    expect(await page.getByRole('link', { name }).getAttribute('href')).toMatch(/^http:/)
    await close()
  })

  /** Starts the session at the provider, and then moves it to the given state. */
  async function beginAndMove(page: Page, name: 'Kayle' | 'Verilock', to: string): Promise<void> {
    await begin(page, name)
    await page
      .getByRole('article', { name: `${name}, Created` })
      .getByText('live')
      .waitFor()
    const provider = name === 'Kayle' ? 'KAYLE' : 'VERILOCK'
    const newest = `{ sessions(first: 1, filter: { providers: [${provider}] }) { nodes { providerId } } }`
    const [session] = (await app.execute(newest)).data.sessions.nodes
    await app.sandbox(provider).advance({ id: session.providerId, to })
  }

  const heading = (page: Page) => page.getByRole('heading', { level: 2 }).first()

  test('a rejected user sees the rejection and no success message', async () => {
    const { page, close } = await open(web.url)
    await beginAndMove(page, 'Verilock', 'declined')
    await page.getByRole('article', { name: 'Verilock, Rejected' }).waitFor()
    await expect.poll(() => heading(page).innerText()).toBe('Not approved')
    await picture(page, 'web-rejected')
    expect(await page.getByText(/all set|nothing left/i).count()).toBe(0)
    expect(await page.locator('.next a').count()).toBe(0)
    expect(await faintTexts(page)).toEqual([])
    await close()
  })

  test.each([
    ['Verilock', 'processing', 'Verilock, In progress', 'We are looking at it'],
    ['Verilock', 'expired', 'Verilock, Expired', 'Please try again'],
    ['Kayle', 'attempt_started', 'Kayle, In progress', 'Verify who you are'],
    ['Kayle', 'attempt_succeeded', 'Kayle, Approved', 'You are all set'],
  ] as const)('at %s after %s the session and the next action have words', async (name, to, article, next) => {
    const { page, close } = await open(web.url)
    await beginAndMove(page, name, to)
    await page.getByRole('article', { name: article }).waitFor()
    await expect.poll(() => heading(page).innerText()).toBe(next)
    expect(await page.getByText(/[A-Z]{2,}_|unknown/).count()).toBe(0)
    await close()
  })

  test('an event of another day has its date', async () => {
    const { page, close } = await open(web.url)
    await begin(page, 'Kayle')
    const time = page.getByRole('article').locator('time').first()
    await time.waitFor()
    const today = await time.innerText()
    await page.clock.setFixedTime(Date.now() + 3 * 86_400_000)
    await page.reload()
    await time.waitFor()
    const later = await time.innerText()
    expect(later).toContain(today)
    expect(later).toContain(String(new Date().getFullYear()))
    await close()
  })

  test('another user begins without sessions', async () => {
    const { page, close } = await open(web.url)
    await begin(page, 'Kayle')
    await page.getByRole('article', { name: 'Kayle, Created' }).waitFor()
    const user = await page.locator('.user').innerText()
    await page.getByRole('button', { name: 'Switch user' }).click()
    await page.getByText('Nothing yet.').waitFor()
    expect(await page.locator('.user').innerText()).not.toBe(user)
    await close()
  })

  test('if the page of a session is closed, the user is prompted to start a new one and sees no link', async () => {
    const { page, close } = await open(web.url)
    await beginAndMove(page, 'Kayle', 'cancelled')
    await page.getByRole('article', { name: 'Kayle, Canceled' }).waitFor()
    await expect.poll(() => heading(page).innerText()).toBe('Please try again')
    await page.locator('.next').getByText('Please begin again.').waitFor()
    expect(await page.locator('.next a').count()).toBe(0)
    await close()
  })

  test('an unknown provider, outcome, event or next action is shown and breaks nothing', async () => {
    const { page, faults, close } = await open(web.url)
    await page.getByText('Nothing yet.').waitFor()
    await page.route(app.url, async route => {
      if (route.request().headers().accept === 'text/event-stream') return route.abort()
      const response = await route.fetch()
      const known = await response.text()
      const newer = known
        .replaceAll('"KAYLE"', '"STRIPE_IDENTITY"')
        .replaceAll('"PENDING"', '"ON_THE_WAY"')
        .replaceAll('"VERIFY"', '"SIGN"')
        .replaceAll('"SessionCreated"', '"SessionImported"')
      return route.fulfill({ response, body: newer })
    })
    await page.reload()
    await page.getByText('Nothing yet.').waitFor()
    await begin(page, 'Kayle')
    await page.getByRole('article', { name: 'Stripe identity, Created' }).waitFor()
    expect(await heading(page).innerText()).toBe('One moment')
    expect(await timelineOf(page)).toEqual(['Something changed', 'Created'])
    expect(faults).toEqual([])
    await close()
  })

  test('the keyboard alone is enough', async () => {
    const { page, close } = await open(web.url)
    await page.getByText('Nothing yet.').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('article', { name: 'Kayle, Created' }).waitFor()
    await close()
  })

  test('a first visit creates one user, also if React runs effects twice', async () => {
    const strict = await buildExample('development')
    const port = await findFreePort()
    const developed = await serveExample(strict.outDir, port, { url: app.url, key: API_KEY })
    const { page, close } = await browser.visit()
    const requests: string[] = []
    page.on('request', request => request.url().endsWith('/api/pass') && requests.push(request.url()))
    await page.goto(developed.url)
    await page.getByRole('alert').or(page.getByText('Nothing yet.')).waitFor()
    expect(requests).toHaveLength(1)
    await close()
    await developed.close()
    strict.remove()
  })

  test('a stream that is silent for too long is closed and reopened', async () => {
    const { page, close } = await open(web.url)
    await page.getByText('Nothing yet.').waitFor()
    await page.clock.install()
    let silent = 0
    await page.route(app.url, async route => {
      const isStream = route.request().headers().accept === 'text/event-stream'
      if (!isStream || silent > 0) return route.continue()
      silent += 1
    })
    await page.reload()
    await page.getByText('Nothing yet.').waitFor()
    await begin(page, 'Kayle')
    await page.getByText('connecting').waitFor()
    await expect.poll(() => silent).toBe(1)
    await page.clock.fastForward(60_000)
    await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
    await close()
  })

  test('every session is live, over one stream', async () => {
    const { page, close } = await open(web.url)
    for (const name of ['Kayle', 'Personr', 'Yorlet', 'Rapidly']) {
      await begin(page, name)
      await page
        .getByRole('article', { name: new RegExp(`^${name}`) })
        .getByText('live')
        .waitFor()
    }
    await beginAndMove(page, 'Verilock', 'approved')
    await page.getByRole('article', { name: 'Verilock, Approved' }).getByText('live').waitFor()
    const [oldest] = (
      await app.execute('{ sessions(first: 5, filter: { providers: [KAYLE] }) { nodes { providerId } } }')
    ).data.sessions.nodes
    await app.sandbox('KAYLE').advance({ id: oldest.providerId, to: 'attempt_succeeded' })
    await page.getByRole('article', { name: 'Kayle, Approved' }).waitFor()
    expect(await page.getByText('connecting').count()).toBe(0)
    await expect.poll(() => app.streams.count()).toBeLessThanOrEqual(2)
    await close()
  })

  test('a user whose customer the provider deleted can begin again', async () => {
    const { page, close } = await open(web.url)
    await begin(page, 'Rapidly')
    await page.getByRole('article', { name: /^Rapidly/ }).waitFor()
    const { data } = await app.execute('{ customers(first: 1) { nodes { providerId } } }')
    await app.sandbox('RAPIDLY').advance({ id: data.customers.nodes[0].providerId, to: 'deleted' })
    await begin(page, 'Rapidly')
    await expect.poll(() => page.getByRole('article', { name: /^Rapidly/ }).count()).toBe(2)
    await close()
  })

  test.each(VIEWPORTS)('the page after the provider at %s leads back', async (look, options) => {
    const { page, close } = await open(`${web.url}done`, options)
    await page.getByRole('heading', { name: 'Thank you' }).waitFor()
    await picture(page, `web-${look}-ended`)
    expect([await overflow(page), await faintTexts(page)]).toEqual([0, []])
    await page.getByRole('link', { name: 'Back to your onboarding' }).click()
    await page.getByText('Nothing yet.').waitFor()
    await close()
  })

  test('a user sees nothing of another user', async () => {
    const [one, other] = [await open(web.url), await open(web.url)]
    await begin(one.page, 'Verilock')
    await one.page.getByRole('article').waitFor()
    await other.page.reload()
    await other.page.getByText('Nothing yet.').waitFor()
    expect(await other.page.getByRole('article').count()).toBe(0)
    await Promise.all([one.close(), other.close()])
  })

  test('an unavailable provider is reported in one sentence, and the button works again afterwards', async () => {
    const { page, close } = await open(web.url)
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'status', status: 429 } }])
    await begin(page, 'Kayle')
    await page.getByRole('alert').getByText('The provider cannot be reached just now.').waitFor()
    await picture(page, 'web-a-provider-away')
    await app.sandbox('KAYLE').clearFaults()
    await begin(page, 'Kayle')
    await page.getByRole('article', { name: 'Kayle, Created' }).waitFor()
    await close()
  })

  test('after a lost response, pressing the button again creates no second session', async () => {
    const { page, close } = await open(web.url)
    await app.sandbox('VERILOCK').forget()
    await page.route(
      '**/api/sessions',
      async route => {
        await route.fetch()
        await route.abort()
      },
      { times: 1 },
    )
    const alert = page.getByRole('alert')
    await page.getByRole('radio', { name: /^Verilock/ }).check()
    await page.getByRole('button', { name: 'Begin at Verilock' }).click()
    await alert.getByText('We cannot be reached.').waitFor()
    await begin(page, 'Verilock')
    await page.getByRole('article').waitFor()
    const creates = (await app.sandbox('VERILOCK').requests()).filter(({ method }) => method === 'POST')
    expect(creates).toHaveLength(1)
    await close()
  })

  test.each(VIEWPORTS)('at %s everything fits and is legible', async (look, options) => {
    const { page, close } = await open(web.url, options)
    await page.getByText('Nothing yet.').waitFor()
    await picture(page, `web-${look}-empty`)
    expect(await overflow(page)).toBe(0)
    expect(await faintTexts(page)).toEqual([])

    await begin(page, 'Verilock')
    await page.getByRole('link', { name: 'Verify at Verilock' }).waitFor()
    await begin(page, 'Kayle')
    const opening = page.context().waitForEvent('page')
    await page.getByRole('link', { name: 'Verify at Kayle' }).click()
    const hosted = await opening
    await hosted.getByRole('button', { name: 'Fail this attempt' }).click()
    await hosted.getByRole('button', { name: 'Succeed' }).click()
    await page.getByRole('article', { name: 'Kayle, Approved' }).waitFor()
    await page.getByRole('link', { name: 'Verify at Verilock' }).waitFor()
    await picture(page, `web-${look}-journey`)
    expect(await overflow(page)).toBe(0)
    expect(await faintTexts(page)).toEqual([])
    expect(await namelessControls(page)).toEqual([])
    await close()
  })
})

test('no event is missed or repeated if the server restarts while the page follows', async () => {
  const far = await startApp()
  const kayle = far.sandboxes.find(({ provider }) => provider === 'KAYLE')
  const file = join(tmpdir(), `sessiongraph-web-${process.pid}.db`)
  const [apiPort, webPort] = [await findFreePort(), await findFreePort()]
  const env = {
    PORT: String(apiPort),
    DATABASE_URL: `sqlite:${file}`,
    CORS_ORIGINS: `http://localhost:${webPort}`,
    KAYLE_BASE_URL: kayle?.baseUrl,
    KAYLE_API_KEY: String(kayle?.settings.apiKey),
  }
  const before = await startApp(env)
  const web = await serveExample(built.outDir, webPort, { url: before.url, key: API_KEY })
  const { page, close } = await open(web.url)
  await begin(page, 'Kayle')
  await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
  const { data } = await before.execute('{ sessions { nodes { id providerId } } }')
  const { id, providerId } = data.sessions.nodes[0]

  await before.close()
  await page.getByText('connecting').waitFor()
  await page.context().setOffline(true)
  await picture(page, 'web-a-server-away')
  await far.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
  const after = await startApp(env)
  const refresh = `{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`
  await after.execute(refresh)
  await far.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await after.execute(refresh)

  await page.context().setOffline(false)
  await page.getByRole('article', { name: 'Kayle, Approved' }).getByText('live').waitFor()
  const known = await after.execute(`{ session(by: { id: "${id}" }) { timeline { totalCount } } }`)
  await expect.poll(async () => (await timelineOf(page)).length).toBe(known.data.session.timeline.totalCount)
  expect(await timelineOf(page)).toEqual(expect.arrayContaining(['Begun', 'In progress', 'Completed, approved']))

  await close()
  await web.close()
  await after.close()
  await far.close()
  for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
})

test('the page goes on with a server whose data was reset', async () => {
  const [apiPort, webPort] = [await findFreePort(), await findFreePort()]
  const env = { PORT: String(apiPort), CORS_ORIGINS: `http://localhost:${webPort}`, ENCRYPTION_KEY: '0c'.repeat(32) }
  const before = await startApp(env)
  const web = await serveExample(built.outDir, webPort, { url: before.url, key: API_KEY })
  const { page, close } = await open(web.url)
  await begin(page, 'Kayle')
  await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
  await before.close()
  const after = await startApp({ ...env, ENCRYPTION_KEY: '0d'.repeat(32) })
  await page.getByText('Nothing yet.').waitFor()
  await begin(page, 'Personr')
  await page
    .getByRole('article', { name: /^Personr/ })
    .getByText('live')
    .waitFor()
  await close()
  await web.close()
  await after.close()
})

test('an unreachable server is reported in one sentence, and a retry works', async () => {
  const [apiPort, webPort] = [await findFreePort(), await findFreePort()]
  const web = await serveExample(built.outDir, webPort, { url: `http://localhost:${apiPort}/graphql`, key: API_KEY })
  const { page, close } = await open(web.url)
  expect(await page.getByRole('alert').innerText()).toContain('We cannot be reached.')
  await picture(page, 'web-nobody-there')

  const app = await startApp({ PORT: String(apiPort), CORS_ORIGINS: new URL(web.url).origin })
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('Nothing yet.').waitFor()
  await close()
  await web.close()
  await app.close()
})

/** Opens the page, and collects the credentials of its requests. */
async function open(url: string, options?: BrowserContextOptions) {
  const visit = await browser.visit(options)
  const keys = new Set<string>()
  visit.page.on('request', request => {
    const key = request.headers().authorization
    if (key) keys.add(key)
  })
  await visit.page.goto(url)
  return { ...visit, keys }
}

async function begin(page: Page, name: string): Promise<void> {
  await page.getByRole('radio', { name: new RegExp(`^${name}`) }).check()
  const answered = page.waitForResponse(response => response.url().endsWith('/api/sessions'))
  await page.getByRole('button', { name: `Begin at ${name}` }).click()
  await answered
}

function timelineOf(page: Page): Promise<string[]> {
  return page.getByRole('list', { name: 'Timeline' }).locator('li span').allInnerTexts()
}

function readPackage(path: string) {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  > & {
    version: string
  }
}
