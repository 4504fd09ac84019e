import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import type {
  ListQuery,
  Page,
  ProviderClient,
  ReadCall,
  RecoveryCandidate,
  RecoveryCandidates,
  RecoveryResult,
  ResendRule,
  UnknownCreate,
} from '../contract.ts'
import { assertOwnMarker } from '../own-marker.ts'
import { customerInput, sessionInput } from './input.ts'
import { hasMarker, MARKER, toCustomer } from './mapper.ts'
import type { Customer } from './wire.ts'

/** The note of a customer create without a marker. */
export const NO_MARKER = 'NO_MARKER'

export type ReadCustomers = (query: ListQuery, call: ReadCall) => Promise<Page<Customer>>

interface Switches {
  readonly customerMarker: 'on' | 'off'
  readonly repeatCreates: 'on' | 'off'
}

interface Reads extends Pick<ProviderClient, 'getSession'> {
  readCustomer(providerId: string, call: ReadCall): Promise<Customer>
  readonly readCustomers: ReadCustomers
}

/**
 * Yorlet returns the first result for the same Idempotency-Key and body. How long it stores a key is undocumented; half
 * of the usual day is assumed to be safe. A customer is also searched for by our marker.
 */
export function createRecovery(
  { customerMarker, repeatCreates }: Switches,
  { getSession, readCustomer, readCustomers }: Reads,
): NonNullable<ProviderClient['recovery']> {
  const repeat = repeatCreates === 'on' ? WHILE_KEY_IS_KNOWN : undefined
  return {
    session: {
      repeat,
      traces: toSessionCandidates,
      reconstruct: getSession && ((_, providerId, call) => getSession({ providerId }, call)),
    },
    customer: {
      repeat,
      find:
        customerMarker === 'on' ? (unknownCreate, call) => findCustomer(readCustomers, unknownCreate, call) : undefined,
      traces: toCustomerCandidates,
      async reconstruct(unknownCreate, providerId, call) {
        const found = await readCustomer(providerId, call)
        assertOwnMarker(found.metadata?.[MARKER], unknownCreate)
        return toCustomer(found)
      },
    },
  }
}

/** The body of a session contains nothing but its applicant. */
function toSessionCandidates(unknownCreate: UnknownCreate): RecoveryCandidates {
  const { applicantProviderId } = sessionInput.parse(unknownCreate.input)
  return {
    traces: [{ where: 'application_status', value: applicantProviderId }, toKeyCandidate(unknownCreate)],
    warning: 'Yorlet does not document a list of application sessions, so an empty search may prove nothing.',
  }
}

function toCustomerCandidates(unknownCreate: UnknownCreate): RecoveryCandidates {
  const { email, name, phone } = customerInput.parse(unknownCreate.input)
  const traces: RecoveryCandidate[] = [
    toKeyCandidate(unknownCreate),
    { where: 'email', value: email, isPersonal: true },
  ]
  if (unknownCreate.noted !== NO_MARKER)
    traces.unshift({ where: `${MARKER} in metadata`, value: unknownCreate.reference })
  if (name) traces.push({ where: 'name', value: name, isPersonal: true })
  if (phone) traces.push({ where: 'phone', value: phone, isPersonal: true })
  return {
    traces,
    warning: 'Yorlet may omit the metadata: a customer of that time with the same e-mail address may be this one.',
  }
}

function toKeyCandidate({ idempotencyKey }: UnknownCreate): RecoveryCandidate {
  return { where: 'Idempotency-Key of the request, where Yorlet shows requests', value: idempotencyKey }
}

const WHILE_KEY_IS_KNOWN: ResendRule = {
  times: Number.POSITIVE_INFINITY,
  afterSettleDelay: false,
  withinMs: 12 * 60 * 60 * 1000,
}

const PAGE_SIZE = 100
const MAX_PAGES = 20
/** Tolerance for the skew between Yorlet's clock and match. */
const CLOCK_SLACK_MS = 10 * 60 * 1000

/** Not found is no proof of absence: the list's order, its end and the metadata of a create are undocumented. */
async function findCustomer(
  readCustomers: ReadCustomers,
  { reference, sentAt }: UnknownCreate,
  call: ReadCall,
): Promise<RecoveryResult<CustomerSnapshot>> {
  const earliest = (sentAt.getTime() - CLOCK_SLACK_MS) / 1000
  let cursor: string | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, nextCursor } = await readCustomers({ limit: PAGE_SIZE, cursor }, call)
    const match = items.find(customer => hasMarker(customer, reference))
    if (match) return { found: toCustomer(match) }
    if (nextCursor === null || isDescendingPast(earliest, items)) break
    cursor = nextCursor
  }
  return 'UNCERTAIN'
}

/** True if a page is sorted from new to old and ends before the time, so that all further entries are older. */
function isDescendingPast(seconds: number, items: readonly Customer[]): boolean {
  const times = items.map(({ created }) => created ?? Number.NaN)
  const [newest = Number.NaN] = times
  const oldest = times.at(-1) ?? Number.NaN
  const runsBack = times.every((time, index) => index === 0 || time <= (times[index - 1] ?? Number.NaN))
  return runsBack && oldest < newest && oldest < seconds
}
