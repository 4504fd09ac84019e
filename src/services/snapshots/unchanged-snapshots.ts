import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Revised } from '../../../db/records/stored-record.ts'
import type { SnapshotContext } from './snapshot-context.ts'

/**
 * Most provider answers repeat the one before. A comparison decrypts the stored record, so an answer that was equal is not
 * compared again while the record has the same revision. Only a hash of the answer is stored.
 */
export interface Repeats {
  /** True if the stored record equals the snapshot, by an earlier comparison or by `compare`. */
  isRepeat(known: Revised, context: SnapshotContext, snapshot: object, compare: () => boolean): boolean
}

interface Repeat {
  readonly revision: number
  readonly fingerprint: string
}

const MAX_ENTRIES = 10_000

export function createRepeats(): Repeats {
  const repeats = new LRUCache<string, Repeat>({ max: MAX_ENTRIES })

  function isRepeat(known: Revised, { source }: SnapshotContext, snapshot: object, compare: () => boolean): boolean {
    const { id, revision } = known
    const fingerprint = hash('sha256', `${source}\n${JSON.stringify(snapshot)}`, 'base64')
    const before = repeats.get(id)
    if (before?.revision === revision && before.fingerprint === fingerprint) return true
    if (!compare()) return false
    repeats.set(id, { revision, fingerprint })
    return true
  }

  return { isRepeat }
}
