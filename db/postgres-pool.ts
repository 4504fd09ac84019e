import { userInfo } from 'node:os'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { DatabaseUnavailableError, failureOf, StatementError } from './failure.ts'

export interface PostgresSettings {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connections: number
  /** How long a connection may be waited for. */
  readonly connectMs: number
  /** How long one statement may take; 0: as long as it takes. */
  readonly statementMs: number
}

/** The server says itself that a statement took too long. Where nobody says anything any more, we stop waiting this much later. */
const SILENCE_MS = 1_000
/** A process that stands still in a transaction loses it after so many statement timeouts, and others can go on. */
const IDLE_TIMEOUTS = 3

const INT8 = 20

/** Connections whose errors are in our words, and of which none that broke is used again. */
export function createPostgresPool(url: string, settings: PostgresSettings): PostgresPool {
  const { applicationName, connections, connectMs, statementMs } = settings
  // As psql does, where neither the address nor the environment names one.
  pg.defaults.user ??= userInfo().username
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max: connections,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    types: { getTypeParser: (id, format) => (id === INT8 ? toSafeInteger : pg.types.getTypeParser(id, format)) },
    ...(statementMs > 0 && {
      statement_timeout: statementMs,
      query_timeout: statementMs + SILENCE_MS,
      idle_in_transaction_session_timeout: statementMs * IDLE_TIMEOUTS,
    }),
    // The pool waits for it, whatever its type says.
    onConnect: client => keepCommitsDurable(client) as unknown as undefined,
  })
  // A connection that breaks while nobody waits for its answer is replaced; whoever uses it is told by the next statement.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return {
    connect: async () => guard(await pool.connect().catch(cannotConnect)),
    end: () => pool.end(),
  }
}

/** Times, positions and counts: all of them far below 2^53. */
function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('A number in the database is too great to be exact.')
  return value
}

/** Whatever the server's default is: what was acknowledged is on disk. */
async function keepCommitsDurable(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  )
}

function cannotConnect(error: unknown): never {
  throw new DatabaseUnavailableError('UNREACHED', { cause: error })
}

const ROLLED_BACK = { command: 'SELECT', rowCount: 0, rows: [] } as const

function guard(client: pg.PoolClient): PostgresPoolClient {
  let broken: Error | undefined
  async function query(text: string, parameters: readonly unknown[]) {
    // Where the connection broke, the server has rolled back.
    if (broken && text === 'rollback') return ROLLED_BACK
    try {
      return await client.query(text, parameters.map(withoutNul))
    } catch (error) {
      const told = toTold(error)
      if (told instanceof DatabaseUnavailableError && told.failure === 'BROKEN') broken = told
      throw told
    }
  }
  return {
    // Kysely asks for a cursor only to stream rows, which nobody does.
    query: query as unknown as PostgresPoolClient['query'],
    release: () => client.release(broken),
  }
}

/** PostgreSQL's text holds no NUL. Nothing that a provider or a client names has one. */
function withoutNul(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}

/** What the server says has a SQLSTATE. What has none comes from the connection, unless our own values were at fault. */
function toTold(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof RangeError) return error
  if (!(error instanceof pg.DatabaseError)) return new DatabaseUnavailableError('BROKEN', { cause: error })
  const { code = 'XX000', table, constraint } = error
  const failure = failureOf(code)
  const plain = new StatementError(code, table, constraint)
  return failure ? new DatabaseUnavailableError(failure, { cause: plain }) : plain
}
