import type { Position } from '../../db/keyset.ts'
import { DomainError } from '../domain/errors.ts'
import type { Vault } from '../security/vault.ts'

const SIGNATURE_LENGTH = 12

/** A place in one list of one tenant, opaque and signed: a cursor of another list or tenant is refused. */
export interface Cursors {
  encode(scope: string, position: Position): string
  /** Throws CURSOR_INVALID. */
  decode(scope: string, cursor: string): Position
}

export function createCursors(vault: Vault): Cursors {
  const toSignature = (fingerprint: string) => fingerprint.slice(0, SIGNATURE_LENGTH)
  const sign = (scope: string, text: string) => toSignature(vault.fingerprint(`${scope}|${text}`))
  // A cursor that an older key signed is as good while that key is live.
  const signatures = (scope: string, text: string) => vault.fingerprints(`${scope}|${text}`).map(toSignature)
  return {
    encode: (scope, { at, id }) => {
      const text = `${at.toString(36)}.${id}`
      return Buffer.from(`${text}.${sign(scope, text)}`).toString('base64url')
    },
    decode: (scope, cursor) => {
      const match = /^(([0-9a-z]+)\.([0-9a-f-]+))\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
      const [, text = '', at = '', id = '', signature] = match ?? []
      if (signature === undefined || !signatures(scope, text).includes(signature)) {
        throw new DomainError('CURSOR_INVALID', 'The cursor is not one of this list. Start again without it.')
      }
      return { at: Number.parseInt(at, 36), id }
    },
  }
}
