import type { Position } from '../../../db/core/keyset.ts'
import { DomainError } from '../../domain/errors.ts'
import type { FieldEncryption } from '../../security/field-encryption.ts'

/**
 * Encrypted positions in one list of one tenant. A cursor of another list or tenant is invalid, and a client learns neither
 * times nor the number of events from it. Cursors by an older encryption key are valid while that key is configured.
 */
export interface Cursors {
  encode(scope: string, position: Position): string
  /** Throws CURSOR_INVALID. */
  decode(scope: string, cursor: string): Position
}

/** Of the largest safe integer in base 36. All positions have the same length, which encryption does not hide. */
const DIGITS = 11
const POSITION = /^([0-9a-z]{11})\.([0-9a-f-]+)$/

export function createCursors(encryption: Pick<FieldEncryption, 'decryptPosition' | 'encryptPosition'>): Cursors {
  return {
    encode: (scope, { at, id }) => encryption.encryptPosition(`${at.toString(36).padStart(DIGITS, '0')}.${id}`, scope),
    decode: (scope, cursor) => {
      const [, at, id] = POSITION.exec(encryption.decryptPosition(cursor, scope) ?? '') ?? []
      if (at === undefined || id === undefined) {
        throw new DomainError('CURSOR_INVALID', 'The cursor does not belong to this list. Start again without it.')
      }
      return { at: Number.parseInt(at, 36), id }
    },
  }
}
