import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { CELLS, type CellName } from './cells.ts'
import { CONTESTANTS, type ContestantName } from './contestants.ts'
import type { NodeRuntime } from './processes.ts'

export interface Options {
  readonly cells: readonly CellName[]
  readonly contestants: readonly ContestantName[]
  readonly connections: readonly number[]
  readonly latencies: readonly number[]
  readonly rounds: number
  readonly seconds: number
  /** The longest warm-up of a contestant before a cell. */
  readonly warmUpSeconds: number
  /** The load average of the minute before the run: how many cores others kept busy, more or less. */
  readonly loadBefore: number
  /** What runs every contestant. */
  readonly runtime: NodeRuntime
  /** The number of stored sessions. */
  readonly sessions: number
  /** True to compare the responses without measuring. */
  readonly compareOnly: boolean
  /** The selected probes. */
  readonly probes: readonly ProbeName[]
  /** Rows of the stores that the probe `stores` compares. */
  readonly storeSizes: readonly number[]
  readonly memoryMinutes: number
  /** Where our server writes its CPU profile at exit; undefined for none. */
  readonly profile: string | undefined
}

export const PROBES = ['cold', 'sizes', 'stores', 'defer', 'overload', 'postgres', 'processes', 'memory'] as const
export type ProbeName = (typeof PROBES)[number]

/** More than two pages of the largest list that is compared. */
const COMPARED_SESSIONS = 200
/** Those of deploy/Dockerfile. */
const FLAGS_OF_IMAGE = ['--max-semi-space-size=32']

const USAGE = `npm run bench -- [options]
The report is written by a run with all cells, all contestants and a probe.
  --quick              ours and the limit, 64 connections, no latency, few short rounds, no probes
  --compare            compare the answers of all contestants, measure nothing
  --cells a,b          of ${CELLS.join(', ')}
  --contestants a,b    of ${Object.keys(CONTESTANTS).join(', ')}
  --connections 8,64   --latencies 0,5,50 (ms)   --rounds 3   --seconds 1   --sessions 1000
  --warm-up 30         seconds at most, before a cell and for each contestant
  --node binary        runs every contestant, and the program that fills the store; default: the running one
  --flags="--a --b"    of Node, for every contestant; default: those with which our image starts the server
  --probes a,b         of ${PROBES.join(', ')}; default: all but memory; none for none
  --stores 1000,100000 rows; 1000000 takes minutes to fill
  --minutes 10         of the probe memory
  --profile directory  where our server writes its CPU profile (with --contestants ours and one cell)`

/** The options of the command line. Prints the usage and exits on request or if they are invalid. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: FLAGS })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const { quick } = values
  const everyone = Object.keys(CONTESTANTS) as ContestantName[]
  return {
    cells: pick(values.cells, CELLS, CELLS),
    contestants: pick(values.contestants, everyone, quick ? ['ours', 'limit'] : everyone),
    connections: numbers(values.connections ?? (quick ? '64' : '8,64')),
    latencies: numbers(values.latencies ?? (quick ? '0' : '0,5,50')),
    rounds: Number(values.rounds ?? 3),
    seconds: Number(values.seconds ?? 1),
    warmUpSeconds: Number(values['warm-up'] ?? 30),
    loadBefore: loadavg()[0] ?? 0,
    runtime: {
      binary: values.node ?? process.execPath,
      flags: values.flags?.split(' ').filter(Boolean) ?? FLAGS_OF_IMAGE,
    },
    sessions: Number(values.sessions ?? (values.compare ? COMPARED_SESSIONS : 1000)),
    compareOnly: values.compare ?? false,
    probes: pick(values.probes, PROBES, quick ? [] : PROBES.filter(name => name !== 'memory')),
    storeSizes: numbers(values.stores ?? '1000,100000'),
    memoryMinutes: Number(values.minutes ?? 10),
    profile: values.profile,
  }
}

/** Whether the report can be written from it: every cell, contestant and connection count, and at least a probe. */
export function isWhole({ cells, contestants, connections, latencies, probes }: Options): boolean {
  const hasAll = cells.length === CELLS.length && contestants.length === Object.keys(CONTESTANTS).length
  return hasAll && connections.includes(64) && latencies.includes(0) && probes.length > 0
}

const FLAGS = {
  quick: { type: 'boolean' },
  compare: { type: 'boolean' },
  help: { type: 'boolean' },
  cells: { type: 'string' },
  contestants: { type: 'string' },
  connections: { type: 'string' },
  latencies: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  node: { type: 'string' },
  flags: { type: 'string' },
  sessions: { type: 'string' },
  probes: { type: 'string' },
  stores: { type: 'string' },
  minutes: { type: 'string' },
  profile: { type: 'string' },
} as const

function pick<T extends string>(given: string | undefined, all: readonly T[], otherwise: readonly T[]): readonly T[] {
  if (given === undefined) return otherwise
  return all.filter(name => given.split(',').includes(name))
}

function numbers(text: string): number[] {
  return text.split(',').map(Number)
}
