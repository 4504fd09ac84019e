import type { z } from 'zod'
import type { CustomerSnapshot } from '../../domain/customer.ts'
import { DomainError, ProviderNotFoundError } from '../../domain/errors.ts'
import type { Linked } from '../../domain/linked.ts'
import type { Finding, LostCreate, ProviderClient, ReadCall } from '../contract.ts'
import { customerInput, REFERENCE_KEY, sessionInput } from './input.ts'
import { isMarkedBy, toAssumedSession, toCustomer, toCustomerId } from './mapper.ts'
import { type Customer, customer, customerList } from './wire.ts'

export type Read = <T>(
  operation: string,
  path: string,
  schema: z.ZodType<T>,
  call: ReadCall,
  query?: Readonly<Record<string, string | number | undefined>>,
) => Promise<T>

/**
 * A lost session cannot be looked for, so it is made once more: two may exist, and the first was handed to nobody. A
 * lost customer is found by what is Rapidly's one and only: the external id, our marker, the e-mail address.
 */
export function createRecovery(
  read: Read,
  { getCustomer }: Required<Pick<ProviderClient, 'getCustomer'>>,
  now: () => Date,
): NonNullable<ProviderClient['recovery']> {
  return {
    session: {
      repeat: { times: 1, afterSettleDelay: true },
      async assume(lost, providerId, call) {
        const sessionId = toSessionId(providerId)
        const link = await customerOf(read, lost, call)
        return toAssumedSession(sessionId, sessionInput.parse(lost.input), link, lost.sentAt, now())
      },
    },
    customer: {
      find: (lost, call) => findCustomer(read, lost, call),
      assume: (_, providerId, call) => getCustomer({ providerId }, call),
    },
  }
}

async function findCustomer(read: Read, lost: LostCreate, call: ReadCall): Promise<Finding<CustomerSnapshot>> {
  const { reference, externalId } = lost
  const taken = externalId ? await findByExternalId(read, externalId, call) : undefined
  // An external id is given once: where a customer without our marker has it, Rapidly must have refused our create.
  if (taken) return isMarkedBy(taken, reference) ? { found: toCustomer(taken) } : 'ABSENT'
  const { email } = customerInput.parse(lost.input)
  const filters: Filter[] = [{ [`metadata[${REFERENCE_KEY}]`]: reference }, { email }]
  let sawAll = true
  for (const filter of filters) {
    const ours = await search(read, filter, reference, call)
    if (typeof ours === 'object') return { found: toCustomer(ours) }
    sawAll &&= ours === 'NONE'
  }
  return sawAll ? 'ABSENT' : 'UNCERTAIN'
}

/** Not found is no proof here: an external id with a slash in it is no path that Rapidly has. */
async function findByExternalId(read: Read, externalId: string, call: ReadCall): Promise<Customer | undefined> {
  try {
    return await read('getCustomer', `/customers/external/${encodeURIComponent(externalId)}`, customer, call)
  } catch (error) {
    if (error instanceof ProviderNotFoundError) return undefined
    throw error
  }
}

type Filter = Readonly<Record<string, string>>

const PAGE_SIZE = 100
/** Both filters leave one customer at most: so many pages mean that Rapidly did not heed them. */
const MAX_PAGES = 10

/** The customer with our marker among those that a filter leaves. MORE: there were too many to see them all. */
async function search(
  read: Read,
  filter: Filter,
  reference: string,
  call: ReadCall,
): Promise<Customer | 'NONE' | 'MORE'> {
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { ...filter, limit: PAGE_SIZE, page }
    const { data, meta } = await read('listCustomers', '/customers/', customerList, call, query)
    const ours = data.find(customer => isMarkedBy(customer, reference))
    if (ours) return ours
    if (data.length === 0 || (meta?.pages != null && page >= meta.pages)) return 'NONE'
  }
  return 'MORE'
}

async function customerOf(read: Read, lost: LostCreate, call: ReadCall): Promise<Linked<CustomerSnapshot>> {
  const { customer: given } = sessionInput.parse(lost.input)
  if (!('customerExternalId' in given)) return { providerId: toCustomerId(given, lost.customerProviderId) }
  const path = `/customers/external/${encodeURIComponent(given.customerExternalId)}`
  const snapshot = toCustomer(await read('getCustomer', path, customer, call))
  return { providerId: snapshot.providerId, snapshot }
}

/** Nobody can be asked for a session: its form is all that shows whether it is one. */
function toSessionId(given: string): string {
  const sessionId = customer.shape.id.safeParse(given)
  if (sessionId.success) return sessionId.data.toLowerCase()
  throw new DomainError('BAD_REQUEST', 'Expected the id of a session at RAPIDLY, which is a UUID.')
}
