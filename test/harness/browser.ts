import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

/** Where the browser is: CHROMIUM_PATH, or where Debian puts it; undefined where there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return [env.CHROMIUM_PATH || '/usr/bin/chromium'].find(existsSync)
}

export function launchChromium(executablePath: string) {
  return chromium.launch({ executablePath, args: QUIET })
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
