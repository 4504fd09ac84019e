import type { Provider } from '../../../src/domain/provider.ts'
import type { Answer, TestApp } from '../app/test-app.ts'

/** For each provider, a record that can be read from it. */
export interface ReadSubject {
  readonly provider: Provider
  readonly recordType: 'session' | 'applicant' | 'customer'
  /** The client method that reads the record. */
  readonly operation: string
  readonly input: object
}

export interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

export const READS: readonly ReadSubject[] = [
  { provider: 'KAYLE', recordType: 'session', operation: 'getSession', input: { kayle: {} } },
  {
    provider: 'PERSONR',
    recordType: 'applicant',
    operation: 'getApplicant',
    input: { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  },
  {
    provider: 'RAPIDLY',
    recordType: 'customer',
    operation: 'getCustomer',
    input: { rapidly: { email: 'ann@example.com' } },
  },
  {
    provider: 'VERILOCK',
    recordType: 'session',
    operation: 'getSession',
    input: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef' } },
  },
  {
    provider: 'YORLET',
    recordType: 'customer',
    operation: 'getCustomer',
    input: { yorlet: { email: 'ann@example.com' } },
  },
]

export const NOW_OR_ERROR = '{ maxAgeSeconds: 0, onError: FAIL }'
export const NOW_OR_STALE = '{ maxAgeSeconds: 0 }'

let keys = 0
export function newKey(): string {
  keys += 1
  return `key-${keys}`
}

/** Creates such a record through the API. */
export async function makeRecord(app: TestApp, subject: ReadSubject): Promise<CreatedRecord> {
  const answer = await create(app, subject)
  const made = answer.data?.made?.record
  if (!made) throw new Error(`No ${subject.recordType} of ${subject.provider} was created: ${JSON.stringify(answer)}`)
  return made
}

export function create(app: TestApp, { recordType, input }: Pick<ReadSubject, 'recordType' | 'input'>, key = newKey()) {
  const name = `${recordType[0]?.toUpperCase()}${recordType.slice(1)}`
  const mutation = /* GraphQL */ `
    mutation ($input: Create${name}Input!) {
      made: create${name}(input: $input) {
        __typename
        ... on Create${name}Payload { replayed operation { state sendCount } record: ${recordType} { id providerId } }
        ... on ProviderUnavailableError { retryAfterSeconds }
        ... on UnconfirmedError { operation { state lastError { code } } }
        ... on MutationError { code }
      }
    }
  `
  return app.execute(mutation, { input: { idempotencyKey: key, [recordType]: input } })
}

/** A query field that reads the record, with the provider's name as alias. */
export function fieldOf(
  { provider, recordType }: ReadSubject,
  { id }: CreatedRecord,
  freshness = NOW_OR_ERROR,
): string {
  const rest = 'id providerId sync { stale fetchedAt lastError { code message } }'
  return `${provider}: ${recordType}(by: { id: "${id}" }, freshness: ${freshness}) { ${rest} }`
}

export function read(app: TestApp, subject: ReadSubject, made: CreatedRecord, freshness?: string): Promise<Answer> {
  return app.execute(`{ ${fieldOf(subject, made, freshness)} }`)
}

export function subjectOf(provider: Provider): ReadSubject {
  const subject = READS.find(read => read.provider === provider)
  if (!subject) throw new Error(`Nothing of ${provider} can be read.`)
  return subject
}

/** The error codes by path. */
export function codesOf({ errors }: Answer): Record<string, unknown> {
  return Object.fromEntries(errors.map(({ path, extensions }) => [path?.join('.'), extensions.code]))
}

/** The ProviderHealth of a provider. */
export async function healthOf(app: TestApp, provider: Provider) {
  const { data } = await app.execute('{ providers { provider health { state errorRate p50Ms p95Ms } } }')
  return data.providers.find((info: { provider: Provider }) => info.provider === provider).health
}

/** The figures of the first tenant's account, which operators see: also the circuit, calls in flight and drift. */
export async function upstreamHealthOf(app: TestApp, provider: Provider) {
  return (await app.services.accounts.get('dev', provider)).upstream.health()
}

/** The n-th well-formed Kayle id without a session. Distinct ids prevent that reads are shared. */
export function none(n: number): string {
  return `vs_${String(n).padStart(64, '0')}`
}

export function readByProviderId(app: TestApp, providerId: string): Promise<Answer> {
  return app.execute(
    'query ($id: String!) { session(by: { atProvider: { provider: KAYLE, providerId: $id } }) { id } }',
    {
      id: providerId,
    },
  )
}
