import type { ContestantName } from './contestants.ts'
import type { MeasuredCell } from './measure-cells.ts'
import { median, type Round, ratio } from './rounds.ts'

/** The figures of one contestant in one cell: medians of its rounds, and the median of the same-round ratios. */
export const TITLES = [
  'cell',
  'connections',
  'latency ms',
  'contestant',
  'per second',
  'of the limit',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'upstream calls',
  'RSS MiB',
  'refused',
] as const

export function row({ cell, connections, latencyMs, measured }: MeasuredCell, name: ContestantName): string[] {
  const rounds = measured.get(name) ?? []
  const of = (pick: (round: Round) => number) => median(rounds.map(pick))
  return [
    cell.name,
    String(connections),
    String(latencyMs),
    name,
    of(round => round.perSecond).toFixed(of(round => round.perSecond) < 100 ? 1 : 0),
    measured.has('limit') ? ratio(measured, name, 'limit').toFixed(2) : '',
    of(round => round.p50).toFixed(2),
    of(round => round.p99).toFixed(2),
    of(round => round.cpuMicros).toFixed(0),
    of(round => round.upstreamCalls).toFixed(2),
    of(round => round.residentMb).toFixed(0),
    String(rounds.reduce((sum, round) => sum + round.refused + round.broken, 0)),
  ]
}

export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n')
}
