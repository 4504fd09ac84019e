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
}

export type Measured = ReadonlyMap<ContestantName, readonly Round[]>

const DRAIN_MS = 150
/** A large server needs thousands of requests until Node has compiled its hot code. */
const WARM_UP_SECONDS = 5

/**
 * Rounds of all contestants in turn, so that a disturbance of the machine affects all of them; a warm-up round is
 * discarded.
 */
export async function measure(
  cell: Cell,
  contestants: readonly Contestant[],
  stubs: readonly Stub[],
  { connections, rounds, seconds }: RoundsOptions,
): Promise<Measured> {
  const measured = new Map<ContestantName, Round[]>(contestants.map(({ name }) => [name, []]))
  for (const { url } of contestants) await load(url, cell.bodies, connections, WARM_UP_SECONDS)
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      await sleep(DRAIN_MS)
      measured.get(contestant.name)?.push(await measureOne(cell, contestant, stubs, connections, seconds))
    }
  }
  return measured
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
