import { setTimeout as sleep } from 'node:timers/promises'
import type { Cell } from './cells.ts'
import type { Contestant, ContestantName } from './contestants.ts'
import { cpuSeconds, residentMb, type Stub } from './processes.ts'
import { type Load, load } from './wrk.ts'

/** One contestant in one round. */
export interface Round extends Load {
  readonly perSecond: number
  /** Microseconds of processor time for one request. */
  readonly cpuMicros: number
  readonly upstreamCalls: number
  readonly residentMb: number
}

export interface RoundsOptions {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** The longest warm-up. */
  readonly warmUpSeconds: number
}

export type Measured = ReadonlyMap<ContestantName, readonly Round[]>

const DRAIN_MS = 150
const WARM_UP_ROUND_SECONDS = 1
/** Rounds without a gain after which nothing more is expected; as many come before them. */
const STEADY_ROUNDS = 5
/** Node compiles a function once it has run often enough. A disturbance may look like the end of that. */
const LEAST_REQUESTS = 10_000
/** A smaller gain is noise. */
const LEAST_GAIN = 0.02

/** Rounds of all contestants in turn, so that a disturbance of the machine affects all of them, after a warm-up of each. */
export async function measure(
  cell: Cell,
  contestants: readonly Contestant[],
  stubs: readonly Stub[],
  { connections, rounds, seconds, warmUpSeconds }: RoundsOptions,
): Promise<Measured> {
  const measured = new Map<ContestantName, Round[]>(contestants.map(({ name }) => [name, []]))
  for (const contestant of contestants) await warmUp(cell, contestant, connections, warmUpSeconds)
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      await sleep(DRAIN_MS)
      measured.get(contestant.name)?.push(await measureOne(cell, contestant, stubs, connections, seconds))
    }
  }
  return measured
}

/**
 * Sends load until the processor time of a request no longer falls: a large server needs thousands of requests until Node
 * has compiled its hot code.
 */
export async function warmUp(cell: Cell, contestant: Contestant, connections: number, most: number): Promise<void> {
  const cpuMicros: number[] = []
  let requests = 0
  while (cpuMicros.length * WARM_UP_ROUND_SECONDS < most) {
    const round = await measureOne(cell, contestant, [], connections, WARM_UP_ROUND_SECONDS)
    cpuMicros.push(round.cpuMicros)
    requests += round.requests
    if (requests >= LEAST_REQUESTS && isSteady(cpuMicros)) return
  }
  const last = cpuMicros.slice(-STEADY_ROUNDS).map(micros => micros.toFixed(0))
  console.log(`${cell.name}: ${contestant.name} was not steady after ${most} s: CPU µs ${last.join(', ')}.`)
}

/** Disturbances only raise the processor time of a request, so the lowest ones are compared. */
function isSteady(cpuMicros: readonly number[]): boolean {
  if (cpuMicros.length < 2 * STEADY_ROUNDS) return false
  const lowest = Math.min(...cpuMicros.slice(0, -STEADY_ROUNDS))
  return Math.min(...cpuMicros.slice(-STEADY_ROUNDS)) > lowest * (1 - LEAST_GAIN)
}

async function measureOne(
  cell: Cell,
  { pid, url }: Contestant,
  stubs: readonly Stub[],
  connections: number,
  seconds: number,
): Promise<Round> {
  const [cpu, calls] = [cpuSeconds(pid), await countCalls(stubs)]
  const result = await load(url, cell.bodies, connections, seconds)
  const answered = Math.max(1, result.requests)
  return {
    ...result,
    perSecond: (result.requests - result.refused) / result.seconds,
    cpuMicros: ((cpuSeconds(pid) - cpu) / answered) * 1e6,
    upstreamCalls: ((await countCalls(stubs)) - calls) / answered,
    residentMb: residentMb(pid),
  }
}

async function countCalls(stubs: readonly Stub[]): Promise<number> {
  const counts = await Promise.all(stubs.map(stub => stub.count()))
  return counts.reduce((sum, count) => sum + count, 0)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The median over the rounds of the ratio of two contestants in the same round. */
export function ratio(measured: Measured, one: ContestantName, other: ContestantName): number {
  const [ones, others] = [measured.get(one) ?? [], measured.get(other) ?? []]
  return median(ones.map((round, index) => round.perSecond / (others[index]?.perSecond ?? Number.NaN)))
}
