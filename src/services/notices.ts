import { findApplicantByProviderId } from '../../db/applicant-repository.ts'
import { findAttemptsByProviderId, updateAttemptDetails } from '../../db/attempt-repository.ts'
import type { Database } from '../../db/database.ts'
import type { StoredSession } from '../../db/session-columns.ts'
import { findSessionByProviderId, listSessions, updateSession } from '../../db/session-repository.ts'
import type { CustomerSnapshot } from '../domain/customer.ts'
import { NotFoundError, UnsupportedError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { isTerminal, type Session, type SessionSnapshot } from '../domain/session.ts'
import type { WebhookNotice } from '../providers/contract.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import { change, type Deps } from './deps.ts'
import type { Operations } from './operations.ts'
import { mergeDetails, type Said } from './said.ts'
import type { Sessions } from './sessions.ts'
import { storeCustomer } from './store-customer.ts'
import { storeSession } from './store-session.ts'
import { recordEvents } from './timeline.ts'

/**
 * Applies what a provider told us. Where a session can be read it is asked for again, and only what no read tells is taken
 * from the notice; where it cannot, the notice counts as of when its event happened.
 */

export type Notices = ReturnType<typeof createNotices>

const MOST_SESSIONS = 100

export function createNotices(deps: Deps, sessions: Sessions, operations: Operations) {
  const { db, now } = deps

  /**
   * `finish` is the last step of the transaction that writes down that the notice came, so that a crash never has it
   * written twice. Throws where the provider has to be asked and cannot be: then it is tried again.
   */
  async function apply(
    account: Account,
    notice: WebhookNotice,
    receivedAt: Date,
    finish: (db: Database) => Promise<unknown>,
  ): Promise<void> {
    // A provider whose clock is ahead of ours tells of the future, before which no later answer would count.
    const beganAt = new Date(Math.min(notice.occurredAt?.getTime() ?? Number.POSITIVE_INFINITY, receivedAt.getTime()))
    const said: Said = { account, source: 'WEBHOOK', beganAt, now: now() }
    const { reference, applicantProviderId } = notice
    if (reference && applicantProviderId)
      await operations.settleTold(account, 'APPLICANT', reference, applicantProviderId)
    const customer = notice.customer && (await readCustomer(said, notice.customer))
    const about = await meant(said, notice)
    const readable = account.client.getSession !== undefined
    if (readable) for (const session of about) await sessions.ask(toCall(account), session)
    await change(deps, account.tenantId, async trx => {
      // The session first, as wherever else a session and what belongs to it are stored: in one order nobody waits in a circle.
      for (const session of about) {
        const applied = await (readable
          ? addToSession(trx, account, session, notice.session?.details)
          : replaceSession(trx, { ...said, beganAt: receivedAt }, notice))
        if (notice.attempt) await addToAttempt(trx, account, notice.attempt)
        const data = { type: 'WebhookReceived', providerEvent: notice.event, applied } as const
        await recordEvents(trx, { session, source: 'WEBHOOK', at: said.now }, [data])
      }
      if (customer) await storeCustomer(trx, customer.said, customer.snapshot)
      await finish(trx)
    })
  }

  /** The customer as it is now, where that can be asked for; as it was told, where it is gone or cannot be. */
  async function readCustomer(said: Said, told: CustomerSnapshot): Promise<{ said: Said; snapshot: CustomerSnapshot }> {
    const { client } = said.account
    const asked = { ...said, beganAt: now() }
    try {
      const read = await client.getCustomer?.({ providerId: told.providerId }, {})
      return read?.providerId === told.providerId ? { said: asked, snapshot: read } : { said, snapshot: told }
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      return { said: asked, snapshot: told }
    }
  }

  /** The sessions that a notice is about. One that we never met is asked for by its id under this account. */
  async function meant(said: Said, notice: WebhookNotice): Promise<StoredSession[]> {
    const { account } = said
    const { sessionProviderId, applicantProviderId } = notice
    if (sessionProviderId !== undefined) {
      const known = await findSessionByProviderId(db, account.id, sessionProviderId)
      const session = known ?? (await meet(said, notice, sessionProviderId))
      return session ? [session] : []
    }
    if (applicantProviderId === undefined) return []
    const applicant = await findApplicantByProviderId(db, account.id, applicantProviderId)
    if (!applicant) return []
    const page = { column: 'created_at', direction: 'desc', limit: MOST_SESSIONS } as const
    const linked = await listSessions(db, account.tenantId, { applicantId: applicant.id }, page)
    return linked.filter(session => session.accountId === account.id)
  }

  /** A session that was made elsewhere with the same account. What the provider does not know either is not ours. */
  async function meet(said: Said, { session }: WebhookNotice, providerId: string): Promise<StoredSession | undefined> {
    const { account } = said
    try {
      await sessions.get(toCall(account), { provider: { provider: account.provider, providerId } })
    } catch (error) {
      if (!(error instanceof NotFoundError || error instanceof UnsupportedError)) throw error
      if (error instanceof UnsupportedError && session) {
        await change(deps, account.tenantId, trx => storeSession(trx, said, session))
      }
    }
    return findSessionByProviderId(db, account.id, providerId)
  }

  function toCall(account: Account): Call {
    const signal = new AbortController().signal
    return { tenantId: account.tenantId, startedAt: now(), signal, alone: true, source: 'WEBHOOK' }
  }

  return { apply }
}

/**
 * For a session that cannot be read: what the notice says. Of two notices the one whose event happened later counts, by the
 * provider's own clock. True where it was applied.
 */
async function replaceSession(db: Database, said: Said, { session, occurredAt }: WebhookNotice): Promise<boolean> {
  if (!session) return false
  const known = await findSessionByProviderId(db, said.account.id, session.providerId)
  if (known && occurredAt && isOvertaken(occurredAt, session, known)) return false
  const stored = await storeSession(db, said, session)
  if (occurredAt) await updateSession(db, stored.id, { toldAt: occurredAt })
  return stored.beganAt.getTime() === said.beganAt.getTime()
}

/** Of two events of the same second, as which Yorlet tells time, the one that ended the session was the later. */
function isOvertaken(occurredAt: Date, told: SessionSnapshot, known: StoredSession): boolean {
  const { toldAt } = known
  if (!toldAt || occurredAt > toldAt) return false
  return occurredAt < toldAt || (isTerminal(known) && !isTerminal({ status: told.status, sync: known.sync }))
}

/** For a session that was just read: what only the notice tells of its details. */
async function addToSession(
  db: Database,
  account: Account,
  session: Session,
  told: JsonObject | undefined,
): Promise<boolean> {
  const known = await findSessionByProviderId(db, account.id, session.providerId)
  if (known && told)
    await updateSession(db, known.id, { details: mergeDetails(account.details.session, known.details, told) })
  return true
}

/** What only a delivery tells of an attempt, such as the claims that were shared. Throws where the attempt is not known yet. */
async function addToAttempt(
  db: Database,
  account: Account,
  told: NonNullable<WebhookNotice['attempt']>,
): Promise<void> {
  const attempt = (await findAttemptsByProviderId(db, account.id, [told.providerId])).get(told.providerId)
  if (!attempt) throw new NotFoundError('There is no such attempt.')
  await updateAttemptDetails(db, attempt.id, mergeDetails(account.details.attempt, attempt.details, told.details))
}
