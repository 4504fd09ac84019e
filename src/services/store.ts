import { v7 as uuid } from 'uuid'
import {
  type ApplicantPii,
  findApplicantByProviderId,
  findApplicants,
  insertApplicant,
  updateApplicant,
} from '../../db/applicant-repository.ts'
import { findAttemptsByProviderId, saveAttempt } from '../../db/attempt-repository.ts'
import {
  type CustomerPii,
  findCustomerByProviderId,
  findCustomers,
  insertCustomer,
  updateCustomer,
} from '../../db/customer-repository.ts'
import type { Database } from '../../db/database.ts'
import {
  findSessionByProviderId,
  insertSession,
  type StoredSession,
  updateSession,
} from '../../db/session-repository.ts'
import type { Applicant, ApplicantSnapshot } from '../domain/applicant.ts'
import type { AttemptSnapshot } from '../domain/attempt.ts'
import type { Customer, CustomerSnapshot } from '../domain/customer.ts'
import type { Details, JsonObject } from '../domain/json.ts'
import type { Linked, SessionAccess, SessionSnapshot } from '../domain/session.ts'
import type { StatusSource } from '../domain/sync.ts'
import type { Account } from './accounts.ts'
import { nextPollAt } from './poll-schedule.ts'
import { type AttemptChange, recordChange } from './timeline.ts'

/**
 * Writes down what a provider said. What it did not say stays as it is; of two answers the one whose request began later
 * wins, whichever comes in first. Each function is one step of a transaction that the caller holds.
 */

export interface Said {
  readonly account: Account
  readonly source: StatusSource
  /** When the request began whose answer this is. */
  readonly beganAt: Date
  readonly now: Date
}

/** What the caller of a create said about the session, which the provider does not keep for us. */
export interface SessionOrigin {
  readonly externalId?: string | null
  readonly metadata?: JsonObject | null
  /** Links that the caller asked for: the provider's own never replaces them. */
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

export async function storeSession(
  db: Database,
  said: Said,
  snapshot: SessionSnapshot,
  origin: SessionOrigin = {},
): Promise<StoredSession> {
  const { account } = said
  const known = await findSessionByProviderId(db, account.id, snapshot.providerId)
  const applicant = snapshot.applicant && (await storeLinkedApplicant(db, said, snapshot.applicant))
  const customer = snapshot.customer && (await storeLinkedCustomer(db, said, snapshot.customer))
  const id = known?.id ?? uuid()
  const inherited = known
    ? null
    : ((origin.applicantId ? null : applicant?.externalId) ?? (origin.customerId ? null : customer?.externalId))
  const change = {
    ...toSessionChange(said, snapshot, known),
    externalId: toExternalId(known, origin.externalId, snapshot.externalId, inherited),
    applicantId: known?.applicantPinned ? undefined : (origin.applicantId ?? applicant?.id),
    customerId: known?.customerPinned ? undefined : (origin.customerId ?? customer?.id),
    applicantPinned: origin.applicantId ? true : undefined,
    customerPinned: origin.customerId ? true : undefined,
    metadata: origin.metadata,
    nextPollAt: known ? undefined : firstPollAt(said, snapshot),
  }
  if (known) await updateSession(db, id, change)
  else await insertSession(db, { ...change, ...keyOf(said, id, snapshot.providerId), livemode: account.livemode })
  const owner = { sessionId: id, applicantId: applicant?.id ?? null }
  const attempts = await storeAttempts(db, said, snapshot.attempts ?? [], owner)
  const stored = await findSessionByProviderId(db, account.id, snapshot.providerId)
  if (!stored) throw new Error('A session that was just stored is gone.')
  await recordChange(db, { session: stored, source: change.source, at: said.now }, known, stored, attempts)
  return stored
}

/** A session that can be read is looked at again by itself, from its beginning on. */
function firstPollAt({ account, now }: Said, snapshot: SessionSnapshot): Date | null {
  if (!account.client.getSession) return null
  const sync = { fetchedAt: now, stale: false, source: 'CREATE', lastError: null } as const
  const session = { status: snapshot.status, expiresAt: snapshot.expiresAt ?? null, sync }
  return nextPollAt(session, { polls: 0, watched: false, now })
}

function toSessionChange(said: Said, snapshot: SessionSnapshot, known: StoredSession | undefined) {
  const { now } = said
  const details = mergeDetails(said.account.details.session, known?.details, snapshot.details)
  const changed =
    known?.status !== snapshot.status ||
    known.outcome !== snapshot.outcome ||
    JSON.stringify(known.details) !== JSON.stringify(details)
  return {
    status: snapshot.status,
    outcome: snapshot.outcome,
    providerStatus: snapshot.providerStatus,
    redirectUrl: snapshot.redirectUrl,
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (changed ? now : (known?.updatedAt ?? now)),
    expiresAt: snapshot.expiresAt,
    completedAt: snapshot.completedAt,
    access: snapshot.access && mergeAccess(known?.access, snapshot.access),
    attemptsFetchedAt: snapshot.attempts && now,
    fetchedAt: now,
    beganAt: said.beganAt,
    source: snapshot.derived ? ('DERIVED' as const) : said.source,
    details,
  }
}

/** The create tells more than any read: its link may carry a token that later ones lack. */
function mergeAccess(known: SessionAccess | null | undefined, told: SessionAccess): SessionAccess {
  return {
    hostedUrl: known?.hostedUrl ?? told.hostedUrl,
    token: known?.token ?? told.token,
    cancelToken: known?.cancelToken ?? told.cancelToken,
    expiresAt: known?.expiresAt ?? told.expiresAt,
  }
}

export async function storeApplicant(db: Database, said: Said, snapshot: ApplicantSnapshot): Promise<Applicant> {
  const { account, now } = said
  const known = await findApplicantByProviderId(db, account.id, snapshot.providerId)
  const id = known?.id ?? uuid()
  const change = {
    parentProviderId: snapshot.parentProviderId ?? undefined,
    status: snapshot.status,
    outcome: snapshot.outcome,
    providerStatus: snapshot.providerStatus,
    externalId: toExternalId(known, snapshot.externalId),
    pii: mergeApplicantPii(known, snapshot),
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (known?.status === snapshot.status ? known.updatedAt : now),
    customerId: snapshot.customer && (await storeLinkedCustomer(db, said, snapshot.customer)).id,
    attemptsFetchedAt: snapshot.attempts && now,
    fetchedAt: now,
    beganAt: said.beganAt,
    source: said.source,
    details: mergeDetails(account.details.applicant, known?.details, snapshot.details),
  }
  if (known) await updateApplicant(db, id, change)
  else await insertApplicant(db, { ...change, ...keyOf(said, id, snapshot.providerId) })
  await storeAttempts(db, said, snapshot.attempts ?? [], { sessionId: null, applicantId: id })
  const [stored] = await findApplicants(db, account.tenantId, [id])
  if (!stored) throw new Error('An applicant that was just stored is gone.')
  return stored
}

export async function storeCustomer(db: Database, said: Said, snapshot: CustomerSnapshot): Promise<Customer> {
  const { account, now } = said
  const known = await findCustomerByProviderId(db, account.id, snapshot.providerId)
  const id = known?.id ?? uuid()
  const change = {
    externalId: toExternalId(known, snapshot.externalId),
    pii: mergeCustomerPii(known, snapshot),
    metadata: snapshot.metadata,
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? known?.updatedAt ?? now,
    fetchedAt: now,
    beganAt: said.beganAt,
    source: said.source,
    details: mergeDetails(account.details.customer, known?.details, snapshot.details),
  }
  if (known) await updateCustomer(db, id, change)
  else await insertCustomer(db, { ...change, ...keyOf(said, id, snapshot.providerId) })
  const [stored] = await findCustomers(db, account.tenantId, [id])
  if (!stored) throw new Error('A customer that was just stored is gone.')
  return stored
}

/** What a session takes from a record that its provider links to it. */
type LinkTarget = Pick<Customer, 'id' | 'externalId'>

/** The applicant a session names. One that was told by its id alone is kept as a row that was never read. */
async function storeLinkedApplicant(db: Database, said: Said, link: Linked<ApplicantSnapshot>): Promise<LinkTarget> {
  if (link.snapshot) return storeApplicant(db, said, link.snapshot)
  const known = await findApplicantByProviderId(db, said.account.id, link.providerId)
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

async function storeLinkedCustomer(db: Database, said: Said, link: Linked<CustomerSnapshot>): Promise<LinkTarget> {
  if (link.snapshot) return storeCustomer(db, said, link.snapshot)
  const known = await findCustomerByProviderId(db, said.account.id, link.providerId)
  if (known) return known
  const key = keyOf(said, uuid(), link.providerId)
  await insertCustomer(db, { ...key, createdAt: said.now, updatedAt: said.now })
  return { id: key.id, externalId: null }
}

/** Stores what was told of the attempts of one owner. Gives those whose status is now another. */
export async function storeAttempts(
  db: Database,
  said: Said,
  attempts: readonly AttemptSnapshot[],
  owner: { readonly sessionId: string | null; readonly applicantId: string | null },
): Promise<AttemptChange[]> {
  if (attempts.length === 0) return []
  const { account, beganAt, now } = said
  const filed = { tenantId: account.tenantId, accountId: account.id, provider: account.provider, ...owner }
  const ids = attempts.map(attempt => attempt.providerId)
  const before = await findAttemptsByProviderId(db, account.id, ids)
  for (const attempt of attempts) {
    const details = mergeDetails(account.details.attempt, before.get(attempt.providerId)?.details, attempt.details)
    await saveAttempt(db, filed, { ...attempt, details, id: uuid() }, beganAt, now)
  }
  const after = await findAttemptsByProviderId(db, account.id, ids)
  return [...after.values()].flatMap(({ id, providerId, status: to }) => {
    const from = before.get(providerId)?.status ?? null
    return from === to ? [] : [{ attemptId: id, from, to }]
  })
}

/** The externalId to store: what was known first stays, and what the caller set or removed stays as it is. */
function toExternalId(
  known: { readonly externalId: string | null; readonly externalIdPinned: boolean } | undefined,
  ...said: readonly (string | null | undefined)[]
): string | undefined {
  if (known?.externalIdPinned) return undefined
  return [known?.externalId, ...said].find(id => id != null) ?? undefined
}

function keyOf({ account }: Said, id: string, providerId: string) {
  return { id, tenantId: account.tenantId, accountId: account.id, provider: account.provider, providerId }
}

/** What is stored under what was told now, in the shape that the provider's own zod type gives it. */
export function mergeDetails(
  schema: Account['details']['applicant'],
  known: Details | undefined,
  told: Details,
): Details {
  const merged = { ...known, ...withoutUndefined(told) }
  return schema ? schema.parse(merged) : merged
}

function withoutUndefined(details: Details): Details {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}

function mergeApplicantPii(known: Applicant | undefined, told: ApplicantSnapshot): ApplicantPii {
  return {
    email: told.email === undefined ? (known?.email ?? null) : told.email,
    phone: told.phone === undefined ? (known?.phone ?? null) : told.phone,
    firstName: told.firstName === undefined ? (known?.firstName ?? null) : told.firstName,
    lastName: told.lastName === undefined ? (known?.lastName ?? null) : told.lastName,
  }
}

function mergeCustomerPii(known: Customer | undefined, told: CustomerSnapshot): CustomerPii {
  return {
    email: told.email === undefined ? (known?.email ?? null) : told.email,
    name: told.name === undefined ? (known?.name ?? null) : told.name,
    phone: told.phone === undefined ? (known?.phone ?? null) : told.phone,
  }
}
