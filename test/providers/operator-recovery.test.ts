import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/domain/error-codes.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { registry } from '../../src/providers/registry.ts'
import { PROFILE_LOSES_RECORDS_ID } from '../../src/providers/verilock/sandbox.ts'
import { SESSION_READS_KEY } from '../../src/providers/yorlet/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import { setUpLostCreates } from '../harness/providers/lost-creates.ts'
import { mockProvider } from '../harness/providers/mock-provider.ts'

/** A create whose response is lost, and which is settled by the id that an operator found at the provider. */
interface Row {
  readonly provider: Provider
  readonly recordType: 'session' | 'applicant' | 'customer'
  readonly input: object
  /** The collection of the sandbox with the created objects. */
  readonly collection: string
  readonly env?: NodeJS.ProcessEnv
  /** The selected fields of the record and their values, besides the provider id. */
  readonly fields: string
  readonly expected: (providerId: string, sentAt: Date) => object
  /** How long after its send the operator finds it. */
  readonly foundAfterSeconds?: number
  /** True if the provider cannot show the record by its id, so that the operator has to confirm the id. */
  readonly isUnchecked?: true
  /** An id that is not the record's, and the error for it. */
  readonly refused: readonly [providerId: string, code: ErrorCode]
}

const APPLICANT = '4242424242424x424242424242424242'

const ROWS: readonly Row[] = [
  {
    provider: 'KAYLE',
    recordType: 'session',
    // Without a redirect there is no marker.
    input: { session: { kayle: {} } },
    collection: 'sessions',
    fields: 'status attempts { nodes { id } } access { hostedUrl cancelToken }',
    expected: id => ({
      status: 'CREATED',
      attempts: { nodes: [] },
      access: { hostedUrl: expect.stringContaining(id), cancelToken: null },
    }),
    refused: [`vs_${'a'.repeat(64)}`, 'NOT_FOUND'],
  },
  {
    provider: 'VERILOCK',
    recordType: 'session',
    // Reads of this profile return no metadata, and so no marker.
    input: {
      session: { verilock: { profileId: PROFILE_LOSES_RECORDS_ID, redirectUrl: 'https://app.example.com/done' } },
      externalId: 'usr_1',
    },
    collection: 'sessions',
    fields: 'status externalId redirectUrl',
    expected: () => ({ status: 'CREATED', externalId: 'usr_1', redirectUrl: 'https://app.example.com/done' }),
    refused: ['ses_unknown', 'NOT_FOUND'],
  },
  {
    provider: 'PERSONR',
    recordType: 'session',
    input: { session: SESSION_INPUTS.PERSONR },
    collection: 'links',
    env: { PERSONR_REPEAT_LINKS: 'off' },
    isUnchecked: true,
    fields: 'status outcome createdAt access { hostedUrl } applicant { providerId }',
    foundAfterSeconds: 86_400,
    expected: (_id, sentAt) => ({
      status: 'CREATED',
      outcome: 'PENDING',
      createdAt: sentAt.toISOString(),
      access: { hostedUrl: null },
      applicant: { providerId: APPLICANT },
    }),
    refused: ['https://personr.test/verify/1x2', 'BAD_REQUEST'],
  },
  {
    provider: 'PERSONR',
    recordType: 'applicant',
    input: {
      externalId: 'usr_1',
      applicant: { personr: { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic' } },
    },
    collection: 'applicants',
    fields: 'email externalId',
    expected: () => ({ email: 'jane@mail.com', externalId: 'usr_1' }),
    refused: ['1x2', 'NOT_FOUND'],
  },
  {
    provider: 'RAPIDLY',
    recordType: 'session',
    input: { session: SESSION_INPUTS.RAPIDLY },
    collection: 'customer_sessions',
    isUnchecked: true,
    fields: 'status createdAt expiresAt redirectUrl access { hostedUrl sdkToken } customer { externalId }',
    foundAfterSeconds: 60,
    expected: (_id, sentAt) => ({
      status: 'IN_PROGRESS',
      createdAt: sentAt.toISOString(),
      expiresAt: new Date(sentAt.getTime() + 3_600_000).toISOString(),
      redirectUrl: 'https://app.example.com/account',
      access: { hostedUrl: null, sdkToken: null },
      customer: { externalId: 'usr_1337' },
    }),
    refused: ['rapidly_cst_secret', 'BAD_REQUEST'],
  },
  {
    provider: 'RAPIDLY',
    recordType: 'session',
    input: { session: SESSION_INPUTS.RAPIDLY },
    collection: 'customer_sessions',
    isUnchecked: true,
    fields: 'status',
    foundAfterSeconds: 86_400,
    expected: () => ({ status: 'EXPIRED' }),
    refused: ['rapidly_cst_secret', 'BAD_REQUEST'],
  },
  {
    provider: 'RAPIDLY',
    recordType: 'customer',
    input: { customer: { rapidly: { email: 'jane@example.com' } } },
    collection: 'customers',
    fields: 'email',
    expected: () => ({ email: 'jane@example.com' }),
    refused: ['5f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b', 'NOT_FOUND'],
  },
  {
    provider: 'YORLET',
    recordType: 'customer',
    input: { customer: { yorlet: { email: 'lin@example.com' } } },
    collection: 'customers',
    env: { YORLET_REPEAT_CREATES: 'off', YORLET_CUSTOMER_MARKER: 'off' },
    fields: 'email metadata',
    expected: () => ({ email: 'lin@example.com', metadata: {} }),
    refused: ['cus_unknown', 'NOT_FOUND'],
  },
]

describe.each(ROWS)('$provider: a lost $recordType', row => {
  const { advance, findOperation, follow, newKey, now, open, setFate, settleFound } = setUpLostCreates(row.provider)

  async function lose() {
    const app = await open(row.env)
    const created = await follow(row.collection)
    const idempotencyKey = newKey()
    await setFate('RESPONSE_LOST')
    const create = async () =>
      (await app.execute(document(row), { input: { idempotencyKey, ...row.input } })).data.created
    const sentAt = now()
    const { operation } = await create()
    const [providerId = ''] = await created()
    return { app, operation, providerId, create, idempotencyKey, sentAt }
  }

  test('is settled by the id that an operator found', async () => {
    const { operation, providerId, create, sentAt } = await lose()
    expect(operation.state).toBe('UNKNOWN')
    advance(row.foundAfterSeconds ?? 0)
    if (row.isUnchecked)
      await expect(settleFound(operation, providerId)).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringContaining('cannot be checked'),
      })
    await settleFound(operation, providerId, { isConfirmed: row.isUnchecked })

    expect(await create()).toEqual({
      operation: { id: operation.id, state: 'SUCCEEDED', recovered: true },
      record: { providerId, ...row.expected(providerId, sentAt) },
    })
  })

  test('stays unknown after another id', async () => {
    const { operation, idempotencyKey } = await lose()
    const [providerId, code] = row.refused
    await expect(settleFound(operation, providerId, { isConfirmed: true })).rejects.toMatchObject({ code })
    expect(await findOperation(idempotencyKey)).toMatchObject({ state: 'UNKNOWN' })
  })

  test('stays unknown after the id of a record that another create made', async () => {
    const { app, operation, idempotencyKey } = await lose()
    await setFate('ANSWERED')
    const other = await app.execute(document(row), {
      input: { idempotencyKey: newKey(), ...withOtherEmail(row.input) },
    })
    const { providerId } = other.data.created.record
    await expect(settleFound(operation, providerId, { isConfirmed: true })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/^Expected the id of the record that this create made; that record/),
    })
    expect(await findOperation(idempotencyKey)).toMatchObject({ state: 'UNKNOWN' })
  })

  if (row.isUnchecked) return

  test('stays unknown while its provider cannot be read', async () => {
    const { operation, providerId, idempotencyKey } = await lose()
    await setFate('DOWN')
    await expect(settleFound(operation, providerId, { isConfirmed: true })).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
    })
    expect(await findOperation(idempotencyKey)).toMatchObject({ state: 'UNKNOWN' })
  })
})

/** Providers with unique e-mail addresses refuse a second record with the same one. */
function withOtherEmail(input: object): object {
  return JSON.parse(
    JSON.stringify(input)
      .replace(/"email":"/g, '"email":"other-')
      .replaceAll('usr_1"', 'usr_2"'),
  )
}

/** Creates with a marker, both of which are lost. */
const MARKED: readonly (readonly [
  provider: Provider,
  recordType: Row['recordType'],
  input: object,
  collection: string,
])[] = [
  ['KAYLE', 'session', { session: { kayle: { redirectUrl: 'https://app.example.com/done' } } }, 'sessions'],
  ['VERILOCK', 'session', { session: SESSION_INPUTS.VERILOCK }, 'sessions'],
  [
    'PERSONR',
    'applicant',
    { applicant: { personr: { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic' } } },
    'applicants',
  ],
  ['RAPIDLY', 'customer', { customer: { rapidly: { email: 'jane@example.com' } } }, 'customers'],
  ['YORLET', 'customer', { customer: { yorlet: { email: 'lin@example.com' } } }, 'customers'],
]

describe.each(MARKED)('%s: two lost creates of a %s', (provider, recordType, input, collection) => {
  const { findOperation, follow, newKey, open, setFate, settleFound } = setUpLostCreates(provider)

  test('are not settled with the record of each other', async () => {
    const app = await open()
    const created = await follow(collection)
    const query = document({ recordType, fields: '' })
    await setFate('RESPONSE_LOST')
    const key = newKey()
    const first = await app.execute(query, { input: { idempotencyKey: key, ...input } })
    const { length } = await created()
    await app.execute(query, { input: { idempotencyKey: newKey(), ...withOtherEmail(input) } })
    const [other = ''] = (await created()).slice(length)
    await expect(settleFound(first.data.created.operation, other)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('has the marker of another create'),
    })
    expect(await findOperation(key)).toMatchObject({ state: 'UNKNOWN' })
  })
})

describe('YORLET: a lost session that an operator found', () => {
  const { follow, newKey, open, setFate, settleFound } = setUpLostCreates('YORLET')
  const OFF = { YORLET_REPEAT_CREATES: 'off' }
  const row: Row = {
    provider: 'YORLET',
    recordType: 'session',
    input: { session: SESSION_INPUTS.YORLET },
    collection: 'application_sessions',
    fields: 'status',
    expected: () => ({}),
    refused: ['apps_1', 'UNSUPPORTED_BY_PROVIDER'],
  }
  const create = async (app: TestApp, idempotencyKey: string) =>
    (await app.execute(document(row), { input: { idempotencyKey, ...row.input } })).data.created

  test('is read by its id, where sessions can be read', async () => {
    const { sandboxes } = await open()
    const created = await follow(row.collection)
    const { baseUrl = '' } = sandboxes.find(each => each.provider === 'YORLET') ?? {}
    const reads = { YORLET_API_KEY: SESSION_READS_KEY, YORLET_UNDOCUMENTED_READS: 'on', ...OFF }
    const reader = await startApp({ YORLET_BASE_URL: baseUrl, ...reads }, { jobs: false })
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const { operation } = await create(reader, key)
    const [providerId = ''] = await created()
    const id = decodeGlobalId(operation.id)?.id ?? ''
    await reader.services.operations.settleFound({ tenantId: 'dev' }, id, providerId)

    expect(await create(reader, key)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      record: { providerId, status: 'CREATED' },
    })
    await reader.close()
  })

  test('cannot be settled where sessions cannot be read', async () => {
    const app = await open(OFF)
    await setFate('RESPONSE_LOST')
    const { operation } = await create(app, newKey())
    const [providerId, code] = row.refused
    await expect(settleFound(operation, providerId)).rejects.toMatchObject({ code })
  })
})

const LOST = { reference: 'sg_lost', idempotencyKey: 'sg_lost-1', sentAt: new Date(), noted: null }
const UUID = '5f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b'

test.each([
  [
    'PERSONR',
    'our id of its applicant',
    { input: { applicant: { applicantId: 'ours' } }, applicantProviderId: '1x2' },
    { applicant: { providerId: '1x2' } },
  ],
  [
    'RAPIDLY',
    "Rapidly's id of its customer",
    { input: { customer: { customerProviderId: UUID } }, customerProviderId: null },
    { customer: { providerId: UUID }, details: { customerProviderId: UUID } },
  ],
  [
    'RAPIDLY',
    'our id of its customer',
    { input: { customer: { customerId: 'ours' } }, customerProviderId: UUID },
    { customer: { providerId: UUID }, details: { customerProviderId: UUID } },
  ],
] as const)(
  '%s: a session that was created with %s belongs to it, without a call to the provider',
  async (provider, _what, create, expected) => {
    const { client, sent } = await mockProvider(registry[provider], {}, () => ({ status: 500 }))
    expect(await client.recovery?.session?.reconstruct?.({ ...LOST, ...create }, UUID, {})).toMatchObject(expected)
    expect(sent).toEqual([])
  },
)

function document({ recordType, fields }: Pick<Row, 'recordType' | 'fields'>): string {
  const name = `Create${recordType.charAt(0).toUpperCase()}${recordType.slice(1)}`
  const operation = 'operation { id state recovered }'
  return `mutation ($input: ${name}Input!) {
    created: create${name.slice(6)}(input: $input) {
      ... on ${name}Payload { ${operation} record: ${recordType} { providerId ${fields} } }
      ... on UnconfirmedError { ${operation} }
    }
  }`
}
