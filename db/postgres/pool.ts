import { userInfo } from 'node:os'
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import pg from 'pg'
import { classifyDatabaseError, DatabaseUnavailableError, StatementError } from '../core/database-error.ts'

export interface PostgresSettings {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connections: number
  /** The longest wait for a connection. */
  readonly connectMs: number
  /** The timeout of a statement; 0: none. */
  readonly statementMs: number
}

/** The server ends a slow statement. Where the server does not respond at all, the client stops waiting this much later. */
const CLIENT_TIMEOUT_MARGIN_MS = 1_000
/** An idle transaction ends after so many statement timeouts, because its locks block others. */
const IDLE_TRANSACTION_TIMEOUTS = 3

const INT8 = 20

/** A pool that throws DatabaseUnavailableError and StatementError, and that never reuses a lost connection. */
export function createPostgresPool(url: string, settings: PostgresSettings): PostgresPool {
  const { applicationName, connections, connectMs, statementMs } = settings
  // The default of psql, where neither the URL nor the environment names a user.
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
      query_timeout: statementMs + CLIENT_TIMEOUT_MARGIN_MS,
      idle_in_transaction_session_timeout: statementMs * IDLE_TRANSACTION_TIMEOUTS,
    }),
    // The pool awaits the promise.
    onConnect: forceSynchronousCommit,
  })
  // An idle connection that is lost is replaced; a connection in use rejects its next statement.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return {
    connect: async () => wrapQuery(await pool.connect().catch(throwConnectionFailed)),
    end: () => pool.end(),
  }
}

/** Times, positions and counts are far below 2^53. */
function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('A number in the database exceeds 2^53 - 1.')
  return value
}

/** A committed transaction is on disk, whatever the server's default is. */
async function forceSynchronousCommit(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  )
}

function throwConnectionFailed(error: unknown): never {
  throw new DatabaseUnavailableError('CONNECTION_FAILED', { cause: error })
}

const ROLLED_BACK = { command: 'SELECT', rowCount: 0, rows: [] } as const

function wrapQuery(client: pg.PoolClient): PostgresPoolClient {
  let lost: Error | undefined
  async function run(text: string, parameters: readonly unknown[]) {
    // The server rolls back when the connection is lost.
    if (lost && text === 'rollback') return ROLLED_BACK
    try {
      return await client.query(text, parameters.map(withoutNul))
    } catch (error) {
      const failure = toDatabaseError(error)
      if (failure instanceof DatabaseUnavailableError && failure.failure === 'CONNECTION_LOST') lost = failure
      throw failure
    }
  }
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('PostgreSQL rows cannot be streamed. Read them page by page.')
    return run(text, parameters)
  }
  return { query, release: () => client.release(lost) }
}

/** PostgreSQL's text has no NUL. No id of a provider or a client has one. */
function withoutNul(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}

/** Errors of the server have a SQLSTATE. Others come from the connection, except errors of our own values. */
function toDatabaseError(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof RangeError) return error
  if (!(error instanceof pg.DatabaseError)) return new DatabaseUnavailableError('CONNECTION_LOST', { cause: error })
  const { code = 'XX000', table, constraint } = error
  const failure = classifyDatabaseError(code)
  const plain = new StatementError(code, table, constraint)
  return failure ? new DatabaseUnavailableError(failure, { cause: plain }) : plain
}
