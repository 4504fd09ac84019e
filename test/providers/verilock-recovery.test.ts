import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import type { CreateCall, Finding, LostCreate, ProviderClient } from '../../src/providers/contract.ts'
import { verilock } from '../../src/providers/verilock/index.ts'
import { FORGETFUL_PROFILE_ID, sandbox } from '../../src/providers/verilock/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts'
import { controlSandbox, type SandboxControl } from '../harness/house.ts'
import { mockProvider, type SentRequest } from '../harness/mock-provider.ts'
import { memorySecrets } from '../harness/secrets.ts'

const PROFILE_ID = '01234567-89ab-cdef-0123-456789abcdef'
const MINUTE = 60_000

let running: RunningSandbox
let control: SandboxControl
let upstream: Upstream
let client: ProviderClient
let references = 0

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
  control = controlSandbox(running.origin)
  const { baseUrl } = running
  upstream = createUpstream({ ...DEFAULT_LIMITS, provider: 'VERILOCK', baseUrl, readRefusal: verilock.readRefusal })
  const settings = verilock.settings.parse({ baseUrl, ...sandbox.credentials })
  client = verilock.connect({ settings, upstream, secrets: memorySecrets(), now: () => new Date() })
})
afterAll(async () => {
  await upstream.close()
  await running.close()
})

describe('a lost create of a Verilock session', () => {
  it('is found by its marker, with its link, its checks and what was sent', async () => {
    const lost = await lose(
      { applicantEmail: 'jean@example.com', redirectUrl: 'https://app.example.com/done' },
      { externalId: 'usr_found', metadata: { plan: 'premium' } },
    )
    await control.advance({ id: lost.providerId, to: 'processing' })

    const finding = await find(lost)

    expect(finding).toMatchObject({
      found: {
        providerId: lost.providerId,
        status: 'IN_PROGRESS',
        externalId: 'usr_found',
        redirectUrl: 'https://app.example.com/done',
        access: { hostedUrl: `${running.origin}/verify/${lost.providerId}`, token: null },
        applicant: { providerId: `${lost.providerId}:applicant`, snapshot: { email: 'jean@example.com' } },
        details: { profileId: PROFILE_ID },
      },
    })
    expect(JSON.stringify(finding)).not.toContain(lost.reference)
  })

  it('is told from all others of the same person, and none of another person is read', async () => {
    const lost = []
    for (let made = 0; made < 3; made++) lost.push(await lose({}, { externalId: 'usr_often' }))
    await lose({}, { externalId: 'usr_other' })

    for (const each of lost) {
      await control.forget()
      expect(await find(each)).toMatchObject({ found: { providerId: each.providerId } })
      expect(await idsRead()).toHaveLength(new Set(await idsRead()).size)
      expect(lost.map(({ providerId }) => providerId)).toEqual(expect.arrayContaining(await idsRead()))
    }
  })

  it('is found without an external id', async () => {
    const lost = await lose()

    expect(await find(lost)).toMatchObject({ found: { providerId: lost.providerId, externalId: null } })
  })

  it('is found on whatever page it is', async () => {
    const lost = await lose({}, { externalId: 'usr_buried' })
    for (let made = 0; made < 210; made++) await lose()
    await control.forget()

    expect(await find(lost)).toMatchObject({ found: { providerId: lost.providerId } })
    const lists = (await control.requests()).filter(({ path }) => path.endsWith('/sessions'))
    expect(lists.map(({ query }) => new URLSearchParams(query).get('page'))).toEqual([null, '2', '3'])
    expect(await idsRead()).toEqual([lost.providerId])
  })

  it('is found when an operator names its id, as what was sent', async () => {
    const lost = await lose({ profileId: FORGETFUL_PROFILE_ID, redirectUrl: 'https://app.example.com/done' })

    expect(await recovery().assume?.(lost, lost.providerId, {})).toMatchObject({
      providerId: lost.providerId,
      redirectUrl: 'https://app.example.com/done',
      access: { hostedUrl: expect.stringContaining(lost.providerId) },
    })
    await expect(recovery().assume?.(lost, 'ses_unknown', {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a lost create stays uncertain', () => {
  it('where nothing carries its marker: that is no proof of absence', async () => {
    const lost = await lose({}, { externalId: 'usr_absent' })

    expect(await find({ ...lost, reference: 'sg_never_sent' })).toBe('UNCERTAIN')
    expect(await find({ ...lost, externalId: 'usr_nobody' })).toBe('UNCERTAIN')
  })

  it('where a read shows no metadata, unless another session matches', async () => {
    const forgotten = await lose({ profileId: FORGETFUL_PROFILE_ID }, { externalId: 'usr_forgotten' })
    expect(await find(forgotten)).toBe('UNCERTAIN')
    expect(await idsRead()).toContain(forgotten.providerId)

    const other = await lose({}, { externalId: 'usr_forgotten' })
    expect(await find(other)).toMatchObject({ found: { providerId: other.providerId } })
  })

  it('where its session was made at another time than it was sent', async () => {
    const lost = await lose({}, { externalId: 'usr_time' })
    const at = (minutes: number) => find({ ...lost, sentAt: new Date(Date.now() + minutes * MINUTE) })

    for (const minutes of [-11, 11]) expect(await at(minutes)).toBe('UNCERTAIN')
    for (const minutes of [-9, 9]) expect(await at(minutes)).toHaveProperty('found')
  })
})

describe('a search at Verilock', () => {
  const SENT_AT = new Date('2026-11-21T00:05:00Z')
  const LOST = { reference: 'sg_lost', idempotencyKey: 'key', input: { profileId: PROFILE_ID }, noted: null }
  const lost = { ...LOST, sentAt: SENT_AT }
  const MINE = { status: 'created', metadata: { sessiongraph_reference: 'sg_lost' } }

  it('asks for both days around midnight', async () => {
    const { client, sent } = await answering(() => list(['ses_other']))

    await find(lost, client)

    expect(queryOf(sent[0])).toMatchObject({ from: '2026-11-20', to: '2026-11-21', per_page: '100' })
  })

  it('ends, however many pages and sessions there are', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `ses_${index}`)
    const { client, sent } = await answering(path =>
      isList(path) ? list(ids, Number(new URL(path, 'http://x').searchParams.get('page') ?? 1)) : other(path),
    )

    expect(await find(lost, client)).toBe('UNCERTAIN')
    expect(sent.filter(({ path }) => isList(path))).toHaveLength(50)
    expect(sent.filter(({ path }) => !isList(path))).toHaveLength(50)
  })

  it('reads first what was made nearest to the send', async () => {
    const made = { ses_far: '2026-11-21T00:00:00Z', ses_near: '2026-11-21T00:05:02Z', ses_late: '2026-11-21T00:09:00Z' }
    const data = Object.entries(made).map(([id, created_at]) => ({ id, status: 'created', created_at }))
    const { client, sent } = await answering(path =>
      isList(path) ? { status: 200, body: { data } } : { status: 200, body: { id: path.split('/').at(-1), ...MINE } },
    )

    expect(await find(lost, client)).toMatchObject({ found: { providerId: 'ses_near' } })
    expect(sent).toHaveLength(2)
  })

  it.each([
    ['is gone', { status: 404, body: { error: 'not_found' } }],
    ['cannot be read', { status: 200, body: { id: 'ses_first' } }],
  ])('passes over a session that %s', async (_what, answer) => {
    const { client } = await answering(path => {
      if (isList(path)) return list(['ses_first', 'ses_mine'])
      return path.endsWith('/ses_first') ? answer : { status: 200, body: { id: 'ses_mine', ...MINE } }
    })

    expect(await find(lost, client)).toMatchObject({ found: { providerId: 'ses_mine' } })
  })

  it.each([429, 503])('waits for better times after %d', async status => {
    const { client, sent } = await answering(path => (isList(path) ? list(['ses_a', 'ses_b']) : { status }))

    await expect(find(lost, client)).rejects.toMatchObject({ provider: 'VERILOCK' })
    expect(sent.filter(({ path }) => path.endsWith('/ses_b'))).toEqual([])
  })

  function answering(answer: (path: string) => { status: number; body?: unknown }) {
    return mockProvider(verilock, {}, ({ path }) => answer(path))
  }

  function list(ids: readonly string[], page = 1) {
    const data = ids.map(id => ({ id, status: 'created', created_at: '2026-11-21T00:05:01Z' }))
    return { status: 200, body: { data, meta: { current_page: page, last_page: ids.length > 99 ? 999 : 1 } } }
  }

  function other(path: string) {
    return { status: 200, body: { id: path.split('/').at(-1), status: 'created', metadata: null } }
  }

  function isList(path: string): boolean {
    return path.includes('/sessions?')
  }

  function queryOf(request: SentRequest | undefined) {
    return Object.fromEntries(new URL(request?.path ?? '', 'http://x').searchParams)
  }
})

/** A create that was carried out, and what would be known of it had its answer been lost. */
async function lose(more: JsonObject = {}, carried: Pick<CreateCall, 'externalId' | 'metadata'> = {}) {
  references += 1
  const call = { reference: `sg_${String(references).padStart(32, '0')}`, idempotencyKey: 'key', ...carried }
  const input = { profileId: PROFILE_ID, ...more }
  const sentAt = new Date()
  const created = await client.createSession?.(input, call)
  if (!created) throw new Error('Verilock creates sessions.')
  return { ...call, input, sentAt, noted: null, providerId: created.providerId }
}

function find(lost: LostCreate, by = client): Promise<Finding<object>> | undefined {
  return recovery(by).find?.(lost, {})
}

function recovery(by = client) {
  const found = by.recovery?.session
  if (!found) throw new Error('Verilock recovers sessions.')
  return found
}

async function idsRead(): Promise<(string | undefined)[]> {
  const reads = (await control.requests()).filter(({ path }) => path.includes('/sessions/'))
  return reads.map(({ path }) => path.split('/').at(-1))
}
