import { findApplicants } from '../../db/applicant-repository.ts'
import type { Database } from '../../db/database.ts'
import type { StoredSession } from '../../db/session-columns.ts'
import {
  countSessions,
  findSessionByProviderId,
  findSessions,
  listPlainSessions,
  listSessions,
  type SessionFilter,
} from '../../db/session-repository.ts'
import { opens } from '../domain/caller.ts'
import { UnsupportedError } from '../domain/errors.ts'
import { isTerminal, type Session, type SessionOrder, type SessionSnapshot } from '../domain/session.ts'
import type { ProviderClient, SessionRef } from '../providers/contract.ts'
import type { Call } from './call.ts'
import type { Connection, PageArguments } from './connection.ts'
import type { Deps } from './deps.ts'
import { expireOverdue, isOverdue } from './expiry.ts'
import { createRecords, type Listing, type Records } from './records.ts'
import { isSessionUnchanged, storeSession } from './store-session.ts'

const ORDERS = {
  CREATED_AT_DESC: { column: 'created_at', direction: 'desc' },
  CREATED_AT_ASC: { column: 'created_at', direction: 'asc' },
  UPDATED_AT_DESC: { column: 'updated_at', direction: 'desc' },
} as const satisfies Record<SessionOrder, Listing>

export interface ListedHow {
  readonly order?: SessionOrder | null
  /** True where nothing sealed will be asked for. */
  readonly plain?: boolean
}

export interface Sessions extends Omit<Records<Session, SessionFilter, SessionSnapshot>, 'list'> {
  list(call: Call, filter: SessionFilter, page: PageArguments, how?: ListedHow): Promise<Connection<Session>>
  /** Cancels at the provider, then reads again, so that what is shown is what is. Safe to repeat. */
  cancel(call: Call, id: string): Promise<Session>
  /** Asks the provider now, however fresh the record is. Throws where that fails. */
  ask(call: Call, session: Session): Promise<Session>
  /** The same by its id. Throws NOT_FOUND. */
  refreshNow(call: Call, id: string): Promise<Session>
}

export function createSessions(deps: Deps): Sessions {
  const records = createRecords<Session, SessionSnapshot, SessionFilter, StoredSession>(deps, {
    word: 'session',
    capability: 'GET_SESSION',
    find: findSessions,
    findByProviderId: findSessionByProviderId,
    list: (store, tenantId, filter, page, plain) =>
      (plain ? listPlainSessions : listSessions)(store, tenantId, filter, page),
    count: countSessions,
    store: storeSession,
    isUnchanged: isSessionUnchanged,
    reader: client => client.getSession?.bind(client),
    readsById: client => !client.readsSessionsByApplicant,
    toRef,
    isSettled: isTerminal,
    opens,
    isOverdue,
    settle: async (db, tenantId, now) => {
      for (const changed of await expireOverdue(db, now, tenantId)) deps.hub.wake(changed)
    },
  })

  async function refreshNow(call: Call, id: string): Promise<Session> {
    return ask(call, await records.getStored(call, id))
  }

  async function cancel(call: Call, id: string): Promise<Session> {
    const session = await records.getStored(call, id)
    const { client, provider } = await deps.accounts.of(session)
    if (!client.cancelSession) {
      throw new UnsupportedError(provider, 'CANCEL_SESSION', `${provider} cannot cancel a session.`)
    }
    await client.cancelSession({ providerId: session.providerId }, call)
    return ask(call, session)
  }

  /** What was read before does not do here, not even in this very millisecond. */
  function ask(call: Call, session: Session): Promise<Session> {
    const startedAt = new Date(deps.now().getTime() + 1)
    return records.refresh({ ...call, startedAt, alone: true }, session, { maxAgeSeconds: 0, onError: 'FAIL' })
  }

  return {
    ...records,
    list: (call, filter, page, { order, plain } = {}) =>
      records.list(call, filter, page, { ...ORDERS[order ?? 'CREATED_AT_DESC'], plain }),
    ask,
    cancel,
    refreshNow,
  }
}

/** A provider may know a session by its applicant alone. */
async function toRef(db: Database, session: Session, client: ProviderClient): Promise<SessionRef> {
  const { providerId, createdAt, applicantId } = session
  if (!client.readsSessionsByApplicant || !applicantId) return { providerId, createdAt, applicantProviderId: null }
  const [applicant] = await findApplicants(db, session.tenantId, [applicantId])
  const isTheirs = applicant?.accountId === session.accountId
  return { providerId, createdAt, applicantProviderId: isTheirs ? applicant.providerId : null }
}
