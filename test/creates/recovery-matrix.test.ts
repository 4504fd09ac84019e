import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { PROFILE_LOSES_RECORDS_ID } from '../../src/providers/verilock/sandbox.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { controlSandbox } from '../harness/app/test-app.ts'
import type { FaultyStep } from '../harness/providers/faulty-provider.ts'

/**
 * Every create at every provider × the settings of its recovery × whether the create arrived × whether its process
 * died. A create stays UNKNOWN only if its outcome cannot be known.
 */

type State = 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'

interface Row {
  readonly name: string
  readonly provider: Provider
  readonly recordType: 'session' | 'applicant' | 'customer'
  /** The path of its creates. */
  readonly path: string
  /** The collection of the sandbox with the created objects. */
  readonly collection: string
  readonly input: (tag: string) => object
  readonly env?: Record<string, string>
  /**
   * The states of one that never arrived, and of one that was executed: soon after the settle delay, and in the end.
   */
  readonly lost: readonly [soon: State, late: State]
  readonly made: readonly [soon: State, late: State]
}

const PROFILE_ID = '01234567-89ab-cdef-0123-456789abcdef'
const OFF = { KAYLE_MARKER: 'off', PERSONR_REPEAT_LINKS: 'off', YORLET_REPEAT_CREATES: 'off' }
const ALL_OFF = { ...OFF, YORLET_CUSTOMER_MARKER: 'off' }

const email = (tag: string) => `${tag}@example.com`
const KAYLE = { provider: 'KAYLE', recordType: 'session', path: '/v1/sessions', collection: 'sessions' } as const
const VERILOCK = { provider: 'VERILOCK', recordType: 'session', path: '/sessions', collection: 'sessions' } as const
const LINK = {
  provider: 'PERSONR',
  recordType: 'session',
  path: '/api-verificationlink-create',
  collection: 'links',
} as const
const APPLICANT = {
  provider: 'PERSONR',
  recordType: 'applicant',
  path: '/api-applicant-create',
  collection: 'applicants',
} as const
const PORTAL = {
  provider: 'RAPIDLY',
  recordType: 'session',
  path: '/customer-sessions/',
  collection: 'customer_sessions',
} as const
const RAPIDLY = { provider: 'RAPIDLY', recordType: 'customer', path: '/customers/', collection: 'customers' } as const
const APPLICATION = {
  provider: 'YORLET',
  recordType: 'session',
  path: '/application_sessions',
  collection: 'application_sessions',
} as const
const YORLET = { provider: 'YORLET', recordType: 'customer', path: '/customers', collection: 'customers' } as const

const FOUND = ['SUCCEEDED', 'SUCCEEDED'] as const
const ABSENT = ['FAILED', 'FAILED'] as const
const HARMLESS = ['UNKNOWN', 'FAILED'] as const
const HOPELESS = ['UNKNOWN', 'UNKNOWN'] as const

const redirect = () => ({ session: { kayle: { redirectUrl: 'https://app.example.com/done' } } })
const toLink = () => ({ session: { personr: { applicant: { applicantProviderId: PERSONR_APPLICANT } } } })
const toApplicant = (tag: string) => ({
  applicant: { personr: { email: email(tag), phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
})
const toPortal = () => ({ session: { rapidly: { customer: { customerExternalId: 'usr_1337' } } } })
const toApplication = () => ({ session: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } } })
const toCustomer = (tag: string) => ({ customer: { yorlet: { email: email(tag) } } })
const PERSONR_APPLICANT = '4242424242424x424242424242424242'

const ROWS: readonly Row[] = [
  { ...KAYLE, name: 'with our marker', input: redirect, lost: ABSENT, made: FOUND },
  { ...KAYLE, name: 'without a redirect', input: () => ({ session: { kayle: {} } }), lost: HARMLESS, made: HARMLESS },
  { ...KAYLE, name: 'with markers switched off', env: OFF, input: redirect, lost: HARMLESS, made: HARMLESS },
  {
    ...VERILOCK,
    name: 'with an external id',
    input: tag => ({ externalId: tag, session: { verilock: { profileId: PROFILE_ID } } }),
    lost: ABSENT,
    made: FOUND,
  },
  {
    ...VERILOCK,
    name: 'without an external id',
    input: () => ({ session: { verilock: { profileId: PROFILE_ID } } }),
    lost: ABSENT,
    made: FOUND,
  },
  {
    ...VERILOCK,
    name: 'with an external id, read without metadata',
    input: tag => ({ externalId: tag, session: { verilock: { profileId: PROFILE_LOSES_RECORDS_ID } } }),
    lost: ABSENT,
    made: HOPELESS,
  },
  { ...LINK, name: 'that is repeated', input: toLink, lost: FOUND, made: FOUND },
  { ...LINK, name: 'that is not repeated', env: OFF, input: toLink, lost: HOPELESS, made: HOPELESS },
  { ...APPLICANT, name: 'that cannot be looked for', input: toApplicant, lost: HOPELESS, made: HOPELESS },
  { ...PORTAL, name: 'that is repeated', input: toPortal, lost: FOUND, made: FOUND },
  {
    ...RAPIDLY,
    name: 'with an external id',
    input: tag => ({ externalId: tag, customer: { rapidly: { email: email(tag) } } }),
    lost: ABSENT,
    made: FOUND,
  },
  {
    ...RAPIDLY,
    name: 'without an external id',
    input: tag => ({ customer: { rapidly: { email: email(tag) } } }),
    lost: ABSENT,
    made: FOUND,
  },
  { ...APPLICATION, name: 'with its key', input: toApplication, lost: FOUND, made: FOUND },
  { ...APPLICATION, name: 'that is not repeated', env: OFF, input: toApplication, lost: HOPELESS, made: HOPELESS },
  { ...YORLET, name: 'with its key', input: toCustomer, lost: FOUND, made: FOUND },
  { ...YORLET, name: 'with our marker alone', env: OFF, input: toCustomer, lost: HOPELESS, made: FOUND },
  { ...YORLET, name: 'with neither', env: ALL_OFF, input: toCustomer, lost: HOPELESS, made: HOPELESS },
]

const FATES = { lost: 'RESET', made: 'LOSE_ANSWER' } as const satisfies Record<string, FaultyStep>
const DEATHS = ['sender lives', 'sender dies'] as const

interface Case {
  readonly row: Row
  readonly fate: keyof typeof FATES
  readonly death: (typeof DEATHS)[number]
  readonly key: string
}

const CASES: readonly Case[] = ROWS.flatMap((row, index) =>
  (['lost', 'made'] as const).flatMap(fate =>
    DEATHS.map(death => ({ row, fate, death, key: `${row.provider}-${index}-${fate}-${death.replace(' ', '-')}` })),
  ),
)

const WAITS = { early: 60, soon: 200, late: 80 * 60, muchLater: 14 * 3600 } as const

const apps = new Map<Row['env'], AppWithFaultyProvider>()
let offsetMs = 0
/** The state of each case by its key, at each of these times. */
const seen: Record<keyof typeof WAITS, Map<string, { state: State; settlesItself: boolean; recovered: boolean }>> = {
  early: new Map(),
  soon: new Map(),
  late: new Map(),
  muchLater: new Map(),
}

function appOf({ env }: Row): AppWithFaultyProvider {
  const app = apps.get(env)
  if (!app) throw new Error('No server was opened for this row.')
  return app
}

beforeAll(async () => {
  for (const env of new Set(ROWS.map(row => row.env))) {
    const examined = { CREATE_DEADLINE_MS: '2000', BREAKER_MINIMUM_CALLS: '1000000', ...env }
    apps.set(env, await startAppWithFaultyProvider(examined, { now: () => new Date(Date.now() + offsetMs) }))
  }
  for (const each of CASES) await lose(each)
  for (const [name, seconds] of Object.entries(WAITS)) {
    offsetMs = seconds * 1000
    for (const app of apps.values()) while ((await app.services.createReconciler.run()) > 0);
    for (const { row, key } of CASES) seen[name as keyof typeof WAITS].set(key, await operationOf(row, key))
  }
}, 120_000)

afterAll(async () => {
  for (const app of apps.values()) await app.close()
})

async function lose({ row, fate, death, key }: Case): Promise<void> {
  const app = appOf(row)
  app.at(row.provider).behave(({ method, path }) => {
    return method === 'POST' && path.endsWith(row.path) ? FATES[fate] : 'PASS'
  })
  expect(await create(row, key)).toMatchObject({ __typename: 'UnconfirmedError' })
  app.at(row.provider).behave()
  if (death === 'sender lives') return
  // The row as a killed process leaves it: sent, without a response.
  const dead = { state: 'SENT', owner: 'dead', owned_until: Date.now() - 1, next_check_at: null, error: null }
  await app.db.sql.updateTable('operations').set(dead).where('idempotency_key', '=', key).execute()
}

async function create(row: Row, key: string) {
  const name = `${row.recordType[0]?.toUpperCase()}${row.recordType.slice(1)}`
  const mutation = /* GraphQL */ `
    mutation ($input: Create${name}Input!) {
      made: create${name}(input: $input) {
        __typename
        ... on Create${name}Payload { replayed operation { sendCount } record: ${row.recordType} { id providerId } }
        ... on MutationError { code }
      }
    }
  `
  return (await appOf(row).execute(mutation, { input: { idempotencyKey: key, ...row.input(key) } })).data.made
}

async function operationOf(row: Row, key: string) {
  const query = 'query ($key: String!) { operation(by: { idempotencyKey: $key }) { state settlesItself recovered } }'
  return (await appOf(row).execute(query, { key })).data.operation
}

async function countOf(row: Row): Promise<number> {
  const objects = await controlSandbox(appOf(row).at(row.provider).origin).objects()
  return Object.keys(objects[row.collection] ?? {}).length
}

describe.each(ROWS)('$provider: a $recordType $name', row => {
  const cases = CASES.filter(each => each.row === row)

  test.each(cases)('that was $fate, and whose $death, is settled as far as possible', ({ fate, key }) => {
    const [soon, late] = row[fate]
    expect(seen.soon.get(key)?.state).toBe(soon)
    expect(seen.late.get(key)?.state).toBe(late)
    expect(seen.muchLater.get(key)).toMatchObject({ state: late, recovered: late === 'SUCCEEDED' })
    // Before the end of the settle delay, nothing proves that the request will not be executed late.
    expect(seen.early.get(key)?.state).not.toBe('FAILED')
  })

  test.each(cases)(
    'that was $fate, and whose $death, can be requested again as its state allows',
    async ({ fate, key }) => {
      const state = seen.muchLater.get(key)?.state
      const before = await countOf(row)

      const again = await create(row, key)

      const made = (await countOf(row)) - before
      if (state === 'SUCCEEDED') expect([again.replayed, made]).toEqual([true, 0])
      if (state === 'UNKNOWN') expect([again.code, made]).toEqual(['UNCONFIRMED', 0])
      if (state === 'FAILED') {
        expect([again.replayed, again.operation.sendCount, made]).toEqual([false, 2, 1])
        // No object exists for a create that is sent again, or the object can no longer be used.
        expect(fate === 'lost' || row[fate] === HARMLESS).toBe(true)
      }
    },
  )
})
