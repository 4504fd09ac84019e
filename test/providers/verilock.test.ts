import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DomainError } from '../../src/domain/errors.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { CreateCall, ProviderClient } from '../../src/providers/contract.ts'
import { verilock } from '../../src/providers/verilock/index.ts'
import { sessionInput } from '../../src/providers/verilock/input.ts'
import { sandbox } from '../../src/providers/verilock/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts'
import { memorySecrets } from '../harness/secrets.ts'

const PROFILE_ID = '01234567-89ab-cdef-0123-456789abcdef'
const STEPS = ['document', 'selfie', 'face_match', 'liveness', 'aml']

let server: RunningSandbox
const upstreams: Upstream[] = []
let client: ProviderClient

beforeAll(async () => {
  server = await startSandbox(sandbox, { port: 0 })
  client = connect(sandbox.credentials.apiKey)
})
afterAll(async () => {
  await Promise.all(upstreams.map(upstream => upstream.close()))
  await server.close()
})

describe('a created session', () => {
  test('has its link, its token and its input', async () => {
    const session = await create(
      { applicantEmail: 'jean@example.com', applicantName: 'Jean Dupont', redirectUrl: 'https://example.com/done' },
      { externalId: 'usr_1' },
    )
    expect(session).toMatchObject({
      status: 'CREATED',
      outcome: 'PENDING',
      externalId: 'usr_1',
      redirectUrl: 'https://example.com/done',
      access: { hostedUrl: expect.stringContaining('/verify/tok_'), sdkToken: expect.stringMatching(/^tok_/) },
      applicant: {
        providerId: `${session.providerId}:applicant`,
        snapshot: { status: 'CREATED', email: 'jean@example.com', details: { fullName: 'Jean Dupont' } },
      },
      details: { profileId: PROFILE_ID },
    })
  })

  test('has our marker beside the metadata of the caller', async () => {
    const { providerId } = await create({}, { metadata: { plan: 'premium' } })
    const answer = await raw(`/sessions/${providerId}`)
    expect(await answer.json()).toMatchObject({
      metadata: { plan: 'premium', sessiongraph_reference: 'reference-1' },
      profile_id: PROFILE_ID,
    })
  })

  test('without an external id has no applicant', async () => {
    const created = await create()
    expect(created.applicant).toBeUndefined()
    expect((await read(created.providerId)).applicant).toBeUndefined()
  })

  test('expires after an hour, or after the requested time', async () => {
    const livesFor = async (input: JsonObject) => (Number((await create(input)).expiresAt) - Date.now()) / 1000
    expect(await livesFor({})).toBeCloseTo(3600, -1)
    expect(await livesFor({ expiresInSeconds: 300 })).toBeCloseTo(300, -1)
  })

  test('of an unknown profile is rejected with the path that Verilock named', async () => {
    const refused = await failure(create({ profileId: '99999999-9999-4999-8999-999999999999' }))
    expect(refused).toMatchObject({
      code: 'PROVIDER_REJECTED',
      outcome: 'REFUSED',
      providerCode: 'validation_error',
      issues: [{ path: ['profile_id'], message: 'Expected a value that Verilock accepts.' }],
    })
  })
})

describe('a session that is read', () => {
  test('has no attempts before it is processed, and one per step afterwards', async () => {
    const { providerId } = await create()
    expect(await read(providerId)).toMatchObject({ status: 'CREATED', attempts: [] })
    await advance({ id: providerId, to: 'processing' })
    const session = await read(providerId)
    expect(session).toMatchObject({ status: 'IN_PROGRESS', outcome: 'PENDING' })
    expect(session.attempts?.map(attempt => attempt.providerId)).toEqual(STEPS.map(step => `${providerId}:${step}`))
    expect(session.attempts?.every(attempt => attempt.status === 'IN_PROGRESS')).toBe(true)
  })

  test('and approved has its checks, whose scores are no risk', async () => {
    const { providerId } = await create({ applicantName: 'Jean Paul Dupont' }, { externalId: 'usr_2' })
    await advance({ id: providerId, to: 'approved' })
    expect(await read(providerId)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      externalId: 'usr_2',
      completedAt: expect.any(Date),
      applicant: {
        snapshot: { status: 'COMPLETED', outcome: 'APPROVED', firstName: 'Jean', lastName: 'Paul Dupont' },
      },
      attempts: expect.arrayContaining([
        expect.objectContaining({ kind: 'CHECK', riskScore: null, details: { step: 'face_match', score: 0.97 } }),
      ]),
    })
  })

  test('and declined has the step that failed and none after it', async () => {
    const { providerId } = await create()
    await advance({ id: providerId, to: 'declined', failureCode: 'selfie' })
    const session = await read(providerId)
    expect(session).toMatchObject({ status: 'COMPLETED', outcome: 'REJECTED' })
    expect(session.attempts?.map(attempt => attempt.status)).toEqual(['SUCCEEDED', 'FAILED'])
    expect(session.details.steps).toHaveLength(5)
  })

  test('after it was abandoned has expired', async () => {
    const { providerId } = await create({ applicantName: 'Jean' })
    await control('clock', { advanceSeconds: 3601 })
    expect(await read(providerId)).toMatchObject({
      status: 'EXPIRED',
      outcome: 'NOT_APPLICABLE',
      applicant: { snapshot: { status: 'CREATED', outcome: 'NOT_APPLICABLE' } },
    })
    await control('clock', { advanceSeconds: -3601 })
  })

  test('with an unknown id is not found', async () => {
    expect(await failure(read('ses_unknown'))).toMatchObject({ code: 'NOT_FOUND' })
  })
})

test('a list is paginated, newest first, without results', async () => {
  const made = [await create(), await create(), await create()]
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.listSessions?.({ limit: 2, cursor }, {})
    seen.push(...(page?.items ?? []).map(item => item.providerId))
    expect(page?.items.every(item => item.attempts === undefined)).toBe(true)
    cursor = page?.nextCursor ?? undefined
  } while (cursor)
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.slice(0, 3)).toEqual(made.reverse().map(session => session.providerId))
})

test('a list of days without sessions is empty', async () => {
  const page = await client.listSessions?.({ createdTo: new Date('2020-01-01') }, {})
  expect(page).toEqual({ items: [], nextCursor: null })
})

test('a wrong key is refused, and the older header is accepted', async () => {
  expect(await failure(read('ses_any', connect('qi_live_other')))).toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
  const answer = await fetch(`${server.baseUrl}/sessions`, { headers: { 'x-api-key': sandbox.credentials.apiKey } })
  expect(answer.status).toBe(200)
})

test('every response has a request id and the rate limit', async () => {
  const { headers } = await raw('/nowhere')
  expect(headers.get('x-request-id')).toBeTruthy()
  expect(headers.get('x-ratelimit-limit')).toBe('120')
  expect(headers.get('x-ratelimit-remaining')).toMatch(/^\d+$/)
})

test('a submit requires the files of the steps, and is accepted once', async () => {
  const { providerId } = await create()
  const submit = () => raw(`/sessions/${providerId}/submit`, new FormData())
  expect((await submit()).status).toBe(422)
  expect((await raw(`/sessions/${providerId}/documents`, upload('front', 'passport'))).status).toBe(201)
  expect((await raw(`/sessions/${providerId}/selfie`, upload())).status).toBe(201)
  expect(await (await submit()).json()).toMatchObject({ id: providerId, status: 'processing' })
  expect((await submit()).status).toBe(409)
})

test('the risk of a declined session is higher than that of an approved one', async () => {
  const riskOf = async (to: string) => {
    const { providerId } = await create()
    await advance({ id: providerId, to })
    return (await raw(`/sessions/${providerId}/risk`)).json()
  }
  expect(await riskOf('approved')).toMatchObject({ composite_score: 5, risk_level: 'low' })
  expect(await riskOf('declined')).toMatchObject({ composite_score: 28, risk_level: 'medium' })
})

test('a session moves only through the transitions of Verilock', async () => {
  const { providerId } = await create()
  expect(await control('advance', { id: providerId, to: 'canceled' })).toEqual({
    error: 'A session that is created can become processing, approved, declined, expired.',
  })
  expect(await control('advance', { id: providerId, to: 'declined', failureCode: 'x' })).toEqual({
    error: 'failureCode is the step that declined: document, selfie, face_match, liveness, aml.',
  })
  await advance({ id: providerId, to: 'approved' })
  expect(await control('advance', { id: providerId, to: 'declined' })).toEqual({
    error: 'A session that is approved stays so.',
  })
})

test('every issue of the input is reported at once', () => {
  const parsed = sessionInput.safeParse({
    profileId: 'basic',
    applicantEmail: 'jean',
    redirectUrl: 'javascript:alert(1)',
    expiresInSeconds: 299,
  })
  expect(parsed.error?.issues.map(issue => issue.path[0])).toEqual([
    'profileId',
    'applicantEmail',
    'redirectUrl',
    'expiresInSeconds',
  ])
})

test('only the real service with a live key is live', () => {
  const baseUrl = 'https://verilock.io/api/v1'
  expect(verilock.isLive({ baseUrl, apiKey: 'qi_live_1' })).toBe(true)
  expect(verilock.isLive({ baseUrl, apiKey: 'qi_test_1' })).toBe(false)
  expect(verilock.isLive({ baseUrl: server.baseUrl, apiKey: 'qi_live_1' })).toBe(false)
})

function connect(apiKey: string): ProviderClient {
  const upstream = createUpstream({
    provider: 'VERILOCK',
    baseUrl: server.baseUrl,
    ...DEFAULT_LIMITS,
    readRejection: verilock.readRejection,
  })
  upstreams.push(upstream)
  return verilock.connect({
    settings: { baseUrl: server.baseUrl, apiKey },
    upstream,
    secrets: memorySecrets(),
    now: () => new Date(),
  })
}

async function create(input: JsonObject = {}, call: Partial<CreateCall> = {}) {
  const session = await client.createSession?.(
    { profileId: PROFILE_ID, ...input },
    { reference: 'reference-1', idempotencyKey: 'key-1', ...call },
  )
  if (!session) throw new Error('Verilock creates sessions.')
  return session
}

async function read(providerId: string, from = client) {
  const session = await from.getSession?.({ providerId }, {})
  if (!session) throw new Error('Verilock reads sessions.')
  return session
}

function failure(call: Promise<unknown>): Promise<DomainError> {
  return call.then(
    () => {
      throw new Error('Expected a failure.')
    },
    error => error,
  )
}

async function advance(step: { id: string; to: string; failureCode?: string }) {
  const done = await control('advance', step)
  expect(done).toMatchObject({ id: step.id, status: step.to })
}

async function control(name: string, body: object): Promise<unknown> {
  const answer = await fetch(`${server.origin}/_sandbox/${name}`, { method: 'POST', body: JSON.stringify(body) })
  return answer.json()
}

function raw(path: string, form?: FormData): Promise<Response> {
  return fetch(server.baseUrl + path, {
    method: form ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${sandbox.credentials.apiKey}` },
    body: form,
  })
}

function upload(side?: string, documentType?: string): FormData {
  const form = new FormData()
  form.set('file', new Blob(['image']), 'image.jpg')
  if (side) form.set('side', side)
  if (documentType) form.set('document_type', documentType)
  return form
}
