import { describe, expect, it, test } from 'vitest'
import { kayle } from '../../src/providers/kayle/index.ts'
import { rapidly } from '../../src/providers/rapidly/index.ts'
import { yorlet } from '../../src/providers/yorlet/index.ts'
import { type Behaviour, mockProvider } from '../harness/providers/mock-provider.ts'
import { findSession } from '../harness/providers/session-recovery.ts'

/** The searches for lost creates whose provider returns no simple list. Verilock's is in a file of its own. */

const LOST = { reference: 'sg_lost', idempotencyKey: 'sg_lost-1', sentAt: new Date(), noted: null }

describe('the search for a session of Kayle', () => {
  const session = { id: `vs_${'a'.repeat(64)}`, status: 'created', redirect_url: null }
  const last = { limit: 100, has_more: false, next_cursor: null }
  const { redirect_url: _, ...withoutRedirect } = session
  const input = { redirectUrl: 'https://app.example.com/done' }

  it.each([
    ['the list never ends', { data: [session], pagination: { ...last, has_more: true, next_cursor: session.id } }],
    ['a page names no next one', { data: [session], pagination: { ...last, has_more: true } }],
    ['a page has no pagination', { data: [session] }],
    ['a session has no redirect_url', { data: [withoutRedirect], pagination: last }],
  ])('is inconclusive if %s', async (_why, body) => {
    const mocked = await mockProvider(kayle, {}, () => ({ status: 200, body }))

    expect(await findSession(mocked.client, { ...LOST, input })).toBe('UNCERTAIN')
    expect(mocked.sent.length).toBeLessThanOrEqual(50)
  })

  it('is conclusive if the list ends', async () => {
    const { client } = await mockProvider(kayle, {}, () => ({
      status: 200,
      body: { data: [session], pagination: last },
    }))

    expect(await findSession(client, { ...LOST, input })).toBe('ABSENT')
  })
})

describe('the search for a customer of Rapidly', () => {
  const CUSTOMER_ID = '5f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b'
  const OURS = { id: CUSTOMER_ID, email: 'a@example.com', metadata: { sessiongraph_reference: 'sg_lost' } }
  const OTHER = {
    ...OURS,
    id: '6f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b',
    metadata: { sessiongraph_reference: 'sg_other' },
  }
  const find = async (behave: Behaviour, marks: object = {}) => {
    const { client, sent } = await mockProvider(rapidly, {}, behave)
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
    expect(finding).toMatchObject({ found: { providerId: CUSTOMER_ID, metadata: {} } })
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
    expect(finding).toMatchObject({ found: { providerId: CUSTOMER_ID } })
    expect(sent).toEqual([
      '/api/customers/?metadata[sessiongraph_reference]=sg_lost&limit=100&page=1',
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

describe('the search for a customer of Yorlet', () => {
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
    const unknownCreate = { ...LOST, input: {}, sentAt }
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
