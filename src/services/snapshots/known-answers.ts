import { LRUCache } from 'lru-cache'
import type { FetchedAttempt } from '../../../db/records/fetched-at-repository.ts'
import type { Revised } from '../../../db/records/stored-record.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'

/**
 * Most provider answers repeat the one before. Once a comparison has shown that an answer equals the stored record, the same
 * body equals it as long as the record has the same revision: it is neither parsed nor compared again. Only the keyed hash
 * of the body is in memory, never its content.
 */
export interface KnownAnswers {
  /** The answer that equals this record; undefined if there is none. */
  find(record: Revised, source: ChangeSource, now: Date): KnownAnswer | undefined
  add(record: Revised, answer: KnownAnswer): void
}

export interface KnownAnswer {
  readonly digest: string
  readonly source: ChangeSource
  /** The stored attempts of the answer; undefined if it has no attempts field. */
  readonly attempts: readonly FetchedAttempt[] | undefined
  /** When the same answer means something else, because the record expires. */
  readonly until: Date | null
}

const MAX_ENTRIES = 10_000

export function createKnownAnswers(): KnownAnswers {
  const answers = new LRUCache<string, KnownAnswer & { readonly revision: number }>({ max: MAX_ENTRIES })

  function find({ id, revision }: Revised, source: ChangeSource, now: Date): KnownAnswer | undefined {
    const known = answers.get(id)
    if (known?.revision !== revision || known.source !== source) return undefined
    return known.until === null || now < known.until ? known : undefined
  }

  return { find, add: ({ id, revision }, answer) => answers.set(id, { ...answer, revision }) }
}
