import type { SessionFilter } from '../../../db/records/session-repository.ts'
import { UnsupportedError } from '../../domain/errors.ts'
import type { Session, SessionOrder, SessionSnapshot } from '../../domain/records/session.ts'
import type { ServiceDeps } from '../deps.ts'
import type { Connection, PageArguments } from '../lists/connection.ts'
import type { RequestScope } from '../request-scope.ts'
import type { ListOptions, ListRequest } from './list-records.ts'
import { SESSION_TYPE } from './record-definitions.ts'
import { createRecords, type Records } from './records.ts'

const ORDERS = {
  CREATED_AT_DESC: { column: 'created_at', direction: 'desc' },
  CREATED_AT_ASC: { column: 'created_at', direction: 'asc' },
  UPDATED_AT_DESC: { column: 'updated_at', direction: 'desc' },
  UPDATED_AT_ASC: { column: 'updated_at', direction: 'asc' },
} as const satisfies Record<SessionOrder, ListOptions>

export interface SessionListOptions {
  readonly order?: SessionOrder | null
  /** True if the client selects no encrypted field. */
  readonly withoutEncrypted?: boolean
}

export interface Sessions extends Omit<Records<Session, SessionFilter, SessionSnapshot>, 'list' | 'listMany'> {
  list(
    scope: RequestScope,
    filter: SessionFilter,
    page: PageArguments,
    options?: SessionListOptions,
  ): Promise<Connection<Session>>
  /** Several lists in one statement. A list with an invalid argument is an error in its place. */
  listMany(
    scope: RequestScope,
    requests: readonly ListRequest<SessionFilter>[],
    options?: SessionListOptions,
  ): Promise<(Connection<Session> | Error)[]>
  /** Cancels the session at its provider and returns it as fetched after that. Idempotent. */
  cancel(scope: RequestScope, id: string): Promise<Session>
}

export function createSessions(deps: ServiceDeps): Sessions {
  const records = createRecords(deps, SESSION_TYPE)
  return {
    ...records,
    list: (scope, filter, page, options) => records.list(scope, filter, page, toListOptions(options)),
    listMany: (scope, requests, options) => records.listMany(scope, requests, toListOptions(options)),
    cancel: async (scope, id) => {
      const session = await records.getStored(scope, id)
      const { client, provider } = await deps.accounts.of(session)
      if (!client.cancelSession) {
        throw new UnsupportedError(provider, 'CANCEL_SESSION', `${provider} cannot cancel a session.`)
      }
      await client.cancelSession({ providerId: session.providerId }, scope)
      return records.fetchNow(scope, session)
    },
  }
}

function toListOptions({ order, withoutEncrypted }: SessionListOptions = {}): ListOptions {
  return { ...ORDERS[order ?? 'CREATED_AT_DESC'], withoutEncrypted }
}
