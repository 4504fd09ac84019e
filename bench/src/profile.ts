import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { path } from './processes.ts'
import { markdownTable } from './table.ts'

/**
 * Attributes the time of our server from a CPU profile of `npm --prefix bench run bench -- --contestants ours --cells
 * <one> --profile <folder>`: `tsx bench/src/profile.ts <cell>=<folder> …` writes results/profile.md.
 */

interface Frame {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

interface CpuProfile {
  readonly nodes: readonly Frame[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const OURS = /^(db|schema|src)\//
/** Startup and code that was not compiled yet. */
const SKIPPED_SHARE = 0.4
const MOST_ROWS = 14

function summarize(folder: string): { modules: Map<string, number>; packages: Map<string, number> } {
  const [file = ''] = readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
  const frames = new Map(nodes.map(frame => [frame.id, frame]))
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id] as const)))
  const modules = new Map<string, number>()
  const packages = new Map<string, number>()
  let total = 0
  for (let at = Math.floor(samples.length * SKIPPED_SHARE); at < samples.length; at++) {
    const frame = frames.get(samples[at] ?? 0)
    if (!frame || frame.callFrame.functionName === '(idle)') continue
    const micros = timeDeltas[at] ?? 0
    total += micros
    let caller: Frame | undefined = frame
    while (caller && !OURS.test(moduleOf(caller))) caller = frames.get(callers.get(caller.id) ?? 0)
    add(modules, caller ? moduleOf(caller) : packageOf(frame), micros)
    add(packages, packageOf(frame), micros)
  }
  return { modules: shares(modules, total), packages: shares(packages, total) }
}

/** The source of a frame: the bundle has a comment with the file before each part. */
function moduleOf({ callFrame: { functionName, url, lineNumber } }: Frame): string {
  if (url.startsWith('node:')) return 'node'
  if (!url.startsWith('file:')) return functionName.startsWith('(') ? functionName : 'native'
  return partsOf(url)[lineNumber] ?? url
}

function packageOf(frame: Frame): string {
  const module = moduleOf(frame)
  if (OURS.test(module))
    return module
      .split('/')
      .slice(0, 2)
      .join('/')
      .replace(/^db\/.*/, 'db')
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)?.[1] ?? module
}

const parts = new Map<string, readonly string[]>()

function partsOf(url: string): readonly string[] {
  const known = parts.get(url)
  if (known) return known
  let part = ''
  const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n')
  const found = lines.map(line => {
    part = /^ *\/\/ ((?:db|node_modules|schema|src)\/\S+)$/.exec(line)?.[1] ?? part
    return part
  })
  parts.set(url, found)
  return found
}

function add(to: Map<string, number>, name: string, micros: number): void {
  to.set(name, (to.get(name) ?? 0) + micros)
}

function shares(of: Map<string, number>, total: number): Map<string, number> {
  const sorted = [...of].sort(([, one], [, other]) => other - one).slice(0, MOST_ROWS)
  return new Map(sorted.map(([name, micros]) => [name, micros / total]))
}

function toTable(title: string, of: Map<string, number>): string {
  const rows = [...of].map(([name, share]) => [`\`${name}\``, `${(share * 100).toFixed(1)} %`])
  return markdownTable([title, 'share'], rows)
}

const sections = process.argv.slice(2).map(argument => {
  const [cell = '', folder = ''] = argument.split('=')
  const { modules, packages } = summarize(folder)
  const byPackage = toTable('where it ran', packages)
  const byModule = toTable('for which file of ours, with all that it called outside', modules)
  return `## ${cell}\n\n${byPackage}\n\n${byModule}`
})
const text = [
  '# Where the time of our server goes',
  'Shares of its processor time at 64 connections, without idling.',
  ...sections,
]
writeFileSync(path('bench/results/profile.md'), `${text.join('\n\n')}\n`)
