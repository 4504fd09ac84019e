import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { CHROMIUM } from './chromium.ts'

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1440, height: 900 } }
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** The viewports and color schemes of the page tests. */
export const VIEWPORTS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['1440-light', { ...DESKTOP, colorScheme: 'light' }],
  ['1440-dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['390-light', { ...PHONE, colorScheme: 'light' }],
  ['390-dark', { ...PHONE, colorScheme: 'dark' }],
]

/** A page of a new browser profile, with the hosts that it requests and the errors of its scripts. */
export interface Visit {
  readonly page: Page
  readonly hosts: ReadonlySet<string>
  readonly faults: string[]
  close(): Promise<void>
}

/** A browser for the tests of this file. Without a browser they are skipped. */
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

/** Saves a screenshot to the folder TEST_PICTURES, if set. */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  const folder = process.env.TEST_PICTURES
  if (folder) await page.screenshot({ path: join(folder, `${name.replaceAll(' ', '-')}.png`), fullPage })
}

/** Disables all requests of the browser except those of a page. */
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
