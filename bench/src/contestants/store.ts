import { placeIn } from '../../../db/core/columns.ts'
import { SqliteDatabase as Sqlite } from '../../../db/sqlite/better-sqlite3.ts'
import { createFieldEncryption, type FieldEncryption } from '../../../src/security/field-encryption.ts'
import { type Cursors, createCursors } from '../../../src/services/lists/cursor.ts'
import type { Applicant, Attempt, Customer, Session } from './views.ts'

/** Our tables, used by handwritten code: statements prepared once, every commit on disk. */

export interface PageQuery {
  readonly first: number
  readonly after?: string | null
  readonly filtered: boolean
}

export type Store = ReturnType<typeof openStore>

export const SESSION =
  'id, provider, provider_id, status, outcome, external_id, created_at, updated_at, customer_id, applicant_id'
export const ATTEMPT = 'id, provider_id, kind, status, failure_code, risk_score, created_at, session_id'
export const CUSTOMER = 'id, provider_id, pii_encrypted, created_at'
export const APPLICANT = 'id, provider_id, parent_provider_id, status, outcome, provider_status, created_at'
export const TENANT = "tenant_id = 'dev'"
export const AFTER = 'and (created_at, id) < (?, ?)'
export const FILTER = "and status in ('COMPLETED') and provider in ('KAYLE')"
export const SCOPE = 'dev|session|created_at|desc'

export function openStore(env: NodeJS.ProcessEnv) {
  const database = new Sqlite((env.DATABASE_URL ?? '').replace(/^sqlite:/, ''))
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON', 'secure_delete = ON']) {
    database.pragma(pragma)
  }
  const encryption = createFieldEncryption(Buffer.from(env.ENCRYPTION_KEY ?? '', 'hex'))
  const cursors = createCursors(encryption)
  const one = <T>(text: string) => database.prepare<unknown[], T>(text)
  const page = (where: string) =>
    one<Session>(`select ${SESSION} from sessions where ${TENANT} ${where} order by created_at desc, id desc limit ?`)

  const session = one<Session>(`select ${SESSION} from sessions where ${TENANT} and id = ?`)
  const byProvider = one<Session>(`select ${SESSION} from sessions where account_id = ? and provider_id = ?`)
  const account = one<{ id: string }>(`select id from accounts where ${TENANT} and provider = 'KAYLE'`)
  const kayleAccount = account.get()?.id ?? ''
  const attempts = one<Attempt>(`select ${ATTEMPT} from attempts where session_id = ? order by created_at, id`)
  const customer = one<Customer>(`select ${CUSTOMER} from customers where ${TENANT} and id = ?`)
  const applicant = one<Applicant>(`select ${APPLICANT} from applicants where ${TENANT} and id = ?`)
  const pages = { false: page(''), true: page(FILTER) }
  const nextPages = { false: page(AFTER), true: page(`${FILTER} ${AFTER}`) }

  return {
    database,
    encryption,
    kayleAccount,
    session: (id: string) => session.get(id),
    sessionByProviderId: (providerId: string) => byProvider.get(kayleAccount, providerId),
    attempts: (sessionId: string) => attempts.all(sessionId),
    customer: (id: string) => customer.get(id),
    applicant: (id: string) => applicant.get(id),
    openPii: (customer: Customer) => openPii(encryption, customer),
    sessions({ first, after, filtered }: PageQuery) {
      const position = after == null ? undefined : cursors.decode(SCOPE, after)
      const rows = position
        ? nextPages[`${filtered}`].all(position.at, position.id, first + 1)
        : pages[`${filtered}`].all(first + 1)
      return toPage(cursors, rows, first)
    },
  }
}

/** The page of rows that are one more than it has, if there are more. */
export function toPage(cursors: Cursors, rows: readonly Session[], first: number) {
  const shown = rows.slice(0, first)
  const last = shown.at(-1)
  const endCursor = last ? cursors.encode(SCOPE, { at: last.created_at, id: last.id }) : null
  return { rows: shown, pageInfo: { hasNextPage: rows.length > first, endCursor } }
}

export function openPii(encryption: FieldEncryption, { id, pii_encrypted }: Customer) {
  const place = placeIn('customers', 'pii_encrypted', { id, tenantId: 'dev' })
  return JSON.parse(encryption.decrypt(pii_encrypted ?? '', place)) as { email: string; name: string }
}
