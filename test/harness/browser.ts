import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'

/** Where the browser is: CHROMIUM_PATH, or where Debian puts it; undefined where there is none. */
export const CHROMIUM = [process.env.CHROMIUM_PATH || '/usr/bin/chromium'].find(existsSync)

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 } }
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** What every page of ours is looked at in. */
export const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['1280-light', { ...DESKTOP, colorScheme: 'light' }],
  ['1280-dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['390-light', { ...PHONE, colorScheme: 'light' }],
  ['390-dark', { ...PHONE, colorScheme: 'dark' }],
]

/** A page of a browser that was never anywhere, whom it asks, and what its scripts throw. */
export interface Visit {
  readonly page: Page
  readonly hosts: ReadonlySet<string>
  readonly faults: string[]
  close(): Promise<void>
}

/** A browser for the tests of this file. They are skipped where there is none. */
export function useBrowser(): { visit(options?: BrowserContextOptions): Promise<Visit> } {
  let browser: Browser
  beforeAll(async () => {
    if (CHROMIUM) browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET })
  })
  beforeEach(context => {
    context.skip(!CHROMIUM, 'no browser at /usr/bin/chromium; CHROMIUM_PATH names another')
  })
  afterAll(() => browser?.close())

  return {
    visit: async options => {
      const context = await browser.newContext(options)
      const [hosts, faults] = [new Set<string>(), [] as string[]]
      const page = await context.newPage()
      page.on('request', request => hosts.add(new URL(request.url().replace(/^blob:/, '')).host))
      page.on('pageerror', error => faults.push(error.message))
      return { page, hosts, faults, close: () => context.close() }
    },
  }
}

/** Kept where somebody wants to look: TEST_PICTURES names the folder. */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  const folder = process.env.TEST_PICTURES
  if (folder) await page.screenshot({ path: join(folder, `${name.replaceAll(' ', '-')}.png`), fullPage })
}

/** Nothing but what a page asks for leaves the browser. */
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
