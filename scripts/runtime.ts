import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `node --import tsx scripts/runtime.ts <folder>`: copies what a built server needs into an empty folder. The build bundles
 * all packages but these: the SQLite driver, whose addon is a file, and the chart library, which browsers load.
 */

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = process.argv[2]
if (!folder) throw new Error('Expected a folder.')

const FILES = ['package.json', 'bin', 'dist', 'console', 'examples']
const PACKAGES = ['better-sqlite3', 'better-sqlite3-node20', 'bindings', 'file-uri-to-path', 'uplot']
/** Sources of addons, and what only developers need. */
const LEFT_OUT =
  /\/node_modules\/[^/]+\/(deps|src|build\/(?!Release$|Release\/better_sqlite3\.node$).*)$|\/examples\/web$/

for (const name of FILES) copy(name)
const installed = readdirSync(join(root, 'node_modules'))
for (const name of PACKAGES.filter(name => installed.includes(name))) copy(`node_modules/${name}`)

function copy(name: string): void {
  const target = join(folder as string, name)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(join(target, '..'), { recursive: true })
  cpSync(join(root, name), target, { recursive: true, filter: source => !LEFT_OUT.test(source) })
}
