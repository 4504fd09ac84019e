import { createRandom } from '../random.ts'
import type { SandboxRequest } from '../sandbox.ts'
import type { Fault, FaultRule, FaultsInput } from './fault-rule.ts'

/** The faults of one request: a delay, and at most one other fault. */
export interface SelectedFault {
  readonly waitMs: number
  readonly fault?: Exclude<Fault, { kind: 'latency' }>
  readonly kinds: readonly Fault['kind'][]
  /** Called if the fault had nothing to change; it then does not count as applied. */
  missed(): void
}

export interface Faults {
  /** Replaces all rules. */
  replace(input: FaultsInput): ListedFaults
  list(): ListedFaults
  clear(): number
  choose(request: Pick<SandboxRequest, 'method' | 'path'>): SelectedFault
}

export interface ListedFaults {
  readonly seed: number
  readonly rules: readonly (FaultRule & { readonly applied: number; readonly missed: number })[]
}

interface LiveRule {
  readonly rule: FaultRule
  readonly path: RegExp
  readonly random: () => number
  applied: number
  missed: number
}

/** The fault rules of a sandbox, in memory only: a sandbox starts without faults. */
export function createFaults(): Faults {
  let seed = 1
  let live: readonly LiveRule[] = []

  const list = () => ({ seed, rules: live.map(({ rule, applied, missed }) => ({ ...rule, applied, missed })) })
  return {
    list,
    replace: input => {
      seed = input.seed
      live = input.rules.map((rule, index) => open(rule, seed, index))
      return list()
    },
    clear: () => {
      const count = live.length
      live = []
      return count
    },
    choose: request => choose(live, request),
  }
}

/** Each rule has its own random sequence, so that other rules do not change which requests it hits. */
function open(rule: FaultRule, seed: number, index: number): LiveRule {
  const random = createRandom(seed + index * 0x9e37)
  return { rule, path: toPattern(rule.path ?? '*'), random, applied: 0, missed: 0 }
}

function toPattern(path: string): RegExp {
  const literals = path.split('*').map(part => part.replace(/[$()+.?[\\\]^{|}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`)
}

function choose(live: readonly LiveRule[], request: Pick<SandboxRequest, 'method' | 'path'>): SelectedFault {
  const kinds: Fault['kind'][] = []
  let waitMs = 0
  for (const each of live) {
    if (!applies(each, request)) continue
    each.applied++
    const { fault } = each.rule
    kinds.push(fault.kind)
    if (fault.kind !== 'latency') return { waitMs, fault, kinds, missed: () => recordMiss(each) }
    waitMs += fault.ms
  }
  return { waitMs, kinds, missed: () => {} }
}

function recordMiss(rule: LiveRule): void {
  rule.applied--
  rule.missed++
}

function applies({ rule, path, random, applied }: LiveRule, request: Pick<SandboxRequest, 'method' | 'path'>): boolean {
  if (rule.method !== undefined && rule.method !== request.method) return false
  if (!path.test(request.path)) return false
  if (rule.times !== undefined && applied >= rule.times) return false
  return random() < rule.share
}
