import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/domain/error-codes.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { PROFILE_LOSES_RECORDS_ID } from '../../src/providers/verilock/sandbox.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import { setUpLostCreates } from '../harness/providers/lost-creates.ts'

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
  readonly expected: (providerId: string) => object
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
    fields: 'status outcome access { hostedUrl } applicant { providerId }',
    expected: () => ({
      status: 'CREATED',
      outcome: 'PENDING',
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
    fields: 'status redirectUrl access { hostedUrl sdkToken } customer { externalId }',
    expected: () => ({
      status: 'IN_PROGRESS',
      redirectUrl: 'https://app.example.com/account',
      access: { hostedUrl: null, sdkToken: null },
      customer: { externalId: 'usr_1337' },
    }),
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
  const { findOperation, follow, newKey, open, setFate, settleFound } = setUpLostCreates(row.provider)

  async function lose() {
    const app = await open(row.env)
    const created = await follow(row.collection)
    const idempotencyKey = newKey()
    await setFate('RESPONSE_LOST')
    const create = async () =>
      (await app.execute(document(row), { input: { idempotencyKey, ...row.input } })).data.created
    const { operation } = await create()
    const [providerId = ''] = await created()
    return { operation, providerId, create, idempotencyKey }
  }

  test('is settled by the id that an operator found', async () => {
    const { operation, providerId, create } = await lose()
    expect(operation.state).toBe('UNKNOWN')
    await settleFound(operation, providerId)

    expect(await create()).toEqual({
      operation: { id: operation.id, state: 'SUCCEEDED', recovered: true },
      record: { providerId, ...row.expected(providerId) },
    })
  })

  test('stays unknown after another id', async () => {
    const { operation, idempotencyKey } = await lose()
    const [providerId, code] = row.refused
    await expect(settleFound(operation, providerId)).rejects.toMatchObject({ code })
    expect(await findOperation(idempotencyKey)).toMatchObject({ state: 'UNKNOWN' })
  })
})

function document({ recordType, fields }: Row): string {
  const name = `Create${recordType.charAt(0).toUpperCase()}${recordType.slice(1)}`
  const operation = 'operation { id state recovered }'
  return `mutation ($input: ${name}Input!) {
    created: create${name.slice(6)}(input: $input) {
      ... on ${name}Payload { ${operation} record: ${recordType} { providerId ${fields} } }
      ... on UnconfirmedError { ${operation} }
    }
  }`
}
