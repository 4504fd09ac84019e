import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import type { ProviderClient } from '../../src/providers/contract.ts'
import { kayle } from '../../src/providers/kayle/index.ts'
import { DISABLED_KEY, READ_ONLY_KEY, sandbox } from '../../src/providers/kayle/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts'
import { memorySecrets } from '../harness/secrets.ts'

let running: RunningSandbox
let client: ProviderClient
const upstreams: Upstream[] = []

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
  client = connect()
})
afterAll(async () => {
  await Promise.all(upstreams.map(upstream => upstream.close()))
  await running.close()
})

describe('a Kayle session', () => {
  it('is created with a link, and read with one that cannot cancel', async () => {
    const created = await create()
    expect(created).toMatchObject({ status: 'CREATED', outcome: 'PENDING', providerStatus: 'created' })
    expect(created.access?.hostedUrl).toBe(
      `${running.origin}/hosted/${created.providerId}?cancel_token=${created.access?.cancelToken}`,
    )
    expect((await read(created.providerId))?.access).toMatchObject({
      hostedUrl: `${running.origin}/hosted/${created.providerId}`,
      cancelToken: null,
    })
  })

  it('requests all claims if none is named, and the document id alone if the list is empty', async () => {
    expect((await create({})).details.shareFields).toHaveLength(13)
    expect((await create({ shareFields: [] })).details.shareFields).toMatchObject([
      { key: 'kayle_document_id', required: true, source: 'DEFAULT' },
    ])
  })

  it('requires an age gate and a birth date together, and collapses white space in reasons', async () => {
    const { details } = await create({
      shareFields: [
        { key: 'date_of_birth', required: false, reason: ' To\n know ' },
        { key: 'age_over_18', required: true, reason: '' },
      ],
    })
    expect(details.shareFields).toMatchObject([
      { key: 'age_over_18', required: true, reason: '' },
      { key: 'date_of_birth', required: true, reason: 'To know' },
      { key: 'kayle_document_id' },
    ])
  })

  it('is in progress during an attempt, and approved once one succeeded', async () => {
    const { providerId } = await create()
    await advance(providerId, 'attempt_started')
    expect(await read(providerId)).toMatchObject({ status: 'IN_PROGRESS', attempts: [{ status: 'IN_PROGRESS' }] })
    await advance(providerId, 'attempt_succeeded')
    expect(await read(providerId)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      attempts: [{ status: 'SUCCEEDED', riskScore: 0.125 }],
    })
  })

  it('is open again after a failed attempt, and rejected after the third', async () => {
    const { providerId } = await create()
    await advance(providerId, 'attempt_failed', 'liveness_failed')
    expect(await read(providerId)).toMatchObject({ status: 'CREATED', attempts: [{ failureCode: 'liveness_failed' }] })
    expect((await publicly(providerId, 'status')).json).toMatchObject({
      data: { latest_attempt: { retry_allowed: true } },
    })
    await advance(providerId, 'attempt_failed')
    await advance(providerId, 'attempt_failed')
    expect(await read(providerId)).toMatchObject({ status: 'COMPLETED', outcome: 'REJECTED' })
    expect(await attemptsOf(providerId)).toHaveLength(3)
  })

  it('cancels its open attempt with it, and can be cancelled again', async () => {
    const { providerId } = await create()
    await publicly(providerId, 'handoff', {})
    expect(await read(providerId)).toMatchObject({ status: 'CREATED', attempts: [{ status: 'IN_PROGRESS' }] })
    await client.cancelSession?.({ providerId }, {})
    await client.cancelSession?.({ providerId }, {})
    expect(await read(providerId)).toMatchObject({
      status: 'CANCELED',
      outcome: 'NOT_APPLICABLE',
      attempts: [{ status: 'FAILED', failureCode: 'session_cancelled' }],
    })
  })

  it('does not change when it is cancelled after its end', async () => {
    const { providerId } = await create()
    await advance(providerId, 'attempt_succeeded')
    await client.cancelSession?.({ providerId }, {})
    expect(await read(providerId)).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  it('continues its open attempt on a second handoff', async () => {
    const { providerId } = await create()
    const first = await publicly(providerId, 'handoff', {})
    const second = await publicly(providerId, 'handoff', {})
    expect(second.json.data.attempt_id).toBe(first.json.data.attempt_id)
    expect(second.json.data.mobile_write_token).not.toBe(first.json.data.mobile_write_token)
  })
})

describe('the Kayle sandbox', () => {
  it('lists sessions in the order of their ids, page by page', async () => {
    const made = await Promise.all([create(), create(), create()])
    const first = await client.listSessions?.({ limit: 2 }, {})
    const ids: string[] = first?.items.map(({ providerId }) => providerId) ?? []
    for (let cursor = first?.nextCursor; cursor; ) {
      const page = await client.listSessions?.({ limit: 2, cursor }, {})
      ids.push(...(page?.items.map(({ providerId }) => providerId) ?? []))
      cursor = page?.nextCursor
    }
    expect(ids).toEqual([...ids].sort())
    expect(ids).toEqual(expect.arrayContaining(made.map(({ providerId }) => providerId)))
  })

  it('lists the attempts of all sessions by status, ten to a page', async () => {
    await Promise.all(Array.from({ length: 11 }, startOne))
    const path = '/v1/sessions/attempts/attempts?status=in_progress'
    const first = await get(path)
    expect(first.json.pagination).toEqual({ limit: 10, has_more: true, next_cursor: first.json.data[9].id })
    const second = await get(`${path}&starting_after=${first.json.data[9].id}`)
    expect(second.json.pagination).toMatchObject({ has_more: false, next_cursor: null })
  })

  it('accepts redirects on its verified domain and on loopback alone', async () => {
    for (const redirectUrl of ['https://example.com/', 'https://a.b.example.com/x?y=1', 'http://127.0.0.1:3000/done']) {
      expect(await create({ redirectUrl })).toMatchObject({ redirectUrl })
    }
    for (const redirectUrl of ['https://elsewhere.test/', 'https://notexample.com/']) {
      await expect(create({ redirectUrl })).rejects.toMatchObject({ providerCode: 'REDIRECT_URL_DOMAIN_NOT_VERIFIED' })
    }
  })

  it('checks the permissions of its keys', async () => {
    const { providerId } = await create()
    const readOnly = connect(READ_ONLY_KEY)
    expect(await readOnly.getSession?.({ providerId }, {})).toMatchObject({ providerId })
    await expect(readOnly.cancelSession?.({ providerId }, {})).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
    await expect(connect(DISABLED_KEY).listSessions?.({}, {})).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
    await expect(connect('kk_unknown').listSessions?.({}, {})).rejects.toMatchObject({ code: 'PROVIDER_AUTH_FAILED' })
  })

  it('answers the public routes with their own messages', async () => {
    const { providerId, access } = await create()
    const unknown = `vs_${'a'.repeat(64)}`
    expect(await publicly('vs_short', 'status')).toMatchObject(refusal(400, 'INVALID_SESSION_ID'))
    expect(await publicly(unknown, 'status')).toMatchObject(refusal(404, 'SESSION_NOT_FOUND'))
    expect(await publicly(providerId, 'cancel', {})).toMatchObject(refusal(400, 'INVALID_REQUEST'))
    expect(await publicly(providerId, 'cancel', { cancel_token: 'x' })).toMatchObject(
      refusal(401, 'CANCEL_TOKEN_INVALID'),
    )
    expect(await publicly(providerId, 'cancel', { cancel_token: access?.cancelToken })).toMatchObject({ status: 204 })
    expect(await publicly(providerId, 'handoff', {})).toMatchObject(refusal(410, 'SESSION_EXPIRED'))
  })

  it('lists its steps when an unknown one is requested', async () => {
    const { providerId } = await create()
    expect((await advance(providerId, 'approved')).error).toContain('attempt_started, attempt_succeeded')
    expect((await advance('vs_nobody', 'expired')).error).toContain('Kayle session not found')
    expect(await advance(providerId, 'expired')).toMatchObject({ status: 'expired' })
    expect((await advance(providerId, 'cancelled')).error).toContain('expired')
  })

  it('leaves an overdue session open until a public route reads it', async () => {
    const { providerId } = await create()
    await publicly(providerId, 'handoff', {})
    await control('clock', { advanceSeconds: 3601 })
    expect(await read(providerId)).toMatchObject({ status: 'CREATED', providerStatus: 'created' })
    expect(await publicly(providerId, 'status')).toMatchObject({ json: { data: { status: 'expired' } } })
    expect(await read(providerId)).toMatchObject({
      status: 'EXPIRED',
      derived: false,
      attempts: [{ failureCode: 'session_expired' }],
    })
  })
})

function connect(apiKey = sandbox.credentials.apiKey): ProviderClient {
  const upstream = createUpstream({
    provider: 'KAYLE',
    baseUrl: running.baseUrl,
    ...DEFAULT_LIMITS,
    readRejection: kayle.readRejection,
  })
  upstreams.push(upstream)
  return kayle.connect({
    settings: kayle.settings.parse({ baseUrl: running.baseUrl, apiKey }),
    upstream,
    secrets: memorySecrets(),
    now: () => new Date(),
  })
}

async function create(input: JsonObject = { redirectUrl: 'https://app.example.com/done' }) {
  const created = await client.createSession?.(input, { reference: 'reference', idempotencyKey: 'key' })
  if (!created) throw new Error('The client has no createSession.')
  return created
}

const read = (providerId: string) => client.getSession?.({ providerId }, {})
const attemptsOf = (providerId: string) => client.listAttempts?.({ providerId }, {})

async function startOne(): Promise<void> {
  await advance((await create()).providerId, 'attempt_started')
}

const advance = (id: string, to: string, failureCode?: string) => control('advance', { id, to, failureCode })

async function control(name: string, input: object) {
  const response = await fetch(`${running.origin}/_sandbox/${name}`, { method: 'POST', body: JSON.stringify(input) })
  return response.json()
}

function publicly(id: string, what: string, body?: object) {
  const headers = { 'content-type': 'application/json' }
  const path = `/v1/verify/session/${id}/${what}`
  return body ? send(path, { method: 'POST', headers, body: JSON.stringify(body) }) : send(path, {})
}

const get = (path: string) => send(path, { headers: { authorization: `Bearer ${sandbox.credentials.apiKey}` } })

async function send(path: string, init: RequestInit) {
  const response = await fetch(running.origin + path, init)
  const text = await response.text()
  return { status: response.status, json: text ? JSON.parse(text) : undefined }
}

function refusal(status: number, code: string): object {
  return { status, json: { data: null, error: { code } } }
}
