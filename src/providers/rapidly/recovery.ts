import type { z } from 'zod'
import { DomainError, ProviderNotFoundError } from '../../domain/errors.ts'
import { REFERENCE_KEY } from '../../domain/input/metadata.ts'
import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import type { RecordLink } from '../../domain/records/record-link.ts'
import type {
  ProviderClient,
  ReadCall,
  RecoveryCandidate,
  RecoveryCandidates,
  RecoveryResult,
  UnknownCreate,
} from '../contract.ts'
import { assertOwnMarker } from '../own-marker.ts'
import { toPathSegment } from '../path-segment.ts'
import { customerInput, sessionInput } from './input.ts'
import { hasMarker, toAssumedSession, toCustomer, toCustomerId } from './mapper.ts'
import { type Customer, customer, customerList } from './wire.ts'

export type Read = <T>(
  operation: string,
  path: string,
  schema: z.ZodType<T>,
  call: ReadCall,
  query?: Readonly<Record<string, string | number | undefined>>,
) => Promise<T>

/**
 * An unknown session cannot be searched for, so it is created again: two may exist, and the first was never returned.
 * An unknown customer is found by its unique values: the external id, our marker, the e-mail address.
 */
export function createRecovery(read: Read, now: () => Date): NonNullable<ProviderClient['recovery']> {
  return {
    session: {
      repeat: { times: 1, afterSettleDelay: true },
      traces: toSessionCandidates,
      isAssumed: true,
      async reconstruct(unknownCreate, providerId, call) {
        const sessionId = toSessionId(providerId)
        const link = await customerOf(read, unknownCreate, call)
        return toAssumedSession(sessionId, sessionInput.parse(unknownCreate.input), link, unknownCreate.sentAt, now())
      },
    },
    customer: {
      find: (unknownCreate, call) => findCustomer(read, unknownCreate, call),
      traces: toCustomerCandidates,
      async reconstruct(unknownCreate, providerId, call) {
        const path = `/customers/${toPathSegment('RAPIDLY', providerId)}`
        const found = await read('getCustomer', path, customer, call)
        assertOwnMarker(found.metadata?.[REFERENCE_KEY], unknownCreate)
        return toCustomer(found)
      },
    },
  }
}

/** A session contains nothing but its customer, its members and its return URL. */
function toSessionCandidates({ input, customerProviderId }: UnknownCreate): RecoveryCandidates {
  const { customer: given, redirectUrl, memberId, externalMemberId } = sessionInput.parse(input)
  const traces: RecoveryCandidate[] = [
    'customerExternalId' in given
      ? { where: 'external_id of its customer', value: given.customerExternalId }
      : { where: 'customer_id', value: toCustomerId(given, customerProviderId) },
  ]
  if (memberId) traces.push({ where: 'member_id', value: memberId })
  if (externalMemberId) traces.push({ where: 'external_member_id', value: externalMemberId })
  if (redirectUrl) traces.push({ where: 'return_url', value: redirectUrl, isPersonal: true })
  return {
    traces,
    warning:
      'Rapidly does not list customer sessions, so an empty search proves nothing. The link was never returned to a caller.',
  }
}

function toCustomerCandidates({ input, reference, externalId }: UnknownCreate): RecoveryCandidates {
  const { email, name } = customerInput.parse(input)
  const traces: RecoveryCandidate[] = [
    { where: `${REFERENCE_KEY} in metadata`, value: reference },
    { where: 'email', value: email, isPersonal: true },
  ]
  if (externalId) traces.push({ where: 'external_id', value: externalId })
  if (name) traces.push({ where: 'name', value: name, isPersonal: true })
  return { traces }
}

async function findCustomer(
  read: Read,
  unknownCreate: UnknownCreate,
  call: ReadCall,
): Promise<RecoveryResult<CustomerSnapshot>> {
  const { reference, externalId } = unknownCreate
  const taken = externalId ? await findByExternalId(read, externalId, call) : undefined
  // External ids are unique: if a customer without our marker has it, Rapidly must have rejected our create.
  if (taken) return hasMarker(taken, reference) ? { found: toCustomer(taken) } : 'ABSENT'
  const { email } = customerInput.parse(unknownCreate.input)
  const filters: Filter[] = [{ [`metadata[${REFERENCE_KEY}]`]: reference }, { email }]
  let readAll = true
  for (const filter of filters) {
    const match = await search(read, filter, reference, call)
    if (typeof match === 'object') return { found: toCustomer(match) }
    readAll &&= match === 'NONE'
  }
  return readAll ? 'ABSENT' : 'UNCERTAIN'
}

/** Not found is no proof: an external id with a slash is not a valid path at Rapidly. */
async function findByExternalId(read: Read, externalId: string, call: ReadCall): Promise<Customer | undefined> {
  try {
    return await read('getCustomer', `/customers/external/${toPathSegment('RAPIDLY', externalId)}`, customer, call)
  } catch (error) {
    if (error instanceof ProviderNotFoundError) return undefined
    throw error
  }
}

type Filter = Readonly<Record<string, string>>

const PAGE_SIZE = 100
/** Both filters leave one customer at most, so more pages than this mean that Rapidly ignored them. */
const MAX_PAGES = 10

/** The customer with our marker in a filtered list. MORE: there were too many pages to read. */
async function search(
  read: Read,
  filter: Filter,
  reference: string,
  call: ReadCall,
): Promise<Customer | 'NONE' | 'MORE'> {
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { ...filter, limit: PAGE_SIZE, page }
    const { data, meta } = await read('listCustomers', '/customers/', customerList, call, query)
    const match = data.find(customer => hasMarker(customer, reference))
    if (match) return match
    if (data.length === 0 || (meta?.pages != null && page >= meta.pages)) return 'NONE'
  }
  return 'MORE'
}

async function customerOf(
  read: Read,
  unknownCreate: UnknownCreate,
  call: ReadCall,
): Promise<RecordLink<CustomerSnapshot>> {
  const { customer: given } = sessionInput.parse(unknownCreate.input)
  if (!('customerExternalId' in given)) return { providerId: toCustomerId(given, unknownCreate.customerProviderId) }
  const path = `/customers/external/${toPathSegment('RAPIDLY', given.customerExternalId)}`
  const snapshot = toCustomer(await read('getCustomer', path, customer, call))
  return { providerId: snapshot.providerId, snapshot }
}

/** A session cannot be read: only its form can be validated. */
function toSessionId(given: string): string {
  const sessionId = customer.shape.id.safeParse(given)
  if (sessionId.success) return sessionId.data.toLowerCase()
  throw new DomainError('BAD_REQUEST', 'Expected the id of a session at RAPIDLY, which is a UUID.')
}
