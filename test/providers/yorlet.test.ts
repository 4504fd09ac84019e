import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProviderClient } from '../../src/providers/contract.ts'
import { yorlet } from '../../src/providers/yorlet/index.ts'
import type { Settings } from '../../src/providers/yorlet/provider.ts'
import { SESSION_READS_KEY, sandbox } from '../../src/providers/yorlet/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts'
import { memorySecrets } from '../harness/secrets.ts'

const APPLICATION = 'app_manvb1x2k9QpLr3T'
const APPLICANT = 'apst_manvb9c4m2WsXy5Z'
const CUSTOMER = 'cus_lrhplff1u4ZhIPSU'
const READS = { apiKey: SESSION_READS_KEY, undocumentedReads: 'on' } as const

let running: RunningSandbox
const upstreams: Upstream[] = []

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
})

afterAll(async () => {
  await Promise.all(upstreams.map(upstream => upstream.close()))
  await running.close()
})

function connect(given: Partial<Settings> = {}): Required<ProviderClient> {
  const settings = yorlet.settings.parse({ baseUrl: running.baseUrl, ...sandbox.credentials, ...given })
  const upstream = createUpstream({
    provider: 'YORLET',
    baseUrl: settings.baseUrl,
    ...DEFAULT_LIMITS,
    readRejection: yorlet.readRejection,
  })
  upstreams.push(upstream)
  return yorlet.connect({
    settings,
    upstream,
    secrets: memorySecrets(),
    now: () => new Date(),
  }) as Required<ProviderClient>
}

let creates = 0
const call = () => ({ reference: 'sg_reference', idempotencyKey: `try-${++creates}` })

async function control(path: string, body?: object): Promise<{ status: number; json: Record<string, unknown> }> {
  const init = body && { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(`${running.origin}/_sandbox/${path}`, init)
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

describe('sessions', () => {
  test('a session is created for an applicant, with its hosted page and its links', async () => {
    const session = await connect().createSession({ applicantProviderId: APPLICANT }, call())
    expect(session).toMatchObject({
      providerId: expect.stringMatching(/^apps_[0-9a-z]{8}[0-9A-Za-z]{8}$/),
      status: 'CREATED',
      outcome: 'NOT_APPLICABLE',
      providerStatus: 'pending',
      access: { hostedUrl: `${running.origin}/hosted/${session.providerId}` },
      applicant: { providerId: APPLICANT, parentProviderId: APPLICATION },
      customer: { providerId: CUSTOMER },
      details: { mode: 'CLASSIC', account: null, deleted: false },
    })
    expect(yorlet.details.session.parse(session.details)).toEqual(session.details)
    expect(Math.abs((session.createdAt?.getTime() ?? 0) - Date.now())).toBeLessThan(5000)
  })

  test('the account header is sent only with a context', async () => {
    const session = await connect({ context: 'acct_manv8k2q7RtNx4Lp' }).createSession(
      { applicantProviderId: APPLICANT },
      call(),
    )
    expect(session.details).toMatchObject({ account: 'acct_manv8k2q7RtNx4Lp' })
  })

  test('the same key and body return the same session for a day, and then a new one', async () => {
    const client = connect()
    const input = { applicantProviderId: APPLICANT, sendEmail: false }
    const once = call()
    const first = await client.createSession(input, once)
    expect((await client.createSession(input, once)).providerId).toBe(first.providerId)
    await control('clock', { advanceSeconds: 24 * 60 * 60 })
    expect((await client.createSession(input, once)).providerId).not.toBe(first.providerId)
    await control('clock', { advanceSeconds: -24 * 60 * 60 })
  })

  test('the same key with another body is a conflict, after which the outcome is unknown', async () => {
    const client = connect()
    const once = call()
    await client.createSession({ applicantProviderId: APPLICANT }, once)
    await expect(client.createSession({ applicantProviderId: 'apst_manvd7k1Bz6NxR4f' }, once)).rejects.toMatchObject({
      code: 'PROVIDER_REJECTED',
      outcome: 'UNCERTAIN',
      status: 409,
    })
  })

  test('an unknown applicant is a rejection that names the field and repeats no value', async () => {
    const error = await connect()
      .createSession({ applicantProviderId: 'apst_unknown' }, call())
      .catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'PROVIDER_REJECTED',
      outcome: 'REFUSED',
      status: 404,
      providerCode: 'invalid_request',
      issues: [{ path: ['application_status'], message: 'Expected a value that Yorlet accepts.' }],
    })
    expect(JSON.stringify(error)).not.toContain('apst_unknown')
  })

  test('a refused key is an authentication failure', async () => {
    await expect(
      connect({ apiKey: 'wrong' }).createSession({ applicantProviderId: APPLICANT }, call()),
    ).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
  })

  test('an applicant id with invalid characters is refused before anything is sent', async () => {
    await expect(connect().createSession({ applicantProviderId: 'apst/..' }, call())).rejects.toThrow()
  })
})

describe('undocumented reads', () => {
  test('are absent without the setting', () => {
    const client = connect()
    expect(client.capabilities).toEqual([
      'CREATE_SESSION',
      'GET_APPLICANT',
      'CREATE_CUSTOMER',
      'GET_CUSTOMER',
      'LIST_CUSTOMERS',
      'WEBHOOKS',
      'IDEMPOTENT_CREATE',
      'RECONCILE',
    ])
    expect(client).not.toHaveProperty('getSession')
    expect(client).not.toHaveProperty('listSessions')
    expect(client).not.toHaveProperty('cancelSession')
  })

  test('with the setting return NOT_FOUND where Yorlet has none', async () => {
    const client = connect({ undocumentedReads: 'on' })
    const { providerId } = await client.createSession({ applicantProviderId: APPLICANT }, call())
    await expect(client.getSession({ providerId }, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test.each([
    ['active', 'IN_PROGRESS'],
    ['complete', 'COMPLETED'],
    ['canceled', 'CANCELED'],
    ['expired', 'EXPIRED'],
  ])('a session that became %s reads as %s', async (to, status) => {
    const client = connect(READS)
    const { providerId: id } = await client.createSession({ applicantProviderId: APPLICANT }, call())
    expect((await control('advance', { id, to })).status).toBe(200)
    expect(await client.getSession({ providerId: id }, {})).toMatchObject({ status, providerStatus: to })
  })

  test('a session is canceled, and canceling it again changes nothing', async () => {
    const client = connect(READS)
    const { providerId } = await client.createSession({ applicantProviderId: APPLICANT }, call())
    await client.cancelSession({ providerId }, {})
    await client.cancelSession({ providerId }, {})
    expect(await client.getSession({ providerId }, {})).toMatchObject({ status: 'CANCELED' })
  })

  test('sessions are listed newest first, page by page', async () => {
    const client = connect(READS)
    const older = await client.createSession({ applicantProviderId: APPLICANT }, call())
    const newer = await client.createSession({ applicantProviderId: APPLICANT }, call())
    const first = await client.listSessions({ limit: 1 }, {})
    const second = await client.listSessions({ limit: 1, cursor: first.nextCursor ?? '' }, {})
    expect([...first.items, ...second.items].map(item => item.providerId)).toEqual([newer.providerId, older.providerId])
  })

  test('an unknown step is refused with the known ones', async () => {
    const answer = await control('advance', { id: 'apps_none', to: 'approved' })
    expect(answer).toEqual({
      status: 400,
      json: { error: 'Expected an application session and one of active, complete, canceled, expired.' },
    })
  })
})

describe('applicants', () => {
  test('an applicant is found through its application, with its customer', async () => {
    const ref = { providerId: 'apst_manvd7k2Tg9PcL5w', parentProviderId: 'app_manvd7h3Qm8KtW2c' }
    const applicant = await connect().getApplicant(ref, {})
    expect(applicant).toMatchObject({
      ...ref,
      status: 'UNKNOWN',
      outcome: 'NOT_APPLICABLE',
      providerStatus: 'pending',
      customer: { providerId: 'cus_manvcz1rEn2UaM8k' },
    })
    expect(applicant.details).toEqual({
      applicationProviderId: 'app_manvd7h3Qm8KtW2c',
      leadTenant: false,
      permittedOccupier: true,
    })
  })

  test('an applicant cannot be read without its application', async () => {
    await expect(connect().getApplicant({ providerId: APPLICANT }, {})).rejects.toMatchObject({
      code: 'UNSUPPORTED_BY_PROVIDER',
      capability: 'GET_APPLICANT',
    })
  })

  test.each([
    ['of another application', { providerId: APPLICANT, parentProviderId: 'app_manvd7h3Qm8KtW2c' }],
    ['of no application', { providerId: APPLICANT, parentProviderId: 'app_none' }],
  ])('an applicant %s is not found', async (_, ref) => {
    await expect(connect().getApplicant(ref, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('customers', () => {
  test('a created customer has our marker at Yorlet, which is not returned', async () => {
    const client = connect()
    const made = await client.createCustomer({ email: 'lin@example.com', name: 'Lin' }, call())
    expect(made).toMatchObject({ email: 'lin@example.com', name: 'Lin', phone: null, metadata: {} })
    expect(await client.getCustomer({ providerId: made.providerId }, {})).toEqual(made)
    const { json } = await control('objects')
    expect(json.customers).toMatchObject({
      [made.providerId]: { metadata: { sessiongraph_reference: 'sg_reference' } },
    })
  })

  test('without the marker the metadata is empty', async () => {
    const made = await connect({ customerMarker: 'off' }).createCustomer({ email: 'max@example.com' }, call())
    const { json } = await control('objects')
    expect(json).toHaveProperty(`customers.${made.providerId}.metadata`, {})
  })

  test('all customers are listed, page by page', async () => {
    const client = connect()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await client.listCustomers({ limit: 2, cursor }, {})
      seen.push(...page.items.map(item => item.providerId))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(seen).toContain(CUSTOMER)
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('an unknown customer is not found', async () => {
    await expect(connect().getCustomer({ providerId: 'cus_none' }, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
