import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/domain/error-codes.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { OperationState } from '../../src/domain/records/operation.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import { type CreateFate, setUpLostCreates } from '../harness/providers/lost-creates.ts'
import { mockProvider } from '../harness/providers/mock-provider.ts'

/** What happens to a lost create at each provider, by what its folder says of recovery. */

const HOUR = 3600

interface Kind {
  readonly provider: Provider
  readonly recordType: 'session' | 'applicant' | 'customer'
  readonly input: object
  /** The collection of the sandbox with the created objects. */
  readonly collection: string
  /** True if the provider takes an idempotency key: what is sent again has the same key and body. */
  readonly hasKey?: boolean
}

interface Row extends Kind {
  readonly name: string
  readonly env?: NodeJS.ProcessEnv
  /** The fate of the create, and of what is sent at each later check. */
  readonly fate: CreateFate
  readonly checks: readonly (readonly [afterSeconds: number, fate: CreateFate])[]
  /** The number of creates that were sent, and of objects that exist at the provider. */
  readonly sent: number
  readonly objects: number
  /** The send count, if the provider put off a repeat. */
  readonly counted?: number
  /** The state in the end. A FAILED create can be sent again; `again` is the code of its error, if it has one. */
  readonly state: OperationState
  readonly again?: ErrorCode
  /** UNKNOWN: whether it will be checked again. */
  readonly settlesItself?: boolean
  /** SUCCEEDED: which of the objects the record is. */
  readonly record?: 'first' | 'last'
}

const KAYLE: Kind = {
  provider: 'KAYLE',
  recordType: 'session',
  input: { session: { kayle: { redirectUrl: 'https://app.example.com/done' } } },
  collection: 'sessions',
}
const VERILOCK: Kind = {
  provider: 'VERILOCK',
  recordType: 'session',
  input: { session: SESSION_INPUTS.VERILOCK },
  collection: 'sessions',
}
const LINK: Kind = {
  provider: 'PERSONR',
  recordType: 'session',
  input: { session: SESSION_INPUTS.PERSONR },
  collection: 'links',
}
const APPLICANT: Kind = {
  provider: 'PERSONR',
  recordType: 'applicant',
  input: { applicant: { personr: { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic' } } },
  collection: 'applicants',
}
const PORTAL: Kind = {
  provider: 'RAPIDLY',
  recordType: 'session',
  input: { session: SESSION_INPUTS.RAPIDLY },
  collection: 'customer_sessions',
}
const APPLICATION: Kind = {
  provider: 'YORLET',
  recordType: 'session',
  input: { session: SESSION_INPUTS.YORLET },
  collection: 'application_sessions',
  hasKey: true,
}
const YORLET: Kind = {
  provider: 'YORLET',
  recordType: 'customer',
  input: { customer: { yorlet: { email: 'lin@example.com' } } },
  collection: 'customers',
  hasKey: true,
}
const rapidly = (email: string, externalId?: string): Kind => ({
  provider: 'RAPIDLY',
  recordType: 'customer',
  input: { externalId, customer: { rapidly: { email, metadata: { plan: 'pro' } } } },
  collection: 'customers',
})

const FOUND = { fate: 'RESPONSE_LOST', checks: [[6, 'ANSWERED']], sent: 1, objects: 1 } as const
const SUCCEEDED = { state: 'SUCCEEDED', record: 'first' } as const
const HOPELESS = { state: 'UNKNOWN', settlesItself: false } as const
const ABSENT = { fate: 'REQUEST_LOST', checks: [[120, 'ANSWERED']], state: 'FAILED' } as const
const always = (times: number, afterSeconds: number) =>
  Array.from({ length: times }, () => [afterSeconds, 'RESPONSE_LOST'] as const)

const ROWS: readonly Row[] = [
  { ...KAYLE, name: 'is found by our marker', ...FOUND, ...SUCCEEDED },
  { ...VERILOCK, name: 'is found by our marker', ...FOUND, ...SUCCEEDED },
  {
    ...LINK,
    name: 'is created once more, and the first of the two is returned to no caller',
    ...FOUND,
    sent: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  {
    ...LINK,
    name: 'is created once more and never a third time, whatever the outcome',
    fate: 'RESPONSE_LOST',
    checks: always(4, 4000),
    sent: 2,
    objects: 2,
    ...HOPELESS,
  },
  {
    ...LINK,
    name: 'is not created again if repeats are switched off',
    env: { PERSONR_REPEAT_LINKS: 'off' },
    ...FOUND,
    checks: [[4000, 'ANSWERED']],
    ...HOPELESS,
  },
  { ...APPLICANT, name: 'is never created once more', ...FOUND, checks: [[24 * HOUR, 'ANSWERED']], ...HOPELESS },
  {
    ...PORTAL,
    name: 'is not created once more before the settle delay has passed',
    ...FOUND,
    checks: [[60, 'ANSWERED']],
    state: 'UNKNOWN',
    settlesItself: true,
  },
  {
    ...PORTAL,
    name: 'is created once more after the settle delay, so that at most two exist',
    ...FOUND,
    checks: [
      [60, 'ANSWERED'],
      [60, 'ANSWERED'],
    ],
    sent: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  {
    ...PORTAL,
    name: 'stays unknown if the response to the second request is lost too',
    fate: 'RESPONSE_LOST',
    checks: always(3, 4000),
    sent: 2,
    objects: 2,
    ...HOPELESS,
  },
  {
    ...PORTAL,
    name: 'is created once more later if Rapidly defers the repeat, which creates nothing',
    fate: 'RESPONSE_LOST',
    checks: [
      [130, 'DEFERRED'],
      [4000, 'ANSWERED'],
    ],
    sent: 3,
    counted: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  {
    ...PORTAL,
    name: 'is created once more after an outage of Rapidly, which uses up no repeat',
    fate: 'RESPONSE_LOST',
    checks: [
      [130, 'DOWN'],
      [4000, 'DOWN'],
      [4000, 'ANSWERED'],
    ],
    sent: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  {
    ...PORTAL,
    name: 'is created once more after the credentials are accepted again',
    fate: 'RESPONSE_LOST',
    checks: [
      [130, 'UNAUTHORIZED'],
      [4000, 'ANSWERED'],
    ],
    sent: 3,
    counted: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  {
    ...LINK,
    name: 'is created once more after an outage of Personr, which uses up no repeat',
    fate: 'RESPONSE_LOST',
    checks: [
      [130, 'DOWN'],
      [4000, 'ANSWERED'],
    ],
    sent: 2,
    objects: 2,
    state: 'SUCCEEDED',
    record: 'last',
  },
  { ...rapidly('a@example.com', 'usr/ 1'), name: 'is found by its external id', ...FOUND, ...SUCCEEDED },
  { ...rapidly('b@example.com'), name: 'is found by our marker where it has no external id', ...FOUND, ...SUCCEEDED },
  {
    ...rapidly('c@example.com'),
    name: 'is not absent before the settle delay has passed',
    ...ABSENT,
    checks: [[60, 'ANSWERED']],
    sent: 1,
    objects: 0,
    state: 'UNKNOWN',
    settlesItself: true,
  },
  ...[
    ['that was never created', rapidly('d@example.com')] as const,
    ['that was never created with its external id', rapidly('e@example.com', 'usr_never')] as const,
  ].map(([what, kind]) => ({
    ...kind,
    name: `${what} is absent after the settle delay, and the idempotency key can be used again`,
    ...ABSENT,
    sent: 1,
    objects: 0,
  })),
  ...[
    ['external id', rapidly('f@example.com', 'usr_1337')] as const,
    ['e-mail address', rapidly('john.doe@example.com')] as const,
  ].map(([what, kind]) => ({
    ...kind,
    name: `whose ${what} another customer has is absent, and is rejected when it is sent again`,
    ...ABSENT,
    sent: 1,
    objects: 0,
    again: 'PROVIDER_REJECTED' as const,
  })),
  {
    ...APPLICATION,
    name: 'is sent again with its key and body, so that one exists',
    fate: 'RESPONSE_LOST',
    checks: [...always(1, 6), ...always(1, 60), [HOUR, 'ANSWERED']],
    sent: 4,
    objects: 1,
    ...SUCCEEDED,
  },
  {
    ...APPLICATION,
    name: 'is created by the repeat if the first request never arrived',
    fate: 'REQUEST_LOST',
    checks: [[6, 'ANSWERED']],
    sent: 2,
    objects: 1,
    ...SUCCEEDED,
  },
  {
    ...APPLICATION,
    name: 'is not sent again after twelve hours, and stays unknown',
    fate: 'RESPONSE_LOST',
    checks: [
      [12 * HOUR + 1, 'ANSWERED'],
      [HOUR, 'ANSWERED'],
    ],
    sent: 1,
    objects: 1,
    ...HOPELESS,
  },
  {
    ...APPLICATION,
    name: 'is not sent again if repeats are switched off',
    env: { YORLET_REPEAT_CREATES: 'off' },
    ...FOUND,
    checks: [[HOUR, 'ANSWERED']],
    ...HOPELESS,
  },
  { ...YORLET, name: 'is found by our marker before anything is sent again', ...FOUND, ...SUCCEEDED },
  {
    ...YORLET,
    name: 'that is not found is sent again with its key, so that one exists',
    fate: 'REQUEST_LOST',
    checks: [[6, 'ANSWERED']],
    sent: 2,
    objects: 1,
    ...SUCCEEDED,
  },
  {
    ...YORLET,
    name: 'without a marker is sent again with its key, so that one exists',
    env: { YORLET_CUSTOMER_MARKER: 'off' },
    ...FOUND,
    sent: 2,
    ...SUCCEEDED,
  },
  {
    ...YORLET,
    name: 'that is not found stays unknown, and the search continues',
    env: { YORLET_REPEAT_CREATES: 'off' },
    fate: 'REQUEST_LOST',
    checks: [
      [24 * HOUR, 'ANSWERED'],
      [24 * HOUR, 'ANSWERED'],
      [24 * HOUR, 'ANSWERED'],
    ],
    sent: 1,
    objects: 0,
    state: 'UNKNOWN',
    settlesItself: true,
  },
]

describe.each(Object.values<ProviderModule>(registry))('$provider', ({ provider }) => {
  const { findOperation, follow, newKey, open, reconcile, sandbox, setFate } = setUpLostCreates(provider)
  const rows = ROWS.filter(row => row.provider === provider)

  test.each(rows)('a lost $recordType $name', async row => {
    const app = await open(row.env)
    const created = await follow(row.collection)
    const idempotencyKey = newKey()
    const create = async () =>
      (await app.execute(document(row), { input: { idempotencyKey, ...row.input } })).data.created
    await sandbox().forget()

    await setFate(row.fate)
    expect(await create()).toMatchObject({ __typename: 'UnconfirmedError', operation: { state: 'UNKNOWN' } })
    for (const [afterSeconds, fate] of row.checks) {
      await setFate(fate)
      await reconcile(afterSeconds)
    }

    const sent = await sentCreates(row)
    expect(sent).toHaveLength(row.sent)
    if (row.hasKey) expect(new Set(sent).size).toBe(1)
    const ids = await created()
    expect(ids).toHaveLength(row.objects)
    expect(await findOperation(idempotencyKey)).toMatchObject({ state: row.state, sendCount: row.counted ?? row.sent })
    expect(await create()).toMatchObject(expectedAgain(row, ids))
  })

  /** The key and the body of each create that reached the sandbox. */
  async function sentCreates({ collection }: Row): Promise<string[]> {
    const path = CREATE_PATHS[collection] ?? expect.fail(`${collection} has no path.`)
    const requests = (await sandbox().requests()).filter(({ method, path: at }) => method === 'POST' && path.test(at))
    return requests.map(({ headers, body }) => `${headers['idempotency-key']} ${body}`)
  }
})

const CREATE_PATHS: Readonly<Record<string, RegExp>> = {
  applicants: /applicant-create$/,
  application_sessions: /application_sessions$/,
  customer_sessions: /customer-sessions\/$/,
  customers: /customers\/?$/,
  links: /verificationlink-create$/,
  sessions: /sessions$/,
}

function expectedAgain({ state, settlesItself, record, again }: Row, ids: readonly string[]): object {
  if (state === 'SUCCEEDED') {
    const providerId = record === 'last' ? ids.at(-1) : ids[0]
    return { operation: { state, recovered: true }, record: { providerId } }
  }
  if (state === 'UNKNOWN') return { operation: { state, settlesItself } }
  return again ? { code: again } : { operation: { state: 'SUCCEEDED', recovered: false } }
}

function document({ recordType }: Kind): string {
  const name = `${recordType.charAt(0).toUpperCase()}${recordType.slice(1)}`
  const operation = 'operation { state recovered settlesItself }'
  return `mutation ($input: Create${name}Input!) {
    created: create${name}(input: $input) {
      __typename
      ... on Create${name}Payload { ${operation} record: ${recordType} { providerId } }
      ... on UnconfirmedError { ${operation} }
      ... on MutationError { code }
    }
  }`
}

test.each([
  ['KAYLE', {}, true],
  ['VERILOCK', {}, true],
  ['PERSONR', {}, true],
  ['PERSONR', { repeatLinks: 'off' }, false],
  ['RAPIDLY', {}, true],
  ['YORLET', {}, true],
  ['YORLET', { repeatCreates: 'off', customerMarker: 'on' }, true],
  ['YORLET', { repeatCreates: 'off', customerMarker: 'off' }, false],
] as const)('%s with %j has the capability RECONCILE: %s', async (provider, settings, has) => {
  const { client } = await mockProvider(registry[provider], settings, () => ({ status: 500 }))
  expect(client.capabilities.includes('RECONCILE')).toBe(has)
})
