import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import type { CreateCall, UnknownCreate } from '../../src/providers/contract.ts'
import { verilock } from '../../src/providers/verilock/index.ts'
import { PROFILE_LOSES_RECORDS_ID, sandbox } from '../../src/providers/verilock/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, type SandboxControl } from '../harness/app/test-app.ts'
import { mockProvider, type SentRequest } from '../harness/providers/mock-provider.ts'
import {
  connectToSandbox,
  findSession,
  loseSession,
  type SandboxClient,
} from '../harness/providers/session-recovery.ts'

const PROFILE_ID = '01234567-89ab-cdef-0123-456789abcdef'
const MINUTE = 60_000

let running: RunningSandbox
let control: SandboxControl
let connected: SandboxClient
let references = 0

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
  control = controlSandbox(running.origin)
  connected = connectToSandbox(verilock, running, sandbox.credentials)
})
afterAll(async () => {
  await connected.close()
  await running.close()
})

describe('a Verilock session whose create is of unknown outcome', () => {
  it('is found by its marker, with its link, its checks and its input', async () => {
    const unknownCreate = await lose(
      { applicantEmail: 'jean@example.com', redirectUrl: 'https://app.example.com/done' },
      { externalId: 'usr_found', metadata: { plan: 'premium' } },
    )
    await control.advance({ id: unknownCreate.providerId, to: 'processing' })

    const finding = await find(unknownCreate)

    expect(finding).toMatchObject({
      found: {
        providerId: unknownCreate.providerId,
        status: 'IN_PROGRESS',
        externalId: 'usr_found',
        redirectUrl: 'https://app.example.com/done',
        access: { hostedUrl: `${running.origin}/verify/${unknownCreate.providerId}`, sdkToken: null },
        applicant: { providerId: `${unknownCreate.providerId}:applicant`, snapshot: { email: 'jean@example.com' } },
        details: { profileId: PROFILE_ID },
      },
    })
    expect(JSON.stringify(finding)).not.toContain(unknownCreate.reference)
  })

  it('is distinguished from other sessions of the same person, and none of another person is read', async () => {
    const unknownCreate = []
    for (let made = 0; made < 3; made++) unknownCreate.push(await lose({}, { externalId: 'usr_often' }))
    await lose({}, { externalId: 'usr_other' })

    for (const each of unknownCreate) {
      await control.forget()
      expect(await find(each)).toMatchObject({ found: { providerId: each.providerId } })
      expect(await idsRead()).toHaveLength(new Set(await idsRead()).size)
      expect(unknownCreate.map(({ providerId }) => providerId)).toEqual(expect.arrayContaining(await idsRead()))
    }
  })

  it('is found without an external id', async () => {
    const unknownCreate = await lose()

    expect(await find(unknownCreate)).toMatchObject({
      found: { providerId: unknownCreate.providerId, externalId: null },
    })
  })

  it('is found on any page', async () => {
    const unknownCreate = await lose({}, { externalId: 'usr_buried' })
    for (let made = 0; made < 210; made++) await lose()
    await control.forget()

    expect(await find(unknownCreate)).toMatchObject({ found: { providerId: unknownCreate.providerId } })
    const lists = (await control.requests()).filter(({ path }) => path.endsWith('/sessions'))
    expect(lists.map(({ query }) => new URLSearchParams(query).get('page'))).toEqual([null, '2', '3'])
    expect(await idsRead()).toEqual([unknownCreate.providerId])
  })
})

describe('a create of unknown outcome is absent', () => {
  it('if the metadata of every session of that time and person has another marker, or none', async () => {
    const unknownCreate = await lose({}, { externalId: 'usr_absent' })

    expect(await find({ ...unknownCreate, reference: 'sg_never_sent' })).toBe('ABSENT')
  })

  it('if no session of that time has its external id', async () => {
    const unknownCreate = await lose({ profileId: PROFILE_LOSES_RECORDS_ID }, { externalId: 'usr_absent' })

    expect(await find({ ...unknownCreate, externalId: 'usr_nobody' })).toBe('ABSENT')
  })

  it('if every session without metadata is known to be of another create', async () => {
    const other = await lose({ profileId: PROFILE_LOSES_RECORDS_ID }, { externalId: 'usr_known' })

    expect(await find({ ...other, createdByOthers: new Set([other.providerId]) })).toBe('ABSENT')
  })

  it('if the only candidate was created at another time than the send', async () => {
    const unknownCreate = await lose({}, { externalId: 'usr_time' })
    const at = (minutes: number) => find({ ...unknownCreate, sentAt: new Date(Date.now() + minutes * MINUTE) })

    for (const minutes of [-11, 11]) expect(await at(minutes)).toBe('ABSENT')
    for (const minutes of [-9, 9]) expect(await at(minutes)).toHaveProperty('found')
  })
})

describe('a create of unknown outcome stays unknown', () => {
  it('if a read returns no metadata, unless another session matches', async () => {
    const forgotten = await lose({ profileId: PROFILE_LOSES_RECORDS_ID }, { externalId: 'usr_forgotten' })
    expect(await find(forgotten)).toBe('UNCERTAIN')
    expect(await idsRead()).toContain(forgotten.providerId)

    const other = await lose({}, { externalId: 'usr_forgotten' })
    expect(await find(other)).toMatchObject({ found: { providerId: other.providerId } })
  })
})

describe('a search at Verilock', () => {
  const SENT_AT = new Date('2026-11-21T00:05:00Z')
  const LOST = { reference: 'sg_lost', idempotencyKey: 'key', input: { profileId: PROFILE_ID }, noted: null }
  const unknownCreate = { ...LOST, sentAt: SENT_AT }
  const MINE = { status: 'created', metadata: { sessiongraph_reference: 'sg_lost' } }

  it('requests the days around midnight, and one more on either side', async () => {
    const { client, sent } = await answering(() => list(['ses_other']))

    await find(unknownCreate, client)

    expect(queryOf(sent[0])).toMatchObject({ from: '2026-11-19', to: '2026-11-22', per_page: '100' })
  })

  it('is bounded, however many pages and sessions there are', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `ses_${index}`)
    const { client, sent } = await answering(path =>
      isList(path) ? list(ids, Number(new URL(path, 'http://x').searchParams.get('page') ?? 1)) : other(path),
    )

    expect(await find(unknownCreate, client)).toBe('UNCERTAIN')
    expect(sent.filter(({ path }) => isList(path))).toHaveLength(100)
    expect(sent.filter(({ path }) => !isList(path))).toHaveLength(100)
  })

  it('reads first what was created nearest to the send', async () => {
    const made = { ses_far: '2026-11-21T00:00:00Z', ses_near: '2026-11-21T00:05:02Z', ses_late: '2026-11-21T00:09:00Z' }
    const data = Object.entries(made).map(([id, created_at]) => ({ id, status: 'created', created_at }))
    const { client, sent } = await answering(path =>
      isList(path) ? { status: 200, body: { data } } : { status: 200, body: { id: path.split('/').at(-1), ...MINE } },
    )

    expect(await find(unknownCreate, client)).toMatchObject({ found: { providerId: 'ses_near' } })
    expect(sent).toHaveLength(2)
  })

  it.each([
    ['is gone', { status: 404, body: { error: 'not_found' } }],
    ['cannot be read', { status: 200, body: { id: 'ses_first' } }],
  ])('skips a session that %s', async (_what, answer) => {
    const { client } = await answering(path => {
      if (isList(path)) return list(['ses_first', 'ses_mine'])
      return path.endsWith('/ses_first') ? answer : { status: 200, body: { id: 'ses_mine', ...MINE } }
    })

    expect(await find(unknownCreate, client)).toMatchObject({ found: { providerId: 'ses_mine' } })
  })

  it.each([429, 503])('is deferred after status %d', async status => {
    const { client, sent } = await answering(path => (isList(path) ? list(['ses_a', 'ses_b']) : { status }))

    await expect(find(unknownCreate, client)).rejects.toMatchObject({ provider: 'VERILOCK' })
    expect(sent.filter(({ path }) => path.endsWith('/ses_b'))).toEqual([])
  })

  describe('a search is conclusive only if the list is complete', () => {
    const OTHER = { ...MINE, metadata: { sessiongraph_reference: 'sg_other' }, external_id: 'usr_other' }
    const NOW = '2026-11-21T00:05:01Z'

    /** A list of so many sessions, newest first, as it is at each request for a page. */
    function paged(totalAt: (request: number) => number, change: (meta: object) => object = meta => meta) {
      let requests = 0
      return answering(path => {
        if (!isList(path)) return { status: 200, body: { ...OTHER, id: path.split('/').at(-1) } }
        const total = totalAt(requests++)
        const page = Number(new URL(path, 'http://x').searchParams.get('page') ?? 1)
        const ids = Array.from({ length: total }, (_, index) => `ses_${total - index}`)
        const data = ids
          .slice((page - 1) * 100, page * 100)
          .map(id => ({ id, status: 'created', reference_id: 'usr_other', created_at: NOW }))
        const meta = change({ current_page: page, last_page: Math.ceil(total / 100), per_page: 100, total })
        return { status: 200, body: { data, meta } }
      })
    }

    it.each([
      ['it does not change', () => 350, 4],
      ['a session is created while it is read', (request: number) => (request < 2 ? 350 : 351), 5],
      ['sessions are created all the time', (request: number) => 350 + 7 * request, 5],
    ] as const)('%s', async (_when, totalAt, lists) => {
      const { client, sent } = await paged(totalAt)

      expect(await find(unknownCreate, client)).toBe('ABSENT')
      expect(sent.filter(({ path }) => isList(path))).toHaveLength(lists)
    })

    it.each([
      ['sessions leave it while it is read', (request: number) => 350 - request, undefined],
      ['it has no total', () => 350, (meta: object) => ({ ...meta, total: undefined })],
      ['its total is higher than its rows', () => 99, (meta: object) => ({ ...meta, total: 120 })],
      ['its total is lower than its rows', () => 99, (meta: object) => ({ ...meta, total: 98 })],
      ['its pages end too early', () => 350, (meta: object) => ({ ...meta, last_page: 2 })],
    ] as const)('and not if %s', async (_when, totalAt, change) => {
      const { client } = await paged(totalAt, change)

      expect(await find(unknownCreate, client)).toBe('UNCERTAIN')
    })

    it('and not if a session of that time is NOT_FOUND when it is read', async () => {
      const row = { id: 'ses_gone', status: 'created', created_at: NOW }
      const { client } = await answering(path =>
        isList(path)
          ? { status: 200, body: { data: [row], meta: { current_page: 1, last_page: 1, total: 1 } } }
          : { status: 404 },
      )

      expect(await find(unknownCreate, client)).toBe('UNCERTAIN')
    })
  })

  it('a search uses the time of Verilock if its clock differs much from ours', async () => {
    const sentAt = new Date()
    const theirs = new Date(sentAt.getTime() + 45 * MINUTE)
    const headers = { date: theirs.toUTCString() }
    const row = { id: 'ses_mine', status: 'created', created_at: theirs.toISOString() }
    const { client } = await mockProvider(verilock, {}, ({ path }) =>
      isList(path)
        ? { status: 200, headers, body: { data: [row], meta: { current_page: 1, last_page: 1, total: 1 } } }
        : { status: 200, headers, body: { ...MINE, ...row } },
    )

    // Its clock is known after a response.
    expect(await find({ ...LOST, sentAt }, client)).toBe('UNCERTAIN')
    expect(await find({ ...LOST, sentAt }, client)).toMatchObject({ found: { providerId: 'ses_mine' } })
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

function lose(more: JsonObject = {}, call: Pick<CreateCall, 'externalId' | 'metadata'> = {}) {
  references += 1
  const reference = `sg_${String(references).padStart(32, '0')}`
  return loseSession(connected.client, { profileId: PROFILE_ID, ...more }, { reference, ...call })
}

function find(unknownCreate: UnknownCreate, by = connected.client) {
  return findSession(by, unknownCreate)
}

async function idsRead(): Promise<(string | undefined)[]> {
  const reads = (await control.requests()).filter(({ path }) => path.includes('/sessions/'))
  return reads.map(({ path }) => path.split('/').at(-1))
}
