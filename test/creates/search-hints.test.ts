import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { REGISTERED_REDIRECTS } from '../../src/providers/kayle/sandbox-request.ts'
import type { LoggedRequest } from '../../src/sandbox/request-log.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { API_KEY, controlSandbox } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'

/** The search hints for an operator contain exactly the values that were sent to the provider. */

interface Row {
  readonly name: string
  readonly provider: Provider
  readonly path: string
  readonly recordType: 'Session' | 'Applicant' | 'Customer'
  readonly input: object
  readonly env?: Record<string, string>
  /** The personal data in the hints. */
  readonly personal: readonly string[]
  /** True if an empty search proves that no object was created. */
  readonly absenceShows: boolean
}

const [, UNMARKABLE] = REGISTERED_REDIRECTS
const OFF = { KAYLE_MARKER: 'off', YORLET_CUSTOMER_MARKER: 'off' }
const EMAIL = 'zaphod@example.com'
const PHONE = '+46700000000'
const REDIRECT = 'https://app.example.com/done?user=zaphod'

const kayle = (redirectUrl?: string) => ({ session: { kayle: { redirectUrl } } })
const KAYLE = { provider: 'KAYLE', path: '/v1/sessions', recordType: 'Session' } as const

const ROWS: readonly Row[] = [
  { ...KAYLE, name: 'with a redirect', input: kayle(REDIRECT), personal: [], absenceShows: true },
  { ...KAYLE, name: 'without a redirect', input: kayle(), personal: [], absenceShows: false },
  {
    ...KAYLE,
    name: 'with its marker off',
    env: OFF,
    input: kayle(REDIRECT),
    personal: [REDIRECT],
    absenceShows: false,
  },
  {
    ...KAYLE,
    name: 'with a redirect that cannot carry our marker',
    input: kayle(UNMARKABLE),
    personal: [UNMARKABLE],
    absenceShows: false,
  },
  {
    provider: 'VERILOCK',
    name: 'with every input',
    path: '/sessions',
    recordType: 'Session',
    input: {
      externalId: 'usr_42',
      session: {
        verilock: {
          profileId: '01234567-89ab-cdef-0123-456789abcdef',
          applicantEmail: EMAIL,
          applicantName: 'Zaphod Beeblebrox',
        },
      },
    },
    personal: [EMAIL, 'Zaphod Beeblebrox'],
    absenceShows: false,
  },
  {
    provider: 'VERILOCK',
    name: 'with the least input',
    path: '/sessions',
    recordType: 'Session',
    input: { session: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef' } } },
    personal: [],
    absenceShows: false,
  },
  {
    provider: 'PERSONR',
    name: 'which is a link',
    path: '/api-verificationlink-create',
    recordType: 'Session',
    input: { session: { personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } } } },
    personal: [],
    absenceShows: false,
  },
  {
    provider: 'PERSONR',
    name: 'with every input',
    path: '/api-applicant-create',
    recordType: 'Applicant',
    input: {
      externalId: 'usr_42',
      applicant: {
        personr: { email: EMAIL, phone: PHONE, flowName: 'KYC basic', firstName: 'Zaphod', lastName: 'Beeblebrox' },
      },
    },
    personal: [EMAIL, PHONE, 'Zaphod', 'Beeblebrox'],
    absenceShows: true,
  },
  {
    provider: 'RAPIDLY',
    name: 'of a customer',
    path: '/customer-sessions/',
    recordType: 'Session',
    input: {
      session: {
        rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: 'https://app.example.com/back' },
      },
    },
    personal: ['https://app.example.com/back'],
    absenceShows: false,
  },
  {
    provider: 'RAPIDLY',
    name: 'with every input',
    path: '/customers/',
    recordType: 'Customer',
    input: { externalId: 'usr_42', customer: { rapidly: { email: EMAIL, name: 'Zaphod' } } },
    personal: [EMAIL, 'Zaphod'],
    absenceShows: true,
  },
  {
    provider: 'YORLET',
    name: 'of an applicant',
    path: '/application_sessions',
    recordType: 'Session',
    input: { session: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } } },
    personal: [],
    absenceShows: false,
  },
  {
    provider: 'YORLET',
    name: 'with every input',
    path: '/customers',
    recordType: 'Customer',
    input: { customer: { yorlet: { email: EMAIL, name: 'Zaphod', phone: PHONE } } },
    personal: [EMAIL, 'Zaphod', PHONE],
    absenceShows: false,
  },
  {
    provider: 'YORLET',
    name: 'with its marker off',
    path: '/customers',
    recordType: 'Customer',
    env: OFF,
    input: { customer: { yorlet: { email: EMAIL } } },
    personal: [EMAIL],
    absenceShows: false,
  },
]

interface SearchHints {
  readonly from: string
  readonly to: string
  readonly traces: readonly { readonly where: string; readonly value: string | null }[]
  readonly warning: string | null
}

const apps = new Map<Row['env'], AppWithFaultyProvider>()
/** The requests of each create, as the provider received them. */
const sent = new Map<Row, string>()
const began = Date.now()

beforeAll(async () => {
  for (const env of new Set(ROWS.map(row => row.env))) {
    apps.set(env, await startAppWithFaultyProvider({ BREAKER_MINIMUM_CALLS: '1000000', ...env }))
  }
  for (const row of ROWS) sent.set(row, await lose(row))
}, 60_000)
afterAll(async () => {
  for (const app of apps.values()) await app.close()
})

const appOf = ({ env }: Row) => apps.get(env) as AppWithFaultyProvider
const keyOf = (row: Row) => `row-${ROWS.indexOf(row)}`

/** Drops the response to the create. Returns the requests that the provider received. */
async function lose(row: Row): Promise<string> {
  const app = appOf(row)
  const control = controlSandbox(app.at(row.provider).origin)
  await control.forget()
  app.at(row.provider).behave(({ method, path, headers }) => {
    if (method !== 'POST' || !path.endsWith(row.path)) return 'PASS'
    seenHeaders.push(JSON.stringify(headers))
    // Kayle's rejection of the redirect with our marker must arrive.
    const isRefused = row.input === ROWS[3]?.input && seenHeaders.length === 1
    return isRefused ? 'PASS' : 'LOSE_ANSWER'
  })
  const seenHeaders: string[] = []
  const mutation = `mutation ($input: Create${row.recordType}Input!) { made: create${row.recordType}(input: $input) { __typename } }`
  const answer = await app.execute(mutation, { input: { idempotencyKey: keyOf(row), ...row.input } })
  expect(answer.data.made).toEqual({ __typename: 'UnconfirmedError' })
  app.at(row.provider).behave()
  const created = (await control.requests()).filter(({ method, path }) => method === 'POST' && path.endsWith(row.path))
  return `${JSON.stringify(seenHeaders.at(-1))} ${toText(created.at(-1))}`
}

function toText(request: LoggedRequest | undefined): string {
  return request ? String(request.body) : ''
}

async function searchHintsOf(row: Row, key = API_KEY): Promise<SearchHints> {
  const { app, db } = appOf(row)
  const query = db.sql.selectFrom('operations').select('id').where('idempotency_key', '=', keyOf(row))
  const { id } = await query.executeTakeFirstOrThrow()
  const headers = { authorization: `Bearer ${key}` }
  const response = await app.fetch(`http://localhost/console/api/operations/${id}`, { headers })
  return ((await response.json()) as { row: { searchHints: SearchHints } }).row.searchHints
}

async function referenceOf(row: Row): Promise<string> {
  const query = appOf(row).db.sql.selectFrom('operations').select('reference')
  return (await query.where('idempotency_key', '=', keyOf(row)).executeTakeFirstOrThrow()).reference
}

describe.each(ROWS)('$provider: a $recordType $name', row => {
  test('has search hints with the values that were sent', async () => {
    const { traces } = await searchHintsOf(row)

    for (const { where, value } of traces)
      expect([where, sent.get(row)]).toEqual([where, expect.stringContaining(value ?? '?')])
    for (const { where } of traces) expect(where).toMatch(/[a-z]/i)
  })

  test('has our reference in its search hints only if it was sent', async () => {
    const reference = await referenceOf(row)
    const wasSent = sent.get(row)?.includes(reference)

    expect(JSON.stringify(await searchHintsOf(row)).includes(reference)).toBe(wasSent)
  })

  test('has search hints with the time of the send', async () => {
    const { from, to } = await searchHintsOf(row)

    expect(Date.parse(from)).toBeLessThanOrEqual(began - 9 * 60_000)
    expect(Date.parse(from)).toBeGreaterThan(began - 11 * 60_000)
    expect(Date.parse(to)).toBeGreaterThan(Date.now() + 9 * 60_000)
    expect(Date.parse(to)).toBeLessThan(Date.now() + 11 * 60_000)
  })

  test('has search hints without personal data for a key without that scope', async () => {
    const { token } = await withKey(appOf(row), { scopes: ['admin', 'sessions:read'] })
    const [open, closed] = [await searchHintsOf(row), await searchHintsOf(row, token)]

    expect(open.traces.map(({ value }) => value)).toEqual(expect.arrayContaining([...row.personal]))
    const hidden = open.traces.filter((_, index) => closed.traces[index]?.value === null)
    expect(hidden.map(({ value }) => value).toSorted()).toEqual(row.personal.toSorted())
    expect(closed.traces.map(({ where }) => where)).toEqual(open.traces.map(({ where }) => where))
  })

  test('has search hints that warn where an empty search is no proof', async () => {
    const { warning } = await searchHintsOf(row)

    expect(warning).toEqual(row.absenceShows ? null : expect.stringMatching(/^[A-Z].*\.$/))
  })
})
