import { findRecordLines, findSessionLines } from '../../db/console-repository.ts'
import { InvalidInputError } from '../domain/errors.ts'
import type { Answer } from './desk.ts'
import { withGlobalId } from './global-id.ts'

const LINES = 50
/** As long as an external id may be. */
const LONGEST_ID = 256

/** `{ "externalId" }`: all that carries the caller's own id of a user, the newest of each. Throws INVALID_INPUT. */
export const search: Answer = async ({ db }, { tenantId }, { body }) => {
  const externalId = readExternalId(body)
  const wanted = { tenantId, externalId, limit: LINES }
  const sessions = await findSessionLines(db, tenantId, externalId, LINES)
  const applicants = await findRecordLines(db, 'applicants', wanted)
  const customers = await findRecordLines(db, 'customers', wanted)
  return {
    sessions: sessions.map(row => withGlobalId('Session', row)),
    applicants: applicants.map(row => withGlobalId('Applicant', row)),
    customers: customers.map(row => withGlobalId('Customer', row)),
  }
}

function readExternalId(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'externalId' in body ? body.externalId : undefined
  if (typeof given === 'string' && given !== '' && given.length <= LONGEST_ID) return given
  throw new InvalidInputError([{ path: ['externalId'], message: `Expected 1 to ${LONGEST_ID} characters.` }])
}
