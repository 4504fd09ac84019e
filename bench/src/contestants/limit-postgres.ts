import { userInfo } from 'node:os'
import pg from 'pg'
import { createFieldEncryption } from '../../../src/security/field-encryption.ts'
import { createCursors } from '../../../src/services/lists/cursor.ts'
import { EVENT_COLUMNS, OPERATION_COLUMNS, SESSION_COLUMNS, toEvents } from './create-rows.ts'
import { createWith } from './creates.ts'
import { answerCustomer, answerOne, answerStored, type SessionRows } from './limit-answers.ts'
import { type Answers, toCreateInput } from './limit-requests.ts'
import type { Providers } from './providers.ts'
import { AFTER, APPLICANT, ATTEMPT, CUSTOMER, FILTER, openPii, SCOPE, SESSION, TENANT, toPage } from './store.ts'
import * as view from './views.ts'

/** The default of our server. */
const CONNECTIONS = 10
const INT8 = 20

/** Two statements for a session with all that belongs to it, three for a list, two for a create. */
const PAGE = `select ${SESSION} from sessions where ${TENANT}`
const ORDER = 'order by created_at desc, id desc limit'
const STATEMENTS = {
  account: `select id from accounts where ${TENANT} and provider = 'KAYLE'`,
  lookup: `select ${SESSION} from sessions where account_id = $1 and provider_id = $2`,
  joined: `select ${columnsOf('s', SESSION)}, ${columnsOf('c', CUSTOMER)}, ${columnsOf('a', APPLICANT)}
    from sessions s join customers c on c.id = s.customer_id join applicants a on a.id = s.applicant_id
    where s.${TENANT} and s.id = $1`,
  attempts: `select ${ATTEMPT} from attempts where session_id = any($1) order by created_at, id`,
  customers: `select ${CUSTOMER} from customers where ${TENANT} and id = any($1)`,
  page: `${PAGE} ${ORDER} $1`,
  nextPage: `${PAGE} ${numbered(AFTER)} ${ORDER} $3`,
  filteredPage: `${PAGE} ${FILTER} ${ORDER} $1`,
  nextFilteredPage: `${PAGE} ${FILTER} ${numbered(AFTER)} ${ORDER} $3`,
  open: `insert into operations (${OPERATION_COLUMNS}) values (${placesOf(OPERATION_COLUMNS)})`,
  // One statement is one durable commit. Nothing is inserted if somebody else moved the operation.
  store: `with done as (update operations set state = 'SUCCEEDED', record_id = $1, input_encrypted = null, fence = 2
      where id = $24 and fence = 1 returning id),
    record as (insert into sessions (${SESSION_COLUMNS}) select ${placesOf(SESSION_COLUMNS)} from done),
    counter as (insert into event_positions (tenant_id, position) select 'dev', 2 from done
      on conflict (tenant_id) do update set position = event_positions.position + 2 returning position)
    insert into events (${EVENT_COLUMNS})
      select 'dev', counter.position - 1, $25, $26, $27, $28::bigint, $29, $30 from counter
      union all select 'dev', counter.position, $31, $32, $33, $34::bigint, $35, $36 from counter`,
} as const

/** The answers of the limit from PostgreSQL. */
export async function answerFromPostgres(env: NodeJS.ProcessEnv, providers: Providers): Promise<Answers> {
  const encryption = createFieldEncryption(Buffer.from(env.ENCRYPTION_KEY ?? '', 'hex'))
  const cursors = createCursors(encryption)
  const query = openPool(env.DATABASE_URL ?? '')
  const [account] = (await query('account', [])) as { id: string }[]
  const kayleAccount = account?.id ?? ''

  async function rowsOf(id: string): Promise<SessionRows> {
    const [[row], attempts] = await Promise.all([query('joined', [id]), attemptsOf([id])])
    if (!row) throw new Error('The store lacks a row.')
    const session = pick<view.Session>(row, 's', SESSION)
    const [customer, applicant] = [pick<view.Customer>(row, 'c', CUSTOMER), pick<view.Applicant>(row, 'a', APPLICANT)]
    return { session, customer, applicant, attempts }
  }

  const attemptsOf = async (ids: readonly string[]) => (await query('attempts', [ids])) as view.Attempt[]

  async function stored(id: string) {
    const rows = await rowsOf(id)
    return answerStored(rows, openPii(encryption, rows.customer))
  }

  async function sessions(first: number, after: string | null | undefined, filtered: boolean) {
    const position = after == null ? undefined : cursors.decode(SCOPE, after)
    const rows = (await (position
      ? query(filtered ? 'nextFilteredPage' : 'nextPage', [position.at, position.id, first + 1])
      : query(filtered ? 'filteredPage' : 'page', [first + 1]))) as view.Session[]
    return toPage(cursors, rows, first)
  }

  async function list(first: number, after: string | null | undefined) {
    const { rows, pageInfo } = await sessions(first, after, false)
    const [attempts, customers] = await Promise.all([
      attemptsOf(rows.map(({ id }) => id)),
      customersOf([...new Set(rows.map(row => row.customer_id ?? ''))]),
    ])
    const bySession = new Map(rows.map(({ id }) => [id, [] as view.Attempt[]]))
    for (const attempt of attempts) bySession.get(attempt.session_id ?? '')?.push(attempt)
    const nodes = rows.map(row => ({
      ...view.storedSession(row),
      attempts: { nodes: (bySession.get(row.id) ?? []).map(view.storedAttempt) },
      customer: customers.get(row.customer_id ?? ''),
    }))
    return { sessions: { nodes, pageInfo } }
  }

  async function customersOf(ids: readonly string[]) {
    const rows = (await query('customers', [ids])) as view.Customer[]
    return new Map(await Promise.all(rows.map(async row => [row.id, await answerCustomer(providers, row)] as const)))
  }

  async function local(first: number, after: string | null | undefined, filtered: boolean) {
    const { rows, pageInfo } = await sessions(first, after, filtered)
    return { sessions: { nodes: rows.map(view.storedSession), pageInfo } }
  }

  const create = createWith({ encryption, kayleAccount }, providers, {
    open: ({ values }) => query('open', values),
    store: (operationId, { id, values }) => query('store', [...values, operationId, ...toEvents(id).flat()]),
  })

  return {
    ping: () => ({ __typename: 'Query' }),
    one: async ({ id }) => answerOne(providers, await rowsOf(view.toRowId(id))),
    stored: ({ id }) => stored(view.toRowId(id)),
    lookup: async ({ providerId = '' }) => {
      const [row] = (await query('lookup', [kayleAccount, providerId])) as view.Session[]
      return { session: row ? view.storedSession(row) : null }
    },
    list: ({ first = 20, after }) => list(first, after),
    local: ({ first = 20, after }) => local(first, after, false),
    filtered: ({ first = 20, after }) => local(first, after, true),
    create: async ({ key = '' }) => ({ createSession: await create(toCreateInput(key)) }),
  }
}

type Row = Readonly<Record<string, unknown>>

/** Runs named, so prepared, statements over a pool. */
function openPool(url: string) {
  pg.defaults.user ??= userInfo().username
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    options: '-c synchronous_commit=on',
    types: { getTypeParser: (id, format) => (id === INT8 ? Number : pg.types.getTypeParser(id, format)) },
  })
  return async (name: keyof typeof STATEMENTS, values: readonly unknown[]): Promise<readonly Row[]> =>
    (await pool.query<Row>({ name, text: STATEMENTS[name], values: [...values] })).rows
}

function columnsOf(table: string, columns: string): string {
  return columns
    .split(', ')
    .map(column => `${table}.${column} as ${table}_${column}`)
    .join(', ')
}

/** The row of one table in a joined one. */
function pick<T>(row: Row, table: string, columns: string): T {
  return Object.fromEntries(columns.split(', ').map(column => [column, row[`${table}_${column}`]])) as T
}

function placesOf(columns: string): string {
  let place = 0
  return columns.replaceAll(/\w+/g, () => `$${++place}`)
}

function numbered(text: string): string {
  let place = 0
  return text.replaceAll('?', () => `$${++place}`)
}
