import type { Database } from '../../db/core/database.ts'
import { listRecordsByIds, listSessionsByIds } from '../../db/repositories/admin-repository.ts'
import type { StoredOperation } from '../../db/repositories/operation-repository.ts'
import {
  findByEmail,
  findByExternalId,
  findSessionsOf,
  findSessionsOfParts,
  type RecordSearch,
  type RecordTable,
  searchByProviderId,
  searchDeliveries,
  searchOperations,
} from '../../db/repositories/search-repository.ts'
import { distinctById } from '../domain/distinct-by-id.ts'
import { InvalidInputError } from '../domain/errors.ts'
import { decodeGlobalId, encodeGlobalId } from '../domain/global-id.ts'
import { MAX_TEXT, textProblem } from '../domain/input/text.ts'
import { toRow } from './creates.ts'
import type { AdminHandler, Operator } from './handler.ts'
import { toDeliveryRow } from './webhooks.ts'

const MAX_ROWS = 50
/** The inputs of unconfirmed creates that a search for an e-mail address decrypts. */
const MAX_DECRYPTED = 100
const TABLES = ['sessions', 'applicants', 'customers'] as const
const TYPENAMES = { sessions: 'Session', applicants: 'Applicant', customers: 'Customer' } as const

/**
 * `{ "query" }`: an id of ours (of a record, attempt, create, delivery, event or person), of the provider (of a record, attempt or
 * webhook event), of the caller or of a request, an idempotency key, or an e-mail address. The newest records of the types that the
 * operator may read; an e-mail address also finds creates that are not confirmed yet. `denied`: the scopes without which something was not searched. Throws INVALID_INPUT.
 */
export const search: AdminHandler = async ({ db, services }, operator, { body }) => {
  const { tenantId, scopes } = operator
  const given = readQuery(body)
  const decoded = decodeGlobalId(given)
  // The id of a person, an attempt or a create as clients see it. Those of records are tried with their type.
  const isOther = decoded && !Object.values<string>(TYPENAMES).includes(decoded.typename)
  const query = { tenantId, value: isOther ? decoded.id : given, limit: MAX_ROWS }
  const denied = TABLES.filter(table => !scopes.has(`${table}:read`))
  const isEmail = query.value.includes('@')
  const mayFindEmail = isEmail && scopes.has('pii:read')
  // A record that the operator may not read leads to no session either.
  const find = async (table: RecordTable) => (denied.includes(table) ? [] : findIds(db, table, query, mayFindEmail))
  const applicants = await find('applicants')
  const customers = await find('customers')
  const byEmail = mayFindEmail ? await services.operations.findUnknownByValue(operator, query.value, MAX_DECRYPTED) : []
  const operations = distinctById([...(await searchOperations(db, query)), ...byEmail])
  const deliveries = await searchDeliveries(db, query)
  const sessions = [
    ...(await find('sessions')),
    ...operations.flatMap(({ recordId }) => (recordId ? [recordId] : [])),
    ...(await findSessionsOfParts(db, query)),
    ...(await findSessionsOf(db, tenantId, 'applicant_id', applicants, MAX_ROWS)),
    ...(await findSessionsOf(db, tenantId, 'customer_id', customers, MAX_ROWS)),
  ]
  const sessionIds = denied.includes('sessions') ? [] : [...new Set(sessions)]
  return {
    denied: [...denied.map(table => `${table}:read`), ...(isEmail && !mayFindEmail ? ['pii:read'] : [])],
    sessions: named('sessions', await listSessionsByIds(db, tenantId, sessionIds)),
    applicants: named('applicants', await listRecordsByIds(db, 'applicants', tenantId, [...new Set(applicants)])),
    customers: named('customers', await listRecordsByIds(db, 'customers', tenantId, [...new Set(customers)])),
    creates: operations.filter(({ kind }) => mayReadCreate(operator, kind)).map(toRow),
    deliveries: deliveries.map(delivery => toDeliveryRow(delivery)),
  }
}

async function findIds(db: Database, table: RecordTable, query: RecordSearch, byEmail: boolean): Promise<string[]> {
  const email = byEmail && table !== 'sessions' ? await findByEmail(db, table, query) : []
  return [
    ...ownIds(table, query.value),
    ...(await searchByProviderId(db, table, query)),
    ...(await findByExternalId(db, table, query)),
    ...email,
  ]
}

/** Our id, as stored or as clients see it. */
function ownIds(table: RecordTable, value: string): string[] {
  if (/^[0-9a-f-]{36}$/.test(value)) return [value]
  const decoded = decodeGlobalId(value)
  return decoded?.typename === TYPENAMES[table] ? [decoded.id] : []
}

function mayReadCreate({ scopes }: Operator, kind: StoredOperation['kind']): boolean {
  if (kind === 'CREATE_SESSION') return scopes.has('sessions:read')
  return scopes.has(kind === 'CREATE_APPLICANT' ? 'applicants:read' : 'customers:read')
}

function named<Row extends { readonly id: string; readonly createdAt: Date }>(
  table: RecordTable,
  rows: readonly Row[],
) {
  return rows
    .toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
    .slice(0, MAX_ROWS)
    .map(row => ({ ...row, graphqlId: encodeGlobalId(TYPENAMES[table], row.id) }))
}

function readQuery(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'query' in body ? body.query : undefined
  const query = typeof given === 'string' ? given.trim() : ''
  if (query === '') throw refused('Expected an id or an e-mail address.')
  const problem = textProblem(query, { max: MAX_TEXT, lines: true })
  if (problem !== undefined) throw refused(problem)
  return query
}

function refused(message: string): InvalidInputError {
  return new InvalidInputError([{ path: ['query'], message }])
}
