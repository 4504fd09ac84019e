import type { Fault, FaultRule, FaultsInput } from './fault-rule.ts'
import { createRandom } from './random.ts'
import type { SandboxRequest } from './sandbox.ts'

type Latency = Extract<Fault, { kind: 'latency' }>

/** What happens to one call: it waits, and then at most one thing goes wrong. */
export interface ChosenFaults {
  readonly waitMs: number
  readonly fault?: Exclude<Fault, Latency>
  readonly kinds: readonly Fault['kind'][]
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
  readonly rules: readonly (FaultRule & { readonly applied: number })[]
}

interface LiveRule {
  readonly rule: FaultRule
  readonly path: RegExp
  readonly random: () => number
  applied: number
}

/** The rules of a sandbox, none at first. Rules live in memory only: a sandbox starts healthy. */
export function createFaults(): Faults {
  let seed = 1
  let live: readonly LiveRule[] = []

  const list = () => ({ seed, rules: live.map(({ rule, applied }) => ({ ...rule, applied })) })
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
  return { rule, path: toPattern(rule.path ?? '*'), random: createRandom(seed + place * 0x9e37), applied: 0 }
}

function toPattern(path: string): RegExp {
  const literals = path.split('*').map(part => part.replace(/[$()+.?[\\\]^{|}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`)
}

function choose(live: readonly LiveRule[], request: Pick<SandboxRequest, 'method' | 'path'>): ChosenFaults {
  const latencies: Latency[] = []
  for (const each of live) {
    if (!applies(each, request)) continue
    each.applied++
    const { fault } = each.rule
    if (fault.kind !== 'latency') return toChosen(latencies, fault)
    latencies.push(fault)
  }
  return toChosen(latencies)
}

function applies({ rule, path, random, applied }: LiveRule, request: Pick<SandboxRequest, 'method' | 'path'>): boolean {
  if (rule.method !== undefined && rule.method !== request.method) return false
  if (!path.test(request.path)) return false
  if (rule.times !== undefined && applied >= rule.times) return false
  return random() < rule.share
}

function toChosen(latencies: readonly Latency[], fault?: ChosenFaults['fault']): ChosenFaults {
  const kinds = [...latencies, ...(fault ? [fault] : [])].map(({ kind }) => kind)
  return { waitMs: latencies.reduce((sum, { ms }) => sum + ms, 0), fault, kinds }
}
