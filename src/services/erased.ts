import type { Database } from '../../db/database.ts'
import { findTombstone, liftTombstone, type Trace, type TraceKind } from '../../db/tombstone-repository.ts'
import { ProviderNotFoundError } from '../domain/errors.ts'
import type { WebhookNotice } from '../providers/contract.ts'
import type { Said } from './said.ts'

/** Keeps those who were erased away: what comes back of them is as good as if it had never been. */

interface Told {
  readonly providerId: string
  readonly externalId?: string | null
  readonly createdAt?: Date | null
}

/**
 * True for what belonged to somebody who was erased: known by its provider's id, or by the caller's id where it is from
 * before. A create that answers with it is another matter: it was asked for since, and lifts the tombstone.
 */
export async function isErased(db: Database, { account, source }: Said, kind: TraceKind, told: Told): Promise<boolean> {
  const trace: Trace = { accountId: account.id, kind, value: told.providerId }
  const erased = await findTombstone(db, trace)
  if (source === 'CREATE') {
    if (erased) await liftTombstone(db, trace)
    return false
  }
  if (erased) return true
  if (told.externalId == null) return false
  const person = await findTombstone(db, { tenantId: account.tenantId, kind: 'externalId', value: told.externalId })
  return person !== undefined && (told.createdAt == null || told.createdAt <= person)
}

/** Throws what the provider's own 404 throws. */
export async function refuseErased(db: Database, said: Said, kind: TraceKind, told: Told): Promise<void> {
  if (await isErased(db, said, kind, told)) throw notThere(said.account)
}

/** The error of a record that is not there, by which nobody learns that it ever was. */
export function notThere({ provider }: Said['account']): ProviderNotFoundError {
  return new ProviderNotFoundError(provider, `${provider} has no such record.`)
}

/** True where a delivery is about somebody who was erased. */
export async function isAboutErased(db: Database, accountId: string, notice: WebhookNotice): Promise<boolean> {
  const named: [TraceKind, string | undefined][] = [
    ['session', notice.sessionProviderId ?? notice.session?.providerId],
    ['applicant', notice.applicantProviderId],
    ['customer', notice.customer?.providerId],
    ['reference', notice.reference],
  ]
  const traces = named.flatMap(([kind, value]): Trace[] => (value === undefined ? [] : [{ accountId, kind, value }]))
  return (await findTombstone(db, ...traces)) !== undefined
}
