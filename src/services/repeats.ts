import { hash } from 'node:crypto'
import type { AsStored } from '../../db/stored-record.ts'
import type { Said } from './said.ts'

/**
 * A provider that is asked again mostly says the same again. To compare an answer with what is stored, what is sealed has
 * to be opened; so where both are as they were when they were last compared, that is not done again. What is kept is a
 * hash of both, which tells nobody anything, and means nothing any more once either changes.
 */
const repeats = new Set<string>()

const MOST_KEPT = 10_000

/** True where these rows hold what was said: by `compare`, or because it found so before. */
export function isRepeat(
  rows: readonly AsStored[],
  { source }: Said,
  snapshot: object,
  compare: () => boolean,
): boolean {
  const both = [source, JSON.stringify(snapshot), ...rows.map(row => row.content())]
  const print = hash('sha256', both.join('\n'), 'base64')
  if (repeats.has(print)) return true
  if (!compare()) return false
  if (repeats.size >= MOST_KEPT) repeats.clear()
  repeats.add(print)
  return true
}
