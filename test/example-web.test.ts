import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHROMIUM, LOOKS, picture, useBrowser } from './harness/browser.ts'
import { buildExample, EXAMPLE_WEB, type ExampleWeb, serveExample } from './harness/example-web.ts'
import { API_KEY, type House, startHouse } from './harness/house.ts'
import { faintTexts, namelessControls, overflow } from './harness/legible.ts'
import { findFreePort } from './harness/server-process.ts'

/** The front end of examples/web as a person meets it, with a server, its sandboxes and the built page. */

const browser = useBrowser()
let built: Awaited<ReturnType<typeof buildExample>>

beforeAll(async () => {
  if (CHROMIUM) built = await buildExample()
})
afterAll(() => built?.remove())

test('its packages are those that it is tested with', () => {
  const own = readPackage(join(EXAMPLE_WEB, 'package.json'))
  const { devDependencies: ours } = readPackage('package.json')
  const { '@0no-co/graphql.web': printer, ...others } = { ...own.dependencies, ...own.devDependencies }
  expect(ours).toMatchObject(others)
  expect(printer).toBe(readPackage('node_modules/@0no-co/graphql.web/package.json').version)
})

describe('with its sandboxes beside it', () => {
  let house: House
  let web: ExampleWeb

  beforeAll(async () => {
    if (!CHROMIUM) return
    const port = await findFreePort()
    house = await startHouse({ CORS_ORIGINS: `http://localhost:${port}`, SANDBOX_WEBHOOKS: 'on' })
    web = await serveExample(built.outDir, port, { url: house.url, key: API_KEY })
  })
  afterAll(async () => {
    await web?.close()
    await house?.close()
  })

  test('a session is begun, its page is opened, and what happens there shows without a reload', async () => {
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
    expect([...hosts].sort()).toEqual([new URL(house.url).host, new URL(web.url).host].sort())
    expect(keys.size).toBeGreaterThan(0)
    expect([...keys].join()).not.toContain(API_KEY)
    expect(faults).toEqual([])
    await close()
  })

  test.each(['Kayle', 'Personr', 'Rapidly', 'Verilock', 'Yorlet'])('a session can be begun at %s', async name => {
    const { page, close } = await open(web.url)
    await begin(page, name)
    const heading = page.getByRole('heading', { name: /Verify|application|portal|looking/ })
    await heading.waitFor()
    expect(await page.getByRole('link', { name }).getAttribute('href')).toMatch(/^http:/)
    await close()
  })

  test('keys are enough', async () => {
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

  test('a first visit makes one user, also where React runs effects twice', async () => {
    const strict = await buildExample('development')
    const port = await findFreePort()
    const developed = await serveExample(strict.outDir, port, { url: house.url, key: API_KEY })
    const { page, close } = await browser.visit()
    const asked: string[] = []
    page.on('request', request => request.url().endsWith('/api/pass') && asked.push(request.url()))
    await page.goto(developed.url)
    await page.getByRole('alert').or(page.getByText('Nothing yet.')).waitFor()
    expect(asked).toHaveLength(1)
    await close()
    await developed.close()
    strict.remove()
  })

  test('a stream that is silent for too long is taken for dead, and opened again', async () => {
    const { page, close } = await open(web.url)
    await page.getByText('Nothing yet.').waitFor()
    await page.clock.install()
    let silent = 0
    await page.route(house.url, async route => {
      const isStream = route.request().headers().accept === 'text/event-stream'
      if (!isStream || silent > 0) return route.continue()
      silent += 1
    })
    await begin(page, 'Kayle')
    await page.getByText('connecting').waitFor()
    await expect.poll(() => silent).toBe(1)
    await page.clock.fastForward(60_000)
    await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
    await close()
  })

  test('one user sees nothing of another', async () => {
    const [one, other] = [await open(web.url), await open(web.url)]
    await begin(one.page, 'Verilock')
    await one.page.getByRole('article').waitFor()
    await other.page.reload()
    await other.page.getByText('Nothing yet.').waitFor()
    expect(await other.page.getByRole('article').count()).toBe(0)
    await Promise.all([one.close(), other.close()])
  })

  test('a provider that is away is said in a sentence, and the button works again afterwards', async () => {
    const { page, close } = await open(web.url)
    await house.sandbox('KAYLE').faults([{ fault: { kind: 'status', status: 429 } }])
    await begin(page, 'Kayle')
    await page.getByRole('alert').getByText('The provider cannot be reached just now.').waitFor()
    await picture(page, 'web-a-provider-away')
    await house.sandbox('KAYLE').clearFaults()
    await begin(page, 'Kayle')
    await page.getByRole('article', { name: 'Kayle, Created' }).waitFor()
    await close()
  })

  test('where the answer was lost, pressing the button again begins nothing twice', async () => {
    const { page, close } = await open(web.url)
    await house.sandbox('VERILOCK').forget()
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
    const creates = (await house.sandbox('VERILOCK').requests()).filter(({ method }) => method === 'POST')
    expect(creates).toHaveLength(1)
    await close()
  })

  test.each(LOOKS)('at %s everything fits and can be read', async (look, options) => {
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

test('nothing is missed and nothing comes twice where the server is started again while the page follows', async () => {
  const far = await startHouse()
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
  const before = await startHouse(env)
  const web = await serveExample(built.outDir, webPort, { url: before.url, key: API_KEY })
  const { page, close } = await open(web.url)
  await begin(page, 'Kayle')
  await page.getByRole('article', { name: 'Kayle, Created' }).getByText('live').waitFor()
  const { data } = await before.ask('{ sessions { nodes { id providerId } } }')
  const { id, providerId } = data.sessions.nodes[0]

  await before.close()
  await page.getByText('connecting').waitFor()
  await page.context().setOffline(true)
  await picture(page, 'web-a-server-away')
  await far.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
  const after = await startHouse(env)
  const refresh = `mutation { refreshSession(input: { id: "${id}" }) { __typename } }`
  await after.ask(refresh)
  await far.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await after.ask(refresh)

  await page.context().setOffline(false)
  await page.getByRole('article', { name: 'Kayle, Approved' }).getByText('live').waitFor()
  const known = await after.ask(`{ session(by: { id: "${id}" }) { timeline { totalCount } } }`)
  await expect.poll(async () => (await timelineOf(page)).length).toBe(known.data.session.timeline.totalCount)
  expect(await timelineOf(page)).toEqual(expect.arrayContaining(['Begun', 'In progress', 'Completed, approved']))

  await close()
  await web.close()
  await after.close()
  await far.close()
  for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
})

test('a server that cannot be reached is said in a sentence, and trying again helps', async () => {
  const [apiPort, webPort] = [await findFreePort(), await findFreePort()]
  const web = await serveExample(built.outDir, webPort, { url: `http://localhost:${apiPort}/graphql`, key: API_KEY })
  const { page, close } = await open(web.url)
  expect(await page.getByRole('alert').innerText()).toContain('We cannot be reached.')
  await picture(page, 'web-nobody-there')

  const house = await startHouse({ PORT: String(apiPort), CORS_ORIGINS: new URL(web.url).origin })
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('Nothing yet.').waitFor()
  await close()
  await web.close()
  await house.close()
})

/** With the keys that it shows to whom it asks. */
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
