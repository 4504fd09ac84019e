import { FormData, MockAgent } from 'undici'
import { afterAll, describe, expect, it } from 'vitest'
import type { CreateCall, ProviderClient } from '../../src/providers/contract.ts'
import { fixtures } from '../../src/providers/personr/fixtures.ts'
import { personr } from '../../src/providers/personr/index.ts'
import { applicantInput } from '../../src/providers/personr/input.ts'
import { toApplicant, toCreatedApplicant, toSession } from '../../src/providers/personr/mapper.ts'
import { readRejection } from '../../src/providers/personr/provider.ts'
import { sandbox } from '../../src/providers/personr/sandbox.ts'
import { createTokenStore } from '../../src/providers/personr/token.ts'
import type { Exchange } from '../../src/sandbox/fixture.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream } from '../../src/upstream/upstream.ts'
import { memorySecrets } from '../harness/secrets.ts'

const FIXED_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'
const SEEDED = '4242424242424x424242424242424242'
const call: CreateCall = { reference: 'sg_reference1', idempotencyKey: 'key' }
const input = { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic', firstName: 'Jane' }

const server = await startSandbox(sandbox, { port: 0 })
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closing.map(close => close()))
  await server.close()
})

type Client = ProviderClient &
  Required<Pick<ProviderClient, 'createSession' | 'getSession' | 'createApplicant' | 'getApplicant'>>

function connect(credentials: object = sandbox.credentials): Client {
  const settings = personr.settings.parse({ ...credentials, baseUrl: server.baseUrl })
  const upstream = createUpstream({
    provider: 'PERSONR',
    baseUrl: settings.baseUrl,
    ...DEFAULT_LIMITS,
    readRejection: readRejection,
  })
  closing.push(upstream.close)
  return personr.connect({ settings, upstream, secrets: memorySecrets(), now: () => new Date() }) as Client
}

async function post(path: string, body: object, token = FIXED_TOKEN) {
  const answer = await fetch(server.baseUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.status, json: (await answer.json()) as { response?: Record<string, unknown> } }
}

async function advance(id: string, to: string, failureCode?: string) {
  const body = JSON.stringify({ id, to, failureCode })
  const answer = await fetch(`${server.origin}/_sandbox/advance`, { method: 'POST', body })
  return { status: answer.status, json: await answer.json() }
}

async function logins(): Promise<number> {
  const { requests } = (await (await fetch(`${server.origin}/_sandbox/requests`)).json()) as {
    requests: { path: string }[]
  }
  return requests.filter(({ path }) => path.endsWith('/api-token-generate')).length
}

async function linkFor(client: Client, applicantProviderId: string) {
  const link = await client.createSession({ applicant: { applicantProviderId } }, call)
  return { providerId: link.providerId, applicantProviderId, createdAt: new Date() }
}

const client = connect()

describe('an applicant', () => {
  it('is created with our marker, which is not returned', async () => {
    const ids = { externalUserIds: ['other-id'] }
    const made = await client.createApplicant({ ...input, ...ids }, { ...call, externalId: 'user-1' })
    expect(made).toMatchObject({ status: 'CREATED', outcome: 'PENDING', externalId: 'user-1', firstName: 'Jane' })
    expect(made.createdAt).toBeInstanceOf(Date)
    const { json } = await post('/api-applicant-status', { applicantId: made.providerId })
    expect(json.response?.externalUserId).toEqual(['user-1', 'other-id', 'sg_reference1'])
    const read = await client.getApplicant({ providerId: made.providerId }, {})
    expect(read).toMatchObject({ externalId: 'user-1', email: 'jane@mail.com', details: { flowName: 'KYC basic' } })
    expect(personr.details.applicant?.parse(read.details)).toMatchObject({ externalUserIds: ['user-1', 'other-id'] })
  })

  it('has no external id if the caller gave none', async () => {
    expect(await client.createApplicant(input, call)).toMatchObject({ externalId: null })
  })

  it('is refused for an unknown flow, with the field named', async () => {
    await expect(client.createApplicant({ ...input, flowName: 'KYC' }, call)).rejects.toMatchObject({
      code: 'PROVIDER_REJECTED',
      outcome: 'REFUSED',
      issues: [{ path: ['flowName'] }],
    })
  })

  it('is seeded as in the documents, and its ObjectId of the year 2104 is not used as its creation time', async () => {
    const read = await client.getApplicant({ providerId: SEEDED }, {})
    expect(read).toMatchObject({ externalId: 'UUID1', email: 'johndoe@mail.com', attempts: [] })
    expect(read.createdAt).toBeUndefined()
  })

  it('is refused with every issue at once', () => {
    const { error } = applicantInput.safeParse({ email: 'nobody', phone: ' ', flowName: '' })
    expect(error?.issues.map(issue => issue.path.join('.'))).toEqual(['email', 'phone', 'flowName'])
  })
})

describe('a session', () => {
  it('is a link with a page of its own', async () => {
    const { providerId } = await client.createApplicant(input, call)
    const link = await client.createSession(
      { applicant: { applicantId: 'ours' } },
      { ...call, applicantProviderId: providerId },
    )
    expect(link).toMatchObject({ status: 'CREATED', applicant: { providerId } })
    expect(link.access?.hostedUrl).toBe(`${server.origin}/hosted/${link.providerId}`)
  })

  it('follows its applicant through a retry to the approval', async () => {
    const { providerId } = await client.createApplicant(input, call)
    const session = await linkFor(client, providerId)
    expect(await client.getSession(session, {})).toMatchObject({ status: 'CREATED', attempts: [] })
    await advance(session.providerId, 'pre_checked')
    expect(await client.getSession(session, {})).toMatchObject({ status: 'IN_PROGRESS', outcome: 'PENDING' })
    await advance(session.providerId, 'rejected_retry', 'NOT_DOC')
    expect(await client.getSession(session, {})).toMatchObject({
      status: 'IN_PROGRESS',
      outcome: 'NEEDS_RETRY',
      attempts: [{ status: 'FAILED', failureCode: 'NOT_DOC' }],
    })
    await advance(session.providerId, 'approved')
    expect(await client.getSession(session, {})).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      applicant: { snapshot: { status: 'COMPLETED' } },
      attempts: [{ kind: 'REVIEW', status: 'SUCCEEDED' }],
    })
  })

  it('stays CREATED while the latest result is older than it', async () => {
    const { providerId } = await client.createApplicant(input, call)
    await advance(providerId, 'rejected_final')
    const session = { ...(await linkFor(client, providerId)), createdAt: new Date(Date.now() + 1000) }
    expect(await client.getSession(session, {})).toMatchObject({ status: 'CREATED', outcome: 'PENDING', attempts: [] })
    await advance(providerId, 'pending')
    expect(await client.getSession(session, {})).toMatchObject({
      status: 'IN_PROGRESS',
      outcome: 'PENDING',
      attempts: [],
    })
  })

  it('is finally rejected after the fifth attempt', async () => {
    const { providerId } = await client.createApplicant(input, call)
    const session = await linkFor(client, providerId)
    for (let rejection = 0; rejection < 5; rejection++) await advance(providerId, 'rejected_retry')
    expect(await client.getSession(session, {})).toMatchObject({ status: 'COMPLETED', outcome: 'REJECTED' })
  })

  it('cannot be read without its applicant', async () => {
    await expect(client.getSession({ providerId: 'link' }, {})).rejects.toMatchObject({
      code: 'UNSUPPORTED_BY_PROVIDER',
      capability: 'GET_SESSION',
    })
  })

  it('is UNKNOWN for an undocumented status', () => {
    const output = { applicantStatus: 'constructor', result: { reviewAnswer: 'toString' } }
    expect(toSession({ providerId: 'link' }, SEEDED, output, new Date())).toMatchObject({
      status: 'UNKNOWN',
      attempts: [{ providerId: `${SEEDED}:latest`, status: 'UNKNOWN' }],
    })
  })
})

describe('the rejection in a webhook', () => {
  const rejected = { verification: 'v1', reviewAnswer: 'Rejected', rejectLabels: ['LOW_QUALITY'] }
  const readAs = (known: object, result: object = rejected) =>
    toApplicant(SEEDED, { applicantStatus: 'Reviewed', result }, new Date(), { ...known })
  const delivered = { type: 'FINAL', labels: ['LOW_QUALITY'] }

  it('is not removed by a read without it', () => {
    const { reportedRejection, pendingRejection } = readAs({}).details
    expect([reportedRejection, pendingRejection]).toEqual([undefined, undefined])
  })

  it('belongs to the first rejected review with its labels, and to no other', () => {
    const learned = { reportedRejection: { ...delivered, review: 'v1' }, pendingRejection: null }
    expect(readAs({ pendingRejection: delivered }).details).toMatchObject(learned)
    expect(readAs({ pendingRejection: { ...delivered, labels: null } }).details).toMatchObject({
      reportedRejection: { type: 'FINAL', labels: null, review: 'v1' },
    })
    const other = readAs({ pendingRejection: { ...delivered, labels: ['FORGERY'] } }).details
    expect(other.reportedRejection).toBeUndefined()
  })

  it('stays with its review when another is delivered', () => {
    const reportedRejection = { ...delivered, review: 'v1' }
    const late = { type: 'RETRY', labels: ['LOW_QUALITY'] }
    const read = readAs({ reportedRejection, pendingRejection: late })
    expect([read.outcome, read.details.reportedRejection]).toEqual(['REJECTED', undefined])
    const vague = { reportedRejection: { ...reportedRejection, labels: null }, pendingRejection: late }
    expect(readAs(vague).details.reportedRejection).toEqual({ ...late, review: 'v1' })
  })
})

describe('the token', () => {
  it('is requested once by concurrent calls, and again once if another login invalidated it', async () => {
    const fresh = connect()
    const before = await logins()
    const reads = () => Promise.all([1, 2, 3].map(() => fresh.getApplicant({ providerId: SEEDED }, {})))
    await reads()
    expect(await logins()).toBe(before + 1)
    await post('/api-token-generate', sandbox.credentials)
    await reads()
    expect(await logins()).toBe(before + 3)
  })

  it('that is configured is used unchanged', async () => {
    const given = await connect({ apiKey: FIXED_TOKEN }).getApplicant({ providerId: SEEDED }, {})
    expect(given.providerId).toBe(SEEDED)
    const refused = connect({ apiKey: 'wrong' }).createApplicant(input, call)
    await expect(refused).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' })
  })

  it('that cannot be obtained means that nothing was sent', async () => {
    const refused = connect({ email: 'nobody@mail.com', password: 'wrong' }).createApplicant(input, call)
    await expect(refused).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED', outcome: 'NOT_SENT' })
  })

  it('is taken from the store if another process renewed it', async () => {
    const store = memorySecrets()
    const tokens = createTokenStore(store, () => Promise.reject(new Error('no login is needed')))
    await store.write('token', 'theirs')
    expect(await tokens.renew('ours')).toBe('theirs')
    await expect(tokens.renew('theirs')).rejects.toThrow('no login is needed')
  })
})

describe('the sandbox', () => {
  it('refuses requests without a token', async () => {
    const wrong = await post('/api-applicant-status', { applicantId: SEEDED }, 'wrong')
    expect(wrong).toMatchObject({ status: 401, json: { statusCode: 401, body: { status: 'INVALID_TOKEN' } } })
  })

  it('answers an unknown flow as documented, and an unknown workspace with status 200', async () => {
    expect(await post('/api-applicant-create', { ...input, flowName: 'KYC' })).toEqual({
      status: 400,
      json: { statusCode: 400, message: 'Error: Cannot read docSets - incorrect flow name' },
    })
    expect(await post('/api-change-workspace', { workspace: 'Nowhere' })).toEqual({
      status: 200,
      json: { status: 'error', response: 'Workspace not found' },
    })
  })

  it('has no list of applicants', async () => {
    expect(await post('/api-applicant-list', {})).toMatchObject({ status: 404 })
  })

  it('lists its steps when an unknown one is requested', async () => {
    expect(await advance(SEEDED, 'lost')).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('approved') },
    })
    expect(await advance('nobody', 'approved')).toMatchObject({ status: 400 })
  })
})

describe('a response', () => {
  it('with status 200 is a rejection if its body says so', () => {
    expect(readRejection(200, { status: 'error', response: 'no' })).toBeDefined()
    expect(readRejection(200, { statusCode: 401 })).toMatchObject({ status: 401 })
    expect(readRejection(200, { status: 'success', response: {} })).toBeUndefined()
    expect(readRejection(200, { response: 'success' })).toBeUndefined()
  })

  it('to a create is completed by the input', () => {
    const form = { email: 'a@b.co', phone: '1', flowName: 'KYC basic', externalUserId: '["mine","sg_reference1"]' }
    const made = toCreatedApplicant({ applicantId: SEEDED, email: null }, form, new Date())
    expect(made).toMatchObject({ email: 'a@b.co', externalId: 'mine', details: { flowName: 'KYC basic' } })
  })

  it.each(fixtures)('of the fixture is parsed correctly: $name', async fixture => {
    const left = [...fixture.exchanges]
    const upstream = createUpstream({
      provider: 'PERSONR',
      baseUrl: 'https://enterprise.personr.co/api/1.1/wf',
      ...DEFAULT_LIMITS,
      readRejection: readRejection,
      dispatcher: replay(left),
    })
    const settings = personr.settings.parse(fixture.call.settings)
    const replayed = personr.connect({ settings, upstream, secrets: memorySecrets(), now: () => new Date() })
    const method = replayed[fixture.call.method] as (argument: unknown, call: unknown) => Promise<unknown>
    const given = method(fixture.call.argument, { ...call, ...fixture.call.call })
    if ('error' in fixture.result) await expect(given).rejects.toMatchObject(fixture.result.error)
    else expect(await given).toMatchObject(fixture.result.value as object)
    expect(left).toEqual([])
  })
})

/** Answers each request with the next exchange, after comparing it with that exchange. */
function replay(left: Exchange[]): MockAgent {
  const agent = new MockAgent()
  agent.disableNetConnect()
  closing.push(() => agent.close())
  agent
    .get('https://enterprise.personr.co')
    .intercept({ path: () => true, method: 'POST' })
    .reply(({ path, headers, body }) => {
      const { request, response } = left.shift() ?? expect.fail('unexpected request')
      const form = entriesOf(body)
      expect({ path, form }).toEqual({ path: request.path, form: request.form })
      expect(headers).toMatchObject(request.headers ?? {})
      return { statusCode: response.status, data: JSON.stringify(response.body) }
    })
    .persist()
  return agent
}

function entriesOf(body: unknown): object | undefined {
  return body instanceof FormData ? Object.fromEntries(body) : undefined
}
