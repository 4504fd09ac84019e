import type { GraphQLError } from 'graphql'
import { type Caller, holderOf } from '../domain/caller.ts'
import type { Budget } from './budget.ts'
import type { DoorLimits } from './limits.ts'
import { tooComplex } from './parse-document.ts'
import { refuse } from './refusal.ts'

/** Takes what an operation costs from what its caller may spend. Gives the refusal where it is too much. */
export type Charge = (caller: Caller, cost: number) => Promise<GraphQLError | undefined>

export function createCharge({ maxCost }: DoorLimits, budget: Budget): Charge {
  return async (caller, exactly) => {
    const cost = Math.ceil(exactly)
    if (cost > maxCost) return tooComplex(`a cost of at most ${maxCost}, not ${cost}`)
    const waitMs = await budget.spend(holderOf(caller), Math.max(1, cost))
    return waitMs > 0 ? spent(waitMs) : undefined
  }
}

function spent(waitMs: number): GraphQLError {
  const retryAfter = Math.ceil(waitMs / 1_000)
  return refuse('RATE_LIMITED', 'Your key has spent what it may spend in a minute.', { status: 429, retryAfter })
}
