import type { Provider } from '../../src/domain/provider.ts'
import type { Answer, House } from './house.ts'

/** A record of each provider that the provider can be asked for. */
export interface ReadSubject {
  readonly provider: Provider
  readonly noun: 'session' | 'applicant' | 'customer'
  /** The contract's name of the call that reads it. */
  readonly operation: string
  readonly input: object
}

export interface Made {
  readonly id: string
  readonly providerId: string
}

export const READS: readonly ReadSubject[] = [
  { provider: 'KAYLE', noun: 'session', operation: 'getSession', input: { kayle: {} } },
  {
    provider: 'PERSONR',
    noun: 'applicant',
    operation: 'getApplicant',
    input: { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  },
  {
    provider: 'RAPIDLY',
    noun: 'customer',
    operation: 'getCustomer',
    input: { rapidly: { email: 'ann@example.com' } },
  },
  {
    provider: 'VERILOCK',
    noun: 'session',
    operation: 'getSession',
    input: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef' } },
  },
  { provider: 'YORLET', noun: 'customer', operation: 'getCustomer', input: { yorlet: { email: 'ann@example.com' } } },
]

export const NOW_OR_ERROR = '{ maxAgeSeconds: 0, onError: FAIL }'
export const NOW_OR_STALE = '{ maxAgeSeconds: 0 }'

let keys = 0
export function newKey(): string {
  keys += 1
  return `key-${keys}`
}

/** Makes one record of it through the house. */
export async function makeRecord(house: House, subject: ReadSubject): Promise<Made> {
  const answer = await create(house, subject)
  const made = answer.data?.made?.record
  if (!made) throw new Error(`No ${subject.noun} of ${subject.provider} was made: ${JSON.stringify(answer)}`)
  return made
}

export function create(house: House, { noun, input }: Pick<ReadSubject, 'noun' | 'input'>, key = newKey()) {
  const name = `${noun[0]?.toUpperCase()}${noun.slice(1)}`
  const mutation = /* GraphQL */ `
    mutation ($input: Create${name}Input!) {
      made: create${name}(input: $input) {
        __typename
        ... on Create${name}Payload { replayed operation { state attemptsMade } record: ${noun} { id providerId } }
        ... on ProviderUnavailableError { retryAfterSeconds }
        ... on OutcomeUnknownError { operation { state lastError { code } } }
        ... on Error { code }
      }
    }
  `
  return house.ask(mutation, { input: { idempotencyKey: key, [noun]: input } })
}

/** One field of a query that reads the record under its provider's name. */
export function fieldOf({ provider, noun }: ReadSubject, { id }: Made, freshness = NOW_OR_ERROR): string {
  const rest = 'id providerId sync { stale fetchedAt lastError { code message } }'
  return `${provider}: ${noun}(by: { id: "${id}" }, freshness: ${freshness}) { ${rest} }`
}

export function read(house: House, subject: ReadSubject, made: Made, freshness?: string): Promise<Answer> {
  return house.ask(`{ ${fieldOf(subject, made, freshness)} }`)
}

export function subjectOf(provider: Provider): ReadSubject {
  const subject = READS.find(read => read.provider === provider)
  if (!subject) throw new Error(`Nothing of ${provider} can be read.`)
  return subject
}

/** The codes of the errors by the fields they stand at. */
export function codesOf({ errors }: Answer): Record<string, unknown> {
  return Object.fromEntries(errors.map(({ path, extensions }) => [path?.join('.'), extensions.code]))
}

/** How the house sees its calls to a provider. */
export async function healthOf(house: House, provider: Provider) {
  const { data } = await house.ask(
    '{ providers { provider health { circuit errorRate p50Ms p95Ms inFlight driftCount } } }',
  )
  return data.providers.find((info: { provider: Provider }) => info.provider === provider).health
}

/** The n-th id that looks like one of Kayle's and is nobody's: what is asked for by it is no other's read. */
export function nobody(n: number): string {
  return `vs_${String(n).padStart(64, '0')}`
}

export function readByProviderId(house: House, providerId: string): Promise<Answer> {
  return house.ask('query ($id: String!) { session(by: { provider: { provider: KAYLE, providerId: $id } }) { id } }', {
    id: providerId,
  })
}
