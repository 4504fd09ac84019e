import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { drawChart } from './chart.ts'
import type { MeasuredCell } from './measure-cells.ts'
import type { Options } from './options.ts'
import type { Probed } from './probes/probe.ts'
import { type NodeRuntime, path } from './processes.ts'
import { median, ratio } from './rounds.ts'
import { markdownTable, row, TITLES } from './table.ts'

/** The targets of the server with 64 connections and no latency: its share of the limit's requests per second. */
export const TARGETS: Readonly<Record<string, number>> = {
  ping: 0.5,
  one: 0.5,
  stored: 0.6,
  list: 0.46,
  create: 1,
  local: 0.63,
  lookup: 0.6,
}
/** On every cell. */
const TARGET_OF_YOGA = 1.25
/** The latency of the providers at which p99 of ours may be so many times p50 of the limit. */
const SLOWER_MS = 5
const TARGET_LATENCY_RATIO = 3

/** Writes bench/results/report.md and report.svg. */
export function writeReport(measured: readonly MeasuredCell[], probed: readonly Probed[], options: Options): void {
  const directory = path('bench/results')
  mkdirSync(directory, { recursive: true })
  writeFileSync(`${directory}/report.svg`, drawChart(atFullLoad(measured), TARGETS))
  writeFileSync(`${directory}/report.md`, toMarkdown(measured, probed, options))
  console.log('Written: bench/results/report.md, bench/results/report.svg')
}

function toMarkdown(measured: readonly MeasuredCell[], probed: readonly Probed[], options: Options): string {
  const cells = new Map(measured.map(({ cell }) => [cell.name, cell.message]))
  return [
    '# The benchmark',
    `${machine(options.runtime)}. Load average before the run: ${options.loadBefore.toFixed(1)}. ${options.rounds} rounds of ${options.seconds} s for each, after a warm-up of at most ${options.warmUpSeconds} s, in turn; medians, and ratios of the same round.`,
    'How it is measured and what it may be compared with: [README](../README.md).',
    '![Answers per second, as a share of the limit](report.svg)',
    '## Targets (64 connections, no latency)',
    markdownTable(
      ['cell', 'what', 'of the limit', 'target', 'of Yoga', 'target', 'of Hive Gateway'],
      atFullLoad(measured).map(target),
    ),
    ...latencySection(measured.filter(({ latencyMs }) => latencyMs === SLOWER_MS)),
    '## All cells',
    [...cells].map(([name, message]) => `- \`${name}\`: ${message}`).join('\n'),
    markdownTable(
      TITLES,
      measured.flatMap(one => [...one.measured.keys()].map(name => row(one, name))),
    ),
    ...probed.flatMap(({ title, titles, rows }) => [`## ${title}`, markdownTable(titles, rows)]),
  ]
    .join('\n\n')
    .concat('\n')
}

function latencySection(slower: readonly MeasuredCell[]): string[] {
  if (slower.length === 0) return []
  const titles = ['cell', 'p50 of the limit, ms', 'p99 of ours, ms', 'ratio', 'target']
  return [
    `## Latency (64 connections, providers that respond after ${SLOWER_MS} ms)`,
    markdownTable(titles, slower.map(latency)),
  ]
}

function target({ cell, measured }: MeasuredCell): string[] {
  const of = (other: 'limit' | 'yoga' | 'hive') =>
    measured.has(other) ? ratio(measured, 'ours', other).toFixed(2) : ''
  return [
    cell.name,
    cell.message,
    of('limit'),
    TARGETS[cell.name]?.toFixed(2) ?? '',
    of('yoga'),
    TARGET_OF_YOGA.toFixed(2),
    of('hive'),
  ]
}

/** The slowest responses of ours beside the usual ones of the limit. */
function latency({ cell, measured }: MeasuredCell): string[] {
  const p50 = median((measured.get('limit') ?? []).map(round => round.p50))
  const p99 = median((measured.get('ours') ?? []).map(round => round.p99))
  return [cell.name, p50.toFixed(1), p99.toFixed(1), (p99 / p50).toFixed(2), `at most ${TARGET_LATENCY_RATIO}`]
}

function atFullLoad(measured: readonly MeasuredCell[]): MeasuredCell[] {
  return measured.filter(({ connections, latencyMs }) => connections === 64 && latencyMs === 0)
}

/** The machine and the versions, without the machine's name. */
function machine({ binary, flags }: NodeRuntime): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const date = new Date().toISOString().slice(0, 10)
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
  const node = `Node ${version} ${flags.length === 0 ? 'without flags' : `with ${flags.join(' ')}`} for each`
  return `${date}, commit ${commit}: ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${memory}, ${node}, SQLite`
}
