import { describe, expect, test } from 'vitest'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { yorlet } from '../../src/providers/yorlet/index.ts'
import { SESSION_READS_KEY } from '../../src/providers/yorlet/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { setUpLostCreates } from '../harness/providers/lost-creates.ts'
import { type Behaviour, mockProvider } from '../harness/providers/mock-provider.ts'

const HOUR = 3600

const OPERATION = 'operation { id state recovered settlesItself nextCheckAt }'
const CREATE_SESSION = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on CreateSessionPayload { ${OPERATION} session { providerId status access { hostedUrl } } }
      ... on UnconfirmedError { ${OPERATION} }
    }
  }
`
const CREATE_CUSTOMER = /* GraphQL */ `
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      ... on CreateCustomerPayload { ${OPERATION} customer { providerId email metadata } }
      ... on UnconfirmedError { ${OPERATION} }
    }
  }
`

const { follow, newKey, open, reconcile, sandbox, setFate, settleFound } = setUpLostCreates('YORLET')

async function createSession({ execute }: TestApp, idempotencyKey: string) {
  const session = { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z', sendEmail: false } }
  return (await execute(CREATE_SESSION, { input: { idempotencyKey, session } })).data.createSession
}

async function createCustomer({ execute }: TestApp, idempotencyKey: string) {
  const customer = { yorlet: { email: 'lin@example.com' } }
  return (await execute(CREATE_CUSTOMER, { input: { idempotencyKey, customer } })).data.createCustomer
}

/** The creates that arrived since the sandbox's log was cleared. */
async function creates() {
  return (await sandbox().requests()).filter(({ method }) => method === 'POST')
}

describe('a session whose create is of unknown outcome', () => {
  test('is sent again with its key and body, so that one exists', async () => {
    const opened = await open()
    const made = await follow('application_sessions')
    const key = newKey()
    await sandbox().forget()
    await setFate('RESPONSE_LOST')
    expect(await createSession(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: true } })
    await reconcile(6)
    await reconcile(60)
    await setFate('ANSWERED')
    await reconcile(HOUR)

    const sent = (await creates()).map(({ headers, body }) => `${headers['idempotency-key']} ${body}`)
    expect(sent).toHaveLength(4)
    expect(new Set(sent).size).toBe(1)
    const [providerId, ...more] = await made()
    expect(more).toEqual([])
    expect(await createSession(opened, key)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      session: { providerId, access: { hostedUrl: expect.stringContaining(`/${providerId}`) } },
    })
  })

  test('is created by the repeat if the first request never arrived', async () => {
    const opened = await open()
    const made = await follow('application_sessions')
    const key = newKey()
    await setFate('REQUEST_LOST')
    await createSession(opened, key)
    await setFate('ANSWERED')
    await reconcile(6)

    const [providerId] = await made()
    expect(await createSession(opened, key)).toMatchObject({ session: { providerId } })
    expect(await made()).toHaveLength(1)
  })

  test('is not sent again after twelve hours, and stays unknown', async () => {
    const opened = await open()
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createSession(opened, key)
    await reconcile(12 * HOUR - 1)
    await sandbox().forget()
    await setFate('ANSWERED')
    await reconcile(2)
    await reconcile(HOUR)

    expect(await creates()).toEqual([])
    expect(await createSession(opened, key)).toMatchObject({
      operation: { state: 'UNKNOWN', settlesItself: false, nextCheckAt: null },
    })
  })

  test('is not sent again if repeats are switched off', async () => {
    const opened = await open({ YORLET_REPEAT_CREATES: 'off' })
    const key = newKey()
    await sandbox().forget()
    await setFate('RESPONSE_LOST')
    expect(await createSession(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false } })
    await reconcile(HOUR)
    expect(await creates()).toHaveLength(1)
  })

  test('that an operator found is read by its id, where sessions can be read', async () => {
    const { sandboxes } = await open()
    const made = await follow('application_sessions')
    const { baseUrl = '' } = sandboxes.find(each => each.provider === 'YORLET') ?? {}
    const reads = { YORLET_API_KEY: SESSION_READS_KEY, YORLET_UNDOCUMENTED_READS: 'on', YORLET_REPEAT_CREATES: 'off' }
    const reader = await startApp({ YORLET_BASE_URL: baseUrl, ...reads }, { jobs: false })
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const { operation } = await createSession(reader, key)
    const [providerId = ''] = await made()
    await reader.services.operations.settleFound(
      { tenantId: 'dev' },
      decodeGlobalId(operation.id)?.id ?? '',
      providerId,
    )

    expect(await createSession(reader, key)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      session: { providerId, status: 'CREATED' },
    })
    await reader.close()
  })

  test('that an operator found has no details where sessions cannot be read', async () => {
    const opened = await open()
    await setFate('RESPONSE_LOST')
    const { operation } = await createSession(opened, newKey())
    const settled = settleFound(operation, 'apps_1')
    await expect(settled).rejects.toMatchObject({ code: 'UNSUPPORTED_BY_PROVIDER' })
  })
})

describe('a customer whose create is of unknown outcome', () => {
  test('is found by our marker before anything is sent again', async () => {
    const opened = await open()
    const made = await follow('customers')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createCustomer(opened, key)
    await sandbox().forget()
    await reconcile(6)

    const [providerId, ...more] = await made()
    expect(more).toEqual([])
    expect(await creates()).toEqual([])
    expect(await createCustomer(opened, key)).toMatchObject({
      operation: { state: 'SUCCEEDED', recovered: true },
      customer: { providerId, email: 'lin@example.com', metadata: {} },
    })
  })

  test.each([
    ['is not found', { YORLET_CUSTOMER_MARKER: 'on' }, 'REQUEST_LOST'],
    ['carries no marker', { YORLET_CUSTOMER_MARKER: 'off' }, 'RESPONSE_LOST'],
  ] as const)('that %s is sent again with its key, so that one exists', async (_, env, fate) => {
    const opened = await open(env)
    const made = await follow('customers')
    const key = newKey()
    await setFate(fate)
    await createCustomer(opened, key)
    await setFate('ANSWERED')
    await reconcile(6)

    const [providerId, ...more] = await made()
    expect(more).toEqual([])
    expect(await createCustomer(opened, key)).toMatchObject({
      operation: { recovered: true },
      customer: { providerId },
    })
  })

  test('that is not found stays unknown, and the search continues', async () => {
    const opened = await open({ YORLET_REPEAT_CREATES: 'off' })
    const made = await follow('customers')
    const key = newKey()
    await setFate('REQUEST_LOST')
    await createCustomer(opened, key)
    await setFate('ANSWERED')
    for (let round = 0; round < 3; round++) await reconcile(24 * HOUR)

    expect(await made()).toEqual([])
    expect(await createCustomer(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: true } })
  })
})

describe('the search for a customer', () => {
  const sentAt = new Date('2026-11-21T12:00:00Z')
  const seconds = (minutes: number) => sentAt.getTime() / 1000 + minutes * 60
  const entry = (id: string, created: number | undefined, reference = 'sg_other') => ({
    id,
    created,
    metadata: { sessiongraph_reference: reference },
  })

  /** Returns the result and the number of pages that were read. */
  async function find(pages: readonly (readonly object[])[], endless = false) {
    let read = 0
    const behave: Behaviour = () => {
      const data = pages[read] ?? [entry(`cus_${read}`, undefined)]
      read++
      return { status: 200, body: { object: 'list', data, has_more: endless || read < pages.length } }
    }
    const { client } = await mockProvider(yorlet, {}, behave)
    const unknownCreate = { reference: 'sg_lost', idempotencyKey: 'sg_lost-1', input: {}, noted: null, sentAt }
    return { finding: await client.recovery?.customer?.find?.(unknownCreate, {}), read: () => read }
  }

  const OURS = entry('cus_ours', seconds(0), 'sg_lost')

  test('reads on through a list that runs from old to new', async () => {
    const { finding } = await find([[entry('cus_1', seconds(-900)), entry('cus_2', seconds(-800))], [OURS]])
    expect(finding).toMatchObject({ found: { providerId: 'cus_ours' } })
  })

  test('reads on through a list without an order, or without times', async () => {
    const mixed = [entry('cus_1', seconds(-800)), entry('cus_2', seconds(5)), entry('cus_3', seconds(-900))]
    const timeless = [entry('cus_4', undefined), entry('cus_5', seconds(-900))]
    const { finding } = await find([mixed, timeless, [entry('cus_6', seconds(-900))], [OURS]])
    expect(finding).toMatchObject({ found: { providerId: 'cus_ours' } })
  })

  test('ends if a list from new to old reaches the time before the send', async () => {
    const { finding, read } = await find([
      [entry('cus_1', seconds(20)), entry('cus_2', seconds(-5))],
      [entry('cus_3', seconds(-9)), entry('cus_4', seconds(-11))],
      [OURS],
    ])
    expect(finding).toBe('UNCERTAIN')
    expect(read()).toBe(2)
  })

  test('ends after twenty pages without a conclusion', async () => {
    const { finding, read } = await find([], true)
    expect(finding).toBe('UNCERTAIN')
    expect(read()).toBe(20)
  })
})

test('Yorlet has the capability RECONCILIATION if a key or a marker allows it', async () => {
  const off = { repeatCreates: 'off', customerMarker: 'off' }
  const capabilities = async (settings: Record<string, unknown>) =>
    (await mockProvider(yorlet, settings, () => ({ status: 500 }))).client.capabilities
  expect(await capabilities({})).toContain('RECONCILE')
  expect(await capabilities({ ...off, customerMarker: 'on' })).toContain('RECONCILE')
  expect(await capabilities(off)).not.toContain('RECONCILE')
})
