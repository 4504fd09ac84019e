import { existsSync } from 'node:fs'

/** The path of the browser: CHROMIUM_PATH, or Debian's path. Undefined where neither exists. */
export const CHROMIUM = [process.env.CHROMIUM_PATH || '/usr/bin/chromium'].find(existsSync)
