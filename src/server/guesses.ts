import { createHash } from 'node:crypto'
import { type Budget, lenient } from './budget.ts'

/** Bad keys by address. */
export interface Guesses {
  /** Counts one. Gives the milliseconds to wait where there were too many, else 0. */
  count(address: string): Promise<number>
}

/** Addresses are many and cost nothing to whoever has them; places are so many, so that memory has an end. */
const PLACES = 65_536

/** `limit`: how many a place may have in a minute, in this process or in all of them. */
export function createGuesses(limit: Budget, report: (error: unknown) => void): Guesses {
  // What cannot be counted is refused for what it is, a bad key, and no more.
  const counted = lenient(limit, report)
  return { count: address => counted.spend(toPlace(address), 1) }
}

function toPlace(address: string): string {
  return String(createHash('sha256').update(address).digest().readUInt32BE() % PLACES)
}
