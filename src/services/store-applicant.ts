import { v7 as uuid } from 'uuid'
import {
  type ApplicantPii,
  findApplicantByProviderId,
  findApplicants,
  insertApplicant,
  type StoredApplicant,
  updateApplicant,
} from '../../db/applicant-repository.ts'
import type { Database } from '../../db/database.ts'
import { renameSessions } from '../../db/session-repository.ts'
import type { Applicant, ApplicantSnapshot } from '../domain/applicant.ts'
import type { Linked } from '../domain/linked.ts'
import { isErased, refuseErased } from './erased.ts'
import { isRepeat } from './repeats.ts'
import { holds, keyOf, type LinkTarget, mergeDetails, type Said, toExternalId } from './said.ts'
import { areAttemptsUnchanged, findTold, storeAttempts } from './store-attempts.ts'
import { storeLinkedCustomer } from './store-customer.ts'

export async function storeApplicant(db: Database, said: Said, snapshot: ApplicantSnapshot): Promise<Applicant> {
  const { account } = said
  const known = await findApplicantByProviderId(db, account.id, snapshot.providerId)
  if (!known) await refuseErased(db, said, 'applicant', snapshot)
  const id = known?.id ?? uuid()
  const change = {
    ...toApplicantChange(said, snapshot, known),
    customerId: snapshot.customer && (await storeLinkedCustomer(db, said, snapshot.customer))?.id,
  }
  if (known) await updateApplicant(db, id, change)
  else await insertApplicant(db, { ...change, ...keyOf(said, id, snapshot.providerId) })
  await storeAttempts(db, said, snapshot.attempts ?? [], { sessionId: null, applicantId: id })
  const [stored] = await findApplicants(db, account.tenantId, [id])
  if (!stored) throw new Error('An applicant that was just stored is gone.')
  if (known && known.externalId !== stored.externalId)
    await renameSessions(db, {
      tenantId: account.tenantId,
      applicantId: id,
      from: known.externalId,
      to: stored.externalId,
    })
  return stored
}

function toApplicantChange(said: Said, snapshot: ApplicantSnapshot, known: StoredApplicant | undefined) {
  const { account, now } = said
  return {
    parentProviderId: snapshot.parentProviderId ?? undefined,
    status: snapshot.status,
    outcome: snapshot.outcome,
    providerStatus: snapshot.providerStatus,
    externalId: toExternalId(known, snapshot.externalId),
    pii: mergeApplicantPii(known, snapshot),
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (known?.status === snapshot.status ? known.updatedAt : now),
    attemptsFetchedAt: snapshot.attempts && now,
    fetchedAt: now,
    beganAt: said.beganAt,
    source: said.source,
    details: mergeDetails(account.details.applicant, known?.details, snapshot.details),
  }
}

/** True where an answer says what is stored, so that only the time it came is new. */
export async function isApplicantUnchanged(
  db: Database,
  said: Said,
  known: StoredApplicant,
  snapshot: ApplicantSnapshot,
): Promise<boolean> {
  if (snapshot.customer) return false
  const attempts = await findTold(db, said, snapshot.attempts)
  return isRepeat([known, ...attempts.values()], said, snapshot, () => {
    const { pii, ...change } = toApplicantChange(said, snapshot, known)
    return (
      known.sync?.source === said.source &&
      holds(known, { ...change, ...pii }, COMPARED) &&
      areAttemptsUnchanged(said, attempts, snapshot.attempts)
    )
  })
}

const COMPARED = [
  'createdAt',
  'details',
  'email',
  'externalId',
  'firstName',
  'lastName',
  'outcome',
  'parentProviderId',
  'phone',
  'providerStatus',
  'status',
  'updatedAt',
] as const

/**
 * The applicant a session names. One that was told by its id alone is kept as a row that was never read. Undefined for one
 * that was erased.
 */
export async function storeLinkedApplicant(
  db: Database,
  said: Said,
  link: Linked<ApplicantSnapshot>,
): Promise<LinkTarget | undefined> {
  const known = await findApplicantByProviderId(db, said.account.id, link.providerId)
  if (!known && (await isErased(db, said, 'applicant', link.snapshot ?? link))) return undefined
  if (link.snapshot) return storeApplicant(db, said, link.snapshot)
  if (known) return known
  const key = keyOf(said, uuid(), link.providerId)
  await insertApplicant(db, {
    ...key,
    parentProviderId: link.parentProviderId ?? null,
    createdAt: said.now,
    updatedAt: said.now,
  })
  return { id: key.id, externalId: null }
}

function mergeApplicantPii(known: Applicant | undefined, told: ApplicantSnapshot): ApplicantPii {
  return {
    email: told.email === undefined ? (known?.email ?? null) : told.email,
    phone: told.phone === undefined ? (known?.phone ?? null) : told.phone,
    firstName: told.firstName === undefined ? (known?.firstName ?? null) : told.firstName,
    lastName: told.lastName === undefined ? (known?.lastName ?? null) : told.lastName,
  }
}
