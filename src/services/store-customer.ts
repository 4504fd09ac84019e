import { v7 as uuid } from 'uuid'
import {
  type CustomerPii,
  findCustomerByProviderId,
  findCustomers,
  insertCustomer,
  type StoredCustomer,
  updateCustomer,
} from '../../db/customer-repository.ts'
import type { Database } from '../../db/database.ts'
import { renameSessions } from '../../db/session-repository.ts'
import type { Customer, CustomerSnapshot } from '../domain/customer.ts'
import type { Linked } from '../domain/linked.ts'
import { isErased, refuseErased } from './erased.ts'
import { isRepeat } from './repeats.ts'
import { holds, keyOf, type LinkTarget, mergeDetails, type Said, toExternalId } from './said.ts'

export async function storeCustomer(db: Database, said: Said, snapshot: CustomerSnapshot): Promise<Customer> {
  const { account } = said
  const known = await findCustomerByProviderId(db, account.id, snapshot.providerId)
  if (!known) await refuseErased(db, said, 'customer', snapshot)
  const id = known?.id ?? uuid()
  const change = toCustomerChange(said, snapshot, known)
  if (known) await updateCustomer(db, id, change)
  else await insertCustomer(db, { ...change, ...keyOf(said, id, snapshot.providerId) })
  const [stored] = await findCustomers(db, account.tenantId, [id])
  if (!stored) throw new Error('A customer that was just stored is gone.')
  if (known && known.externalId !== stored.externalId)
    await renameSessions(db, {
      tenantId: account.tenantId,
      customerId: id,
      from: known.externalId,
      to: stored.externalId,
    })
  return stored
}

function toCustomerChange(said: Said, snapshot: CustomerSnapshot, known: StoredCustomer | undefined) {
  const { account, now } = said
  return {
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
}

/** True where an answer says what is stored, so that only the time it came is new. */
export async function isCustomerUnchanged(
  _db: Database,
  said: Said,
  known: StoredCustomer,
  snapshot: CustomerSnapshot,
): Promise<boolean> {
  return isRepeat([known], said, snapshot, () => {
    const { pii, ...change } = toCustomerChange(said, snapshot, known)
    return known.sync?.source === said.source && holds(known, { ...change, ...pii }, COMPARED)
  })
}

const COMPARED = ['createdAt', 'details', 'email', 'externalId', 'metadata', 'name', 'phone', 'updatedAt'] as const

/** The customer another record names. Undefined for one that was erased. */
export async function storeLinkedCustomer(
  db: Database,
  said: Said,
  link: Linked<CustomerSnapshot>,
): Promise<LinkTarget | undefined> {
  const known = await findCustomerByProviderId(db, said.account.id, link.providerId)
  if (!known && (await isErased(db, said, 'customer', link.snapshot ?? link))) return undefined
  if (link.snapshot) return storeCustomer(db, said, link.snapshot)
  if (known) return known
  const key = keyOf(said, uuid(), link.providerId)
  await insertCustomer(db, { ...key, createdAt: said.now, updatedAt: said.now })
  return { id: key.id, externalId: null }
}

function mergeCustomerPii(known: Customer | undefined, told: CustomerSnapshot): CustomerPii {
  return {
    email: told.email === undefined ? (known?.email ?? null) : told.email,
    name: told.name === undefined ? (known?.name ?? null) : told.name,
    phone: told.phone === undefined ? (known?.phone ?? null) : told.phone,
  }
}
