import type { Position } from '../../../db/core/keyset.ts'
import { DomainError } from '../../domain/errors.ts'
import type { FieldEncryption } from '../../security/field-encryption.ts'

const SIGNATURE_LENGTH = 12

/** Signed positions in one list of one tenant. A cursor of another list or tenant is invalid. */
export interface Cursors {
  encode(scope: string, position: Position): string
  /** Throws CURSOR_INVALID. */
  decode(scope: string, cursor: string): Position
}

export function createCursors(encryption: FieldEncryption): Cursors {
  const toSignature = (fingerprint: string) => fingerprint.slice(0, SIGNATURE_LENGTH)
  const sign = (scope: string, text: string) => toSignature(encryption.fingerprint(`${scope}|${text}`))
  // A signature by an older key is valid while that key is configured.
  const signatures = (scope: string, text: string) => encryption.fingerprints(`${scope}|${text}`).map(toSignature)
  return {
    encode: (scope, { at, id }) => {
      const text = `${at.toString(36)}.${id}`
      return Buffer.from(`${text}.${sign(scope, text)}`).toString('base64url')
    },
    decode: (scope, cursor) => {
      const match = /^(([0-9a-z]+)\.([0-9a-f-]+))\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
      const [, text = '', at = '', id = '', signature] = match ?? []
      if (signature === undefined || !signatures(scope, text).includes(signature)) {
        throw new DomainError('CURSOR_INVALID', 'The cursor does not belong to this list. Start again without it.')
      }
      return { at: Number.parseInt(at, 36), id }
    },
  }
}
