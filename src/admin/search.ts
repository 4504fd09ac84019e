import { findRecordRows, findSessionRows } from '../../db/repositories/admin-repository.ts'
import { InvalidInputError } from '../domain/errors.ts'
import { encodeGlobalId } from '../domain/global-id.ts'
import { MAX_TEXT, textProblem } from '../domain/input/text.ts'
import type { AdminHandler } from './handler.ts'

const MAX_ROWS = 50
const TYPES = ['sessions', 'applicants', 'customers'] as const

/**
 * `{ "externalId" }`: the newest records with this external id, of the types that the operator may read. `denied`: the other
 * types. Throws INVALID_INPUT.
 */
export const search: AdminHandler = async ({ db }, { tenantId, scopes }, { body }) => {
  const externalId = readExternalId(body)
  const query = { tenantId, externalId, limit: MAX_ROWS }
  const denied = TYPES.filter(type => !scopes.has(`${type}:read`))
  const sessions = denied.includes('sessions') ? [] : await findSessionRows(db, tenantId, externalId, MAX_ROWS)
  const applicants = denied.includes('applicants') ? [] : await findRecordRows(db, 'applicants', query)
  const customers = denied.includes('customers') ? [] : await findRecordRows(db, 'customers', query)
  return {
    denied,
    sessions: sessions.map(row => ({ ...row, graphqlId: encodeGlobalId('Session', row.id) })),
    applicants: applicants.map(row => ({ ...row, graphqlId: encodeGlobalId('Applicant', row.id) })),
    customers: customers.map(row => ({ ...row, graphqlId: encodeGlobalId('Customer', row.id) })),
  }
}

function readExternalId(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'externalId' in body ? body.externalId : undefined
  if (typeof given !== 'string') throw refused('Expected a string.')
  const problem = textProblem(given, { max: MAX_TEXT, lines: true })
  if (problem !== undefined) throw refused(problem)
  return given
}

function refused(message: string): InvalidInputError {
  return new InvalidInputError([{ path: ['externalId'], message }])
}
