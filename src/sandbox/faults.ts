import type { Fault, FaultRule, FaultsInput } from './fault-rule.ts'
import { createRandom } from './random.ts'
import type { SandboxRequest } from './sandbox.ts'

/** What happens to one call: it waits, and then at most one thing goes wrong. */
export interface ChosenFaults {
  readonly waitMs: number
  readonly fault?: Exclude<Fault, { kind: 'latency' }>
  readonly kinds: readonly Fault['kind'][]
  /** To be told where the fault found nothing to change: it does not count as applied then. */
  missed(): void
}

export interface Faults {
  /** Takes the place of all rules there were. */
  replace(input: FaultsInput): ListedFaults
  list(): ListedFaults
  clear(): number
  choose(request: Pick<SandboxRequest, 'method' | 'path'>): ChosenFaults
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

/** The rules of a sandbox, none at first. Rules live in memory only: a sandbox starts healthy. */
export function createFaults(): Faults {
  let seed = 1
  let live: readonly LiveRule[] = []

  const list = () => ({ seed, rules: live.map(({ rule, applied, missed }) => ({ ...rule, applied, missed })) })
  return {
    list,
    replace: input => {
      seed = input.seed
      live = input.rules.map((rule, place) => open(rule, seed, place))
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

/** Each rule draws its own numbers, so that what other rules meet does not change which calls this one hits. */
function open(rule: FaultRule, seed: number, place: number): LiveRule {
  const random = createRandom(seed + place * 0x9e37)
  return { rule, path: toPattern(rule.path ?? '*'), random, applied: 0, missed: 0 }
}

function toPattern(path: string): RegExp {
  const literals = path.split('*').map(part => part.replace(/[$()+.?[\\\]^{|}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`)
}

function choose(live: readonly LiveRule[], request: Pick<SandboxRequest, 'method' | 'path'>): ChosenFaults {
  const kinds: Fault['kind'][] = []
  let waitMs = 0
  for (const each of live) {
    if (!applies(each, request)) continue
    each.applied++
    const { fault } = each.rule
    kinds.push(fault.kind)
    if (fault.kind !== 'latency') return { waitMs, fault, kinds, missed: () => miss(each) }
    waitMs += fault.ms
  }
  return { waitMs, kinds, missed: () => {} }
}

function miss(rule: LiveRule): void {
  rule.applied--
  rule.missed++
}

function applies({ rule, path, random, applied }: LiveRule, request: Pick<SandboxRequest, 'method' | 'path'>): boolean {
  if (rule.method !== undefined && rule.method !== request.method) return false
  if (!path.test(request.path)) return false
  if (rule.times !== undefined && applied >= rule.times) return false
  return random() < rule.share
}
