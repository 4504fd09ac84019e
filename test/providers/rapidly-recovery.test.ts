import { describe, expect, test } from 'vitest'
import { rapidly } from '../../src/providers/rapidly/index.ts'
import type { TestApp } from '../harness/app/test-app.ts'
import { setUpLostCreates } from '../harness/providers/lost-creates.ts'
import { type Behaviour, mockProvider } from '../harness/providers/mock-provider.ts'

const SESSION_ID = '5f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b'

const OPERATION = 'operation { id state recovered settlesItself }'
const CREATE_SESSION = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on CreateSessionPayload {
        ${OPERATION}
        session { providerId status createdAt expiresAt redirectUrl access { hostedUrl sdkToken } customer { externalId } }
      }
      ... on UnconfirmedError { ${OPERATION} }
    }
  }
`
const CREATE_CUSTOMER = /* GraphQL */ `
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      __typename
      ... on CreateCustomerPayload { ${OPERATION} customer { providerId email externalId metadata } }
      ... on UnconfirmedError { ${OPERATION} }
      ... on MutationError { code }
    }
  }
`

const { advance, findOperation, follow, newKey, now, open, reconcile, sandbox, setFate, settleFound } =
  setUpLostCreates('RAPIDLY')

async function recover(afterSeconds: number): Promise<void> {
  await setFate('ANSWERED')
  await reconcile(afterSeconds)
}

interface CustomerIn {
  readonly idempotencyKey: string
  readonly externalId?: string
  readonly email?: string
}

async function createCustomer({ execute }: TestApp, { email, ...given }: CustomerIn) {
  const rapidly = { email: email ?? `${given.idempotencyKey}@example.com`, metadata: { plan: 'pro' } }
  return (await execute(CREATE_CUSTOMER, { input: { ...given, customer: { rapidly } } })).data.createCustomer
}

async function createSession({ execute }: TestApp, idempotencyKey: string, customer: object = BY_EXTERNAL_ID) {
  const session = { rapidly: { customer, redirectUrl: 'https://example.com/account' } }
  return (await execute(CREATE_SESSION, { input: { idempotencyKey, session } })).data.createSession
}

const BY_EXTERNAL_ID = { customerExternalId: 'usr_1337' }

describe('a session whose create is of unknown outcome', () => {
  test('is created once more after the settle delay, so that at most two exist', async () => {
    const opened = await open()
    const made = await follow('customer_sessions')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const unknownCreate = await createSession(opened, key)
    expect(unknownCreate).toMatchObject({
      __typename: 'UnconfirmedError',
      operation: { state: 'UNKNOWN', settlesItself: true },
    })
    await recover(60)
    expect(await made()).toHaveLength(1)
    await recover(60)

    const [, second, ...more] = await made()
    expect(more).toEqual([])
    expect(await createSession(opened, key)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      session: { providerId: second, access: { hostedUrl: expect.stringContaining(`/${second}/`) } },
    })
  })

  test('stays unknown if the response to the second request is lost too', async () => {
    const opened = await open()
    const made = await follow('customer_sessions')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createSession(opened, key)
    for (let round = 0; round < 3; round++) {
      await reconcile(4000)
    }

    expect(await made()).toHaveLength(2)
    expect(await createSession(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false } })
  })

  test('is created once more later if Rapidly defers the repeat, which creates nothing', async () => {
    const opened = await open()
    const made = await follow('customer_sessions')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createSession(opened, key)
    await setFate('DEFERRED')
    await reconcile(130)
    await recover(4000)

    expect(await made()).toHaveLength(2)
    expect(await createSession(opened, key)).toMatchObject({ operation: { state: 'SUCCEEDED' } })
  })

  test('that an operator found is open for an hour from its send, without its link and its token', async () => {
    const opened = await open()
    const made = await follow('customer_sessions')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const sentAt = now().getTime()
    const { operation } = await createSession(opened, key)
    const [providerId = ''] = await made()
    advance(60)
    await settleFound(operation, providerId)

    expect((await createSession(opened, key)).session).toEqual({
      providerId,
      status: 'IN_PROGRESS',
      createdAt: new Date(sentAt).toISOString(),
      expiresAt: new Date(sentAt + 3_600_000).toISOString(),
      redirectUrl: 'https://example.com/account',
      access: { hostedUrl: null, sdkToken: null },
      customer: { externalId: 'usr_1337' },
    })
  })

  test('that an operator found a day later is expired', async () => {
    const opened = await open()
    const made = await follow('customer_sessions')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const { operation } = await createSession(opened, key)
    const [providerId = ''] = await made()
    advance(86_400)
    await settleFound(operation, providerId)

    expect((await createSession(opened, key)).session).toMatchObject({ status: 'EXPIRED' })
  })

  test.each([
    ["Rapidly's id", { customerProviderId: SESSION_ID }, null],
    ['our id', { customerId: 'ours' }, SESSION_ID],
  ])(
    'of a customer named by %s belongs to it, without a call to the provider',
    async (_, customer, customerProviderId) => {
      const { client, sent } = await connect(() => ({ status: 500 }))
      const assumed = await client.recovery?.session?.reconstruct?.(
        { ...LOST, input: { customer }, customerProviderId },
        SESSION_ID,
        {},
      )
      expect(assumed).toMatchObject({
        customer: { providerId: SESSION_ID },
        details: { customerProviderId: SESSION_ID },
      })
      expect(sent).toEqual([])
    },
  )
})

describe('a customer whose create is of unknown outcome', () => {
  test.each([
    ['by its external id', 'usr/ 1', ['/api/customers/external/usr%2F%201']],
    ['by our marker where it has none', undefined, ['/api/customers/']],
  ])('is found %s, and is not created twice', async (_, externalId, paths) => {
    const opened = await open()
    const made = await follow('customers')
    const given = { idempotencyKey: newKey(), externalId }
    await setFate('RESPONSE_LOST')
    expect(await createCustomer(opened, given)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: true } })
    await sandbox().forget()
    await recover(6)

    const [providerId, ...more] = await made()
    expect(more).toEqual([])
    const requests = await sandbox().requests()
    expect(requests.map(({ path }) => path)).toEqual(paths)
    expect(await createCustomer(opened, given)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      customer: { providerId, externalId: externalId ?? null, metadata: { plan: 'pro' } },
    })
  })

  test.each([
    ['that was never created', {}],
    ['that was never created with its external id', { externalId: 'usr_never' }],
    ['whose external id another customer has', { externalId: 'usr_1337' }],
    ['whose e-mail address another customer has', { email: 'john.doe@example.com' }],
  ])('%s is absent after the settle delay, and the idempotency key can be used again', async (_, input) => {
    const opened = await open()
    const given = { idempotencyKey: newKey(), ...input }
    await setFate('REQUEST_LOST')
    await createCustomer(opened, given)
    await recover(60)
    expect(await createCustomer(opened, given)).toMatchObject({ operation: { state: 'UNKNOWN' } })
    await recover(60)

    const operation = await findOperation(given.idempotencyKey)
    expect(operation).toMatchObject({ state: 'FAILED' })
    const taken = 'email' in given || ('externalId' in given && given.externalId === 'usr_1337')
    const again = taken ? { code: 'PROVIDER_REJECTED' } : { operation: { state: 'SUCCEEDED', recovered: false } }
    expect(await createCustomer(opened, given)).toMatchObject(again)
  })
})

describe('the search for a customer', () => {
  const OURS = { id: SESSION_ID, email: 'a@example.com', metadata: { sessiongraph_reference: 'sg_lost_1' } }
  const OTHER = {
    ...OURS,
    id: '6f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b',
    metadata: { sessiongraph_reference: 'sg_other' },
  }
  const find = async (behave: Behaviour, marks: object = {}) => {
    const { client, sent } = await connect(behave)
    const finding = await client.recovery?.customer?.find?.(
      { ...LOST, input: { email: 'a@example.com' }, ...marks },
      {},
    )
    return { finding, sent: sent.map(({ path }) => decodeURIComponent(path)) }
  }

  test('continues by marker if the external id is not valid in a Rapidly path', async () => {
    const { finding } = await find(
      ({ path }) => (path.includes('/external/') ? { status: 404 } : { status: 200, body: { data: [OURS] } }),
      { externalId: 'usr/1' },
    )
    expect(finding).toMatchObject({ found: { providerId: SESSION_ID, metadata: {} } })
  })

  test('treats a customer with the external id and without our marker as a conflict', async () => {
    const { finding, sent } = await find(() => ({ status: 200, body: OTHER }), { externalId: 'usr_1' })
    expect(finding).toBe('ABSENT')
    expect(sent).toHaveLength(1)
  })

  test('continues by e-mail address if the marker finds nothing, and compares the marker', async () => {
    const { finding, sent } = await find(({ path }) => {
      const data = !path.includes('email=') ? [] : path.includes('page=2') ? [OURS] : [OTHER]
      return { status: 200, body: { data, meta: { page: 1, pages: data.length === 0 ? 0 : 2 } } }
    })
    expect(finding).toMatchObject({ found: { providerId: SESSION_ID } })
    expect(sent).toEqual([
      '/api/customers/?metadata[sessiongraph_reference]=sg_lost_1&limit=100&page=1',
      '/api/customers/?email=a@example.com&limit=100&page=1',
      '/api/customers/?email=a@example.com&limit=100&page=2',
    ])
  })

  test('ends without a conclusion if there is no end to the pages', async () => {
    const { finding, sent } = await find(() => ({ status: 200, body: { data: [OTHER] } }))
    expect(finding).toBe('UNCERTAIN')
    expect(sent).toHaveLength(20)
  })

  test('is inconclusive if Rapidly does not return who has the external id', async () => {
    const found = find(
      ({ path }) => (path.includes('/external/') ? { status: 503 } : { status: 200, body: { data: [] } }),
      { externalId: 'usr_1' },
    )
    await expect(found).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  })
})

test('Rapidly has the capability RECONCILIATION', async () => {
  expect((await connect(() => ({ status: 500 }))).client.capabilities).toContain('RECONCILE')
})

const LOST = { reference: 'sg_lost_1', idempotencyKey: 'sg_lost_1-1', sentAt: new Date(), noted: null }

function connect(behave: Behaviour) {
  return mockProvider(rapidly, {}, behave)
}
