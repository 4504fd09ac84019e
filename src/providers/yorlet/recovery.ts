import type { CustomerSnapshot } from '../../domain/customer.ts'
import type { Finding, ListQuery, LostCreate, Page, ProviderClient, ReadCall, RepeatRule } from '../contract.ts'
import { isMarkedBy, toCustomer } from './mapper.ts'
import type { Customer } from './wire.ts'

export type ReadCustomers = (query: ListQuery, call: ReadCall) => Promise<Page<Customer>>

interface Switches {
  readonly customerMarker: 'on' | 'off'
  readonly repeatCreates: 'on' | 'off'
}

type Reads = Pick<ProviderClient, 'getSession'> &
  Required<Pick<ProviderClient, 'getCustomer'>> & { readonly readCustomers: ReadCustomers }

/**
 * Yorlet answers the same Idempotency-Key and body with what it made the first time. How long it knows a key is not
 * documented; half of the day that is usual is taken as safe. A customer is looked for by our marker besides.
 */
export function createRecovery(
  { customerMarker, repeatCreates }: Switches,
  { getSession, getCustomer, readCustomers }: Reads,
): NonNullable<ProviderClient['recovery']> {
  const repeat = repeatCreates === 'on' ? WHILE_KEY_IS_KNOWN : undefined
  return {
    session: {
      repeat,
      assume: getSession && ((_, providerId, call) => getSession({ providerId }, call)),
    },
    customer: {
      repeat,
      find: customerMarker === 'on' ? (lost, call) => findCustomer(readCustomers, lost, call) : undefined,
      assume: (_, providerId, call) => getCustomer({ providerId }, call),
    },
  }
}

const WHILE_KEY_IS_KNOWN: RepeatRule = {
  times: Number.POSITIVE_INFINITY,
  afterSettleDelay: false,
  withinMs: 12 * 60 * 60 * 1000,
}

const PAGE_SIZE = 100
const MAX_PAGES = 20
/** How far Yorlet's clock and ours may be apart. */
const CLOCK_SLACK_MS = 10 * 60 * 1000

/** Not found is no proof of absence: no page documents the list's order, its end or that a create keeps metadata. */
async function findCustomer(
  readCustomers: ReadCustomers,
  { reference, sentAt }: LostCreate,
  call: ReadCall,
): Promise<Finding<CustomerSnapshot>> {
  const earliest = (sentAt.getTime() - CLOCK_SLACK_MS) / 1000
  let cursor: string | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, nextCursor } = await readCustomers({ limit: PAGE_SIZE, cursor }, call)
    const ours = items.find(customer => isMarkedBy(customer, reference))
    if (ours) return { found: toCustomer(ours) }
    if (nextCursor === null || leadsBackBefore(earliest, items)) break
    cursor = nextCursor
  }
  return 'UNCERTAIN'
}

/** True where a page is seen to run from new to old, and ends before the time: what follows is older still. */
function leadsBackBefore(seconds: number, items: readonly Customer[]): boolean {
  const times = items.map(({ created }) => created ?? Number.NaN)
  const [newest = Number.NaN] = times
  const oldest = times.at(-1) ?? Number.NaN
  const runsBack = times.every((time, index) => index === 0 || time <= (times[index - 1] ?? Number.NaN))
  return runsBack && oldest < newest && oldest < seconds
}
