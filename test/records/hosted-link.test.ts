import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pruneAccess } from '../../db/records/session-repository.ts'
import { sandbox as kayle } from '../../src/providers/kayle/sandbox.ts'
import { sandbox as verilock } from '../../src/providers/verilock/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import {
  DEV,
  deliver,
  fromKayle,
  fromVerilock,
  fromYorlet,
  openEndpoint,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/** The link for the end user is stored whichever way a session became known, and data of the create response stays. */

let app: TestApp

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

type Subject = 'KAYLE' | 'VERILOCK'

/** A session created at the provider without this server, with its id and the link in reads. */
const MAKE: Readonly<Record<Subject, () => Promise<{ readonly id: string; readonly link: string }>>> = {
  KAYLE: async () => {
    const { data } = await post('KAYLE', '/v1/sessions', kayle.credentials.apiKey, {})
    return { id: data.id, link: `${app.sandbox('KAYLE').origin}/hosted/${data.id}` }
  },
  VERILOCK: async () => {
    const body = { profile_id: SESSION_INPUTS.VERILOCK.verilock.profileId }
    const { id } = await post('VERILOCK', '/api/v1/sessions', verilock.credentials.apiKey, body)
    return { id, link: `${app.sandbox('VERILOCK').origin}/verify/${id}` }
  },
}

async function post(provider: Subject, path: string, apiKey: string, body: object) {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const url = app.sandbox(provider).origin + path
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(answer.ok).toBe(true)
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  return (await answer.json()) as any
}

/** A delivery about it without data. */
async function deliverNotice(provider: Subject, policy: WebhookTarget, id: string): Promise<void> {
  const event = { type: 'verification.session.cancelled', sessionId: id }
  const session = { event: 'session.started', data: { session_id: id }, webhook_id: randomUUID() }
  const parcels = {
    KAYLE: () => fromKayle(policy, event),
    VERILOCK: async () => fromVerilock(policy, session),
  }
  expect(await deliver(app, policy, await parcels[provider]())).toBe(204)
  await app.services.webhookInbox.applyDue()
}

const ACCESS = 'id access { hostedUrl sdkToken cancelToken expiresAt }'

async function byProviderId(provider: Subject, providerId: string, freshness = '{ maxAgeSeconds: 1000000 }') {
  const { data, errors } = await app.execute(
    `query ($provider: Provider!, $providerId: String!) {
      session(by: { atProvider: { provider: $provider, providerId: $providerId } }, freshness: ${freshness}) { ${ACCESS} }
    }`,
    { provider, providerId },
  )
  expect(errors).toEqual([])
  return data.session
}

async function create(session: object) {
  const { data } = await app.execute(
    `mutation ($key: String!, $session: ProviderSessionInput!) {
      createSession(input: { idempotencyKey: $key, session: $session }) {
        ... on CreateSessionPayload { session { providerId ${ACCESS} } }
      }
    }`,
    { key: randomUUID(), session },
  )
  return data.createSession.session
}

async function refresh(id: string) {
  const { data } = await app.execute(
    `query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { status ${ACCESS} } }`,
    { id },
  )
  return data.session
}

describe.each(['KAYLE', 'VERILOCK'] as const)('a session of %s that was created elsewhere', provider => {
  test('has its link if it is looked up by its provider id', async () => {
    const { id, link } = await MAKE[provider]()
    expect((await byProviderId(provider, id)).access).toMatchObject({
      hostedUrl: link,
      sdkToken: null,
      cancelToken: null,
    })
  })

  test('has its link if a webhook reported it', async () => {
    const policy = await openEndpoint(app, provider)
    const { id, link } = await MAKE[provider]()
    await deliverNotice(provider, policy, id)
    expect((await byProviderId(provider, id)).access).toMatchObject({ hostedUrl: link })
  })

  test('has its link after an import and a read', async () => {
    const { id, link } = await MAKE[provider]()
    await app.services.imports.run(DEV, provider, { callsPerMinute: 100_000, restart: true, report: () => {} })
    // A value that a list omits comes with the next read.
    expect((await byProviderId(provider, id, '{ maxAgeSeconds: 0 }')).access).toMatchObject({ hostedUrl: link })
  })

  test('has the most recently reported link', async () => {
    const { id, link } = await MAKE[provider]()
    const { access } = await byProviderId(provider, id)
    expect(access.hostedUrl).toBe(link)
    const [row] = await app.db.sql.selectFrom('sessions').select('id').where('provider_id', '=', id).execute()
    const { updateSession } = await import('../../db/records/session-repository.ts')
    await updateSession(
      app.db,
      { id: row?.id ?? '', tenantId: 'dev' },
      {
        access: { ...access, expiresAt: null, hostedUrl: 'https://old.test/' },
      },
    )
    expect((await byProviderId(provider, id, '{ maxAgeSeconds: 0 }')).access).toMatchObject({ hostedUrl: link })
  })
})

test('an import alone stores the link of a Kayle session', async () => {
  const { id, link } = await MAKE.KAYLE()
  await app.services.imports.run(DEV, 'KAYLE', { callsPerMinute: 100_000, restart: true, report: () => {} })
  expect((await byProviderId('KAYLE', id)).access).toMatchObject({ hostedUrl: link })
})

describe.each([
  ['KAYLE', SESSION_INPUTS.KAYLE],
  ['VERILOCK', SESSION_INPUTS.VERILOCK],
] as const)('the link from the create of a session of %s', (provider, input) => {
  test('stays, whatever is read, listed and delivered afterwards', async () => {
    const made = await create(input)
    expect(made.access.hostedUrl).toMatch(/^http/)
    if (provider === 'KAYLE') expect(made.access.hostedUrl).toContain(made.access.cancelToken)

    expect((await refresh(made.id)).access).toEqual(made.access)
    await app.services.imports.run(DEV, provider, { callsPerMinute: 100_000, restart: true, report: () => {} })
    await deliverNotice(provider, await openEndpoint(app, provider), made.providerId)
    expect((await refresh(made.id)).access).toEqual(made.access)
  })
})

test('a session of Yorlet, which cannot be read, has the link from its webhook', async () => {
  const policy = await openEndpoint(app, 'YORLET')
  const id = `apse_${randomUUID().replaceAll('-', '')}`
  const object = {
    id,
    object: 'application_session',
    application: 'app_manvb1x2k9QpLr3T',
    application_status: 'apst_manvb9c4m2WsXy5Z',
    customer: 'cus_1',
    status: 'active',
  }
  const say = async (created: number, more: object) => {
    const data = { object: { ...object, ...more } }
    const event = { id: `evt_${created}`, object: 'event', created, type: 'application_session.updated', data }
    expect(await deliver(app, policy, fromYorlet(policy, event))).toBe(204)
    await app.services.webhookInbox.applyDue()
    const { data: read } = await app.execute(
      `{ sessions(filter: { providers: YORLET }) { nodes { providerId ${ACCESS} } } }`,
    )
    return read.sessions.nodes.find(({ providerId }: { providerId: string }) => providerId === id).access
  }
  const now = Math.floor(Date.now() / 1000)
  expect(await say(now - 3, {})).toBeNull()
  expect(await say(now - 2, { url: 'https://pay.yorlet.test/1' })).toMatchObject({
    hostedUrl: 'https://pay.yorlet.test/1',
  })
  expect(await say(now - 1, { status: 'complete' })).toMatchObject({ hostedUrl: 'https://pay.yorlet.test/1' })
})

test('a link from a webhook is replaced by that of the create, which can cancel', async () => {
  const policy = await openEndpoint(app, 'KAYLE')
  const control = app.sandbox('KAYLE')
  const before = new Set(Object.keys((await control.objects()).sessions ?? {}))
  await control.faults([{ method: 'POST', times: 1, fault: { kind: 'latency', ms: 700 } }])
  const making = create(SESSION_INPUTS.KAYLE)
  let id: string | undefined
  while (!id) id = Object.keys((await control.objects()).sessions ?? {}).find(each => !before.has(each))
  await deliverNotice('KAYLE', policy, id)
  const { access } = await byProviderId('KAYLE', id)

  const made = await making
  await control.clearFaults()
  expect(made.providerId).toBe(id)
  expect(access).toMatchObject({ cancelToken: null })
  expect(made.access).toMatchObject({
    cancelToken: expect.any(String),
    hostedUrl: expect.stringContaining('cancel_token='),
  })
  expect((await refresh(made.id)).access).toEqual(made.access)
})

test('the deleted link of an ended session does not come back with a read', async () => {
  const made = await create(SESSION_INPUTS.KAYLE)
  await app.sandbox('KAYLE').advance({ id: made.providerId, to: 'cancelled' })
  expect(await refresh(made.id)).toMatchObject({ status: 'CANCELED', access: made.access })

  await pruneAccess(app.db, new Date(Date.now() + 1_000), 500)
  expect(await refresh(made.id)).toMatchObject({ status: 'CANCELED', access: null })
})
