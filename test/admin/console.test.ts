import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { type ConsoleApp, loseApplicant, startConsoleApp } from '../harness/app/console-app.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey, withKey } from '../harness/clients/callers.ts'
import { healthOf } from '../harness/clients/reads.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/** The admin API of the console: authorization, responses and the audit log. */

let at: ConsoleApp
beforeAll(async () => {
  at = await startConsoleApp({ FAILED_AUTH_PER_MINUTE: '5' })
})
afterAll(() => at.app.close())

const QUESTIONS = ['/me', '/attention', '/audit', '/health', '/sessions', '/operations', '/webhooks', '/drift']

interface RawRequestOptions {
  readonly key?: string | null
  readonly body?: unknown
  readonly method?: string
}

async function execute(
  path: string,
  { key = API_KEY, body, method = body === undefined ? 'GET' : 'POST' }: RawRequestOptions = {},
) {
  const response = await at.app.app.fetch(`http://localhost/console${path}`, {
    method,
    headers: { ...(key !== null && { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  const json = (): any => JSON.parse(text)
  return { status: response.status, headers: response.headers, text, json }
}

/** A request to the admin API of an application of its own. */
async function callConsole(app: TestApp, path: string, body?: object) {
  const response = await app.app.fetch(`http://localhost/console/api${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  return (await response.json()) as any
}

/** The state of Kayle as API clients see it. */
async function stateOf(app: TestApp) {
  return (await healthOf(app, 'KAYLE')).state
}

describe('access', () => {
  test.each(QUESTIONS)('%s requires an API key', async path => {
    const { status, json, headers } = await execute(`/api${path}`, { key: null })
    expect([status, json().errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
    expect(headers.get('www-authenticate')).toContain('Bearer')
  })

  test.each(QUESTIONS)('%s requires the scope admin, and refuses client tokens', async path => {
    const { token } = await withKey(at.app, { scopes: SCOPES.filter(scope => scope !== 'admin') })
    const client = await withClientToken(at.app, withDevelopmentKey(at.app), {
      externalId: at.session.externalId,
    })
    for (const key of [token, client.token]) {
      const { status, json } = await execute(`/api${path}`, { key })
      expect([status, json().errors[0].extensions.code]).toEqual([403, 'FORBIDDEN'])
    }
  })

  test('a view names the scopes of which a key needs one', async () => {
    const { token } = await withKey(at.app, { scopes: ['admin'] })
    const messageOf = async (path: string) => (await execute(`/api${path}`, { key: token })).json().errors[0].message
    expect(await messageOf('/sessions')).toBe('Use an API key with admin and sessions:read.')
    expect(await messageOf('/operations')).toMatch(/^Use an API key with admin and one of the scopes sessions:read, /)
  })

  test('an id that no session can have is not found', async () => {
    for (const id of ['%3Cb%3E', 'x'.repeat(300), 'a.b']) {
      const { status, json } = await execute(`/api/sessions/${id}`)
      expect([status, json().errors[0].message]).toEqual([404, 'Session not found. Check the id.'])
    }
  })

  test('an API key without the scope admin has no effect', async () => {
    const { token } = await withKey(at.app, { scopes: ['sessions:write'] })
    const [operation] = (await execute('/api/operations')).json().rows
    for (const path of [`/api/operations/${operation.id}/settle`, `/api/webhooks/${at.quarantinedId}/replay`]) {
      expect((await execute(path, { key: token, body: { absent: true } })).status).toBe(403)
    }
    expect((await execute('/api/operations')).json().rows).toContainEqual(operation)
  })

  test('another tenant’s records are not shown, settled or replayed', async () => {
    await at.app.services.tenants.create({ id: 'acme' })
    const { token: key } = await withKey(at.app, { tenantId: 'acme' })
    const [operation] = (await execute('/api/operations')).json().rows
    expect((await execute('/api/me', { key })).json()).toEqual({ tenantId: 'acme', providers: PROVIDERS })
    expect((await execute('/api/sessions', { key })).json()).toMatchObject({
      total: 0,
      groups: [],
      funnels: [],
      rows: [],
    })
    expect((await execute('/api/operations', { key })).json()).toEqual({ rows: [], cut: false })
    expect((await execute('/api/webhooks', { key })).json()).toMatchObject({ quarantined: 0, endpoints: [], rows: [] })
    expect((await execute('/api/drift', { key })).json().rows).toEqual([])
    for (const { at: times } of (await execute('/api/health', { key })).json().providers) expect(times).toEqual([])
    const search = { key, body: { query: at.session.externalId } }
    expect((await execute('/api/search', search)).json()).toEqual({
      denied: [],
      sessions: [],
      applicants: [],
      customers: [],
      creates: [],
      deliveries: [],
    })
    const { id, providerId, requestId } = at.session
    for (const query of [id, providerId, requestId, operation.id, at.quarantinedId, 'zaphod@example.com']) {
      const found = (await execute('/api/search', { key, body: { query } })).json()
      expect([found.sessions, found.applicants, found.customers, found.creates, found.deliveries]).toEqual([
        [],
        [],
        [],
        [],
        [],
      ])
    }
    expect((await execute('/api/attention', { key })).json()).toMatchObject({
      creates: { stuck: 0, slow: 0, rows: [] },
      deliveries: { quarantined: 0, rows: [] },
      drift: { refused: 0 },
      late: { polls: 0, recoveries: 0 },
    })
    for (const path of ['', '/refresh', '/cancel'])
      expect(
        (await execute(`/api/sessions/${at.session.id}${path}`, { key, body: path ? {} : undefined })).status,
      ).toBe(404)
    const settling = { key, body: { absent: true } }
    expect((await execute(`/api/operations/${operation.id}/settle`, settling)).status).toBe(404)
    expect((await execute(`/api/webhooks/${at.quarantinedId}/replay`, { key, body: {} })).status).toBe(404)
    const dismissing = { key, body: { note: 'not ours' } }
    expect((await execute(`/api/webhooks/${at.quarantinedId}/dismiss`, dismissing)).status).toBe(404)
    const actions = (await listAudit(at.app.db, 'acme', 10)).map(({ action }) => action)
    expect(actions.filter(action => /settle|replay|dismiss|session/.test(action))).toEqual([])
  })

  test('a key with admin alone sees no record, and its search names the types that it may not read', async () => {
    const search = { query: at.session.externalId }
    const [operation] = (await execute('/api/operations')).json().rows
    const { token } = await withKey(at.app, { scopes: ['admin'] })
    for (const path of ['/sessions', `/sessions/${at.session.id}`, '/operations'])
      expect((await execute(`/api${path}`, { key: token })).status).toBe(403)
    for (const [path, body] of [
      ['/search', search],
      [`/operations/${operation.id}/settle`, { absent: true }],
    ] as const) {
      const { status, json } = await execute(`/api${path}`, { key: token, body })
      expect([status, json().errors[0].message]).toEqual([403, expect.stringContaining('sessions:read')])
    }
    for (const path of ['/me', '/attention', '/audit', '/health', '/webhooks', '/drift'])
      expect((await execute(`/api${path}`, { key: token })).status).toBe(200)

    const { token: key } = await withKey(at.app, { scopes: ['admin', 'applicants:read'] })
    const found = (await execute('/api/search', { key, body: search })).json()
    expect(found).toMatchObject({ denied: ['sessions:read', 'customers:read'], sessions: [], customers: [] })
    expect(found.applicants).toHaveLength(1)
    const byEmail = (await execute('/api/search', { key, body: { query: 'zaphod@example.com' } })).json()
    expect(byEmail).toMatchObject({ denied: expect.arrayContaining(['pii:read']), applicants: [] })
    const reader = await withKey(at.app, { scopes: ['admin', 'sessions:read', 'applicants:read', 'pii:read'] })
    const withPii = await execute('/api/search', { key: reader.token, body: { query: 'zaphod@example.com' } })
    expect(withPii.json().applicants).toHaveLength(1)
  })

  test('a search finds no session through a record that the operator may not read', async () => {
    const { token: key } = await withKey(at.app, { scopes: ['admin', 'sessions:read', 'pii:read'] })
    const found = (await execute('/api/search', { key, body: { query: 'zaphod@example.com' } })).json()
    expect(found).toMatchObject({ denied: ['applicants:read', 'customers:read'], sessions: [], applicants: [] })
  })

  test('an address with too many failed authentications receives 429, and a valid key is still accepted', async () => {
    const guess = (key: string) =>
      fetch(new URL('/console/api/me', at.app.url), { headers: { authorization: `Bearer ${key}` } })
    for (let index = 0; index < 5; index += 1) {
      expect((await guess(`sg_${String(index).padStart(43, 'a')}`)).status).toBe(401)
    }
    const refused = await guess(`sg_${'z'.repeat(43)}`)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await guess(API_KEY)).status).toBe(200)
  })

  test('requests count against the rate limit of the key', async () => {
    const app = await startApp({ COST_PER_MINUTE: '30' }, { jobs: false })
    const statuses: number[] = []
    for (let index = 0; index < 4; index += 1) {
      const headers = { authorization: `Bearer ${API_KEY}` }
      statuses.push((await app.app.fetch('http://localhost/console/api/drift', { headers })).status)
    }
    expect(statuses).toEqual([200, 200, 200, 429])
    await app.close()
  })
})

describe('the console page', () => {
  test.each(['', '/main.js', '/console.css', '/uplot.js', '/uplot.css', '/icon.svg'])(
    '/console%s allows only its own files, and is sent with its media type',
    async path => {
      const { status, headers } = await execute(path, { key: null })
      expect(status).toBe(200)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('set-cookie')).toBeNull()
    },
  )

  test.each(['', '/main.js', '/uplot.js'])('/console%s is cached by the browser and revalidated', async path => {
    const get = (tag?: string) =>
      fetch(new URL(`/console${path}`, at.app.url), { headers: { ...(tag && { 'if-none-match': tag }) } })
    const first = await get()
    const tag = first.headers.get('etag') ?? ''
    expect([first.headers.get('cache-control'), tag]).toEqual(['no-cache', expect.stringMatching(/^W\/"[\w-]{22}"$/)])
    for (const known of [tag, `"another", ${tag}`]) {
      const again = await get(known)
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', tag])
    }
    expect((await get('"another"')).status).toBe(200)
  })

  test('is cacheable without personal data, and its API responses are not cached', async () => {
    for (const path of [...QUESTIONS, `/sessions/${at.session.id}`]) {
      const { headers } = await execute(`/api${path}`)
      expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['no-store, no-transform', null])
    }
  })

  test('has no inline script, style or event handler', async () => {
    const { text } = await execute('', { key: null })
    expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=/)
  })

  test.each(['/answers.d.ts', '/tsconfig.json', '/../package.json', '/%2e%2e/package.json', '/nothing.js'])(
    'does not serve %s',
    async path => {
      expect((await execute(path, { key: null })).status).toBe(404)
    },
  )

  test('is not served if the console is disabled', async () => {
    const app = await startApp({ CONSOLE: 'off' }, { jobs: false })
    const headers = { authorization: `Bearer ${API_KEY}` }
    for (const path of ['', '/main.js', '/api/me']) {
      expect((await app.app.fetch(`http://localhost/console${path}`, { headers })).status).toBe(404)
    }
    await app.close()
  })
})

describe('responses', () => {
  test('contain no link, token, name, address or secret', async () => {
    const secrets = (await at.app.services.webhookEndpoints.list({ tenantId: 'dev' })).flatMap(({ secrets }) => secrets)
    expect(secrets.length).toBeGreaterThan(0)
    const { token: key } = await withKey(at.app, { scopes: SCOPES.filter(scope => scope !== 'pii:read') })
    const texts: string[] = []
    for (const path of [...QUESTIONS, `/sessions/${at.session.id}`])
      texts.push((await execute(`/api${path}`, { key })).text)
    texts.push((await execute('/api/search', { key, body: { query: at.session.externalId } })).text)
    // The hints name the fields of a personal value that is left out.
    for (const text of texts.map(each => each.replaceAll(/\{"where":"[\w ]+","value":null\}/g, ''))) {
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text).not.toMatch(/https?:|@|sealed|token|secret|redirect|metadata|email/i)
    }
  })

  test('count sessions by state, and each step of a funnel includes the next', async () => {
    const { total, groups, funnels, daily, rows } = (await execute('/api/sessions')).json()
    const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)
    expect(sum(groups.map(({ count }: { count: number }) => count))).toBe(total)
    expect(sum(daily.created)).toBe(total)
    expect(sum(funnels.map(({ created }: { created: number }) => created))).toBe(total)
    for (const { created, started, completed, approved } of funnels) {
      expect([created, started, completed, approved].toSorted((one, other) => other - one)).toEqual([
        created,
        started,
        completed,
        approved,
      ])
    }
    expect(rows).toHaveLength(20)
    const { rows: rejected } = (await execute('/api/sessions?outcome=REJECTED&provider=KAYLE')).json()
    expect(rejected.length).toBeGreaterThan(0)
    for (const row of rejected) expect(row).toMatchObject({ outcome: 'REJECTED', provider: 'KAYLE' })
  })

  test('count no approvals for a provider that makes no decisions', async () => {
    const app = await startApp({}, { jobs: false })
    const input = { idempotencyKey: 'key-1', session: SESSION_INPUTS.RAPIDLY }
    await app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', {
      input,
    })
    const headers = { authorization: `Bearer ${API_KEY}` }
    const answer = await app.app.fetch('http://localhost/console/api/sessions', { headers })
    const { funnels } = (await answer.json()) as { funnels: object[] }
    expect(funnels).toEqual([{ provider: 'RAPIDLY', created: 1, started: 1, completed: 0, approved: null }])
    await app.close()
  })

  test('find all records with an external id, without their personal data', async () => {
    const { externalId, id } = at.session
    const found = (await execute('/api/search', { body: { query: externalId } })).json()
    expect(found.sessions).toMatchObject([{ id, provider: 'KAYLE', externalId }])
    expect(found.applicants).toMatchObject([{ provider: 'PERSONR', graphqlId: expect.any(String) }])
    expect(found.customers).toMatchObject([{ provider: 'RAPIDLY', graphqlId: expect.any(String) }])
    for (const record of [...found.applicants, ...found.customers]) {
      expect(Object.keys(record).sort()).toEqual(['createdAt', 'graphqlId', 'id', 'provider', 'providerId'])
    }
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }'
    const ids = [...found.applicants, ...found.customers].map(({ graphqlId }) => graphqlId)
    const { data } = await at.app.execute(query, { ids })
    expect(data.nodes).toEqual([{ __typename: 'Applicant' }, { __typename: 'Customer' }])
  })

  test('find a create that is not confirmed yet by the e-mail address in its input, with the scopes for both', async () => {
    const query = { query: 'Ford@example.com' }
    expect((await execute('/api/search', { body: query })).json().creates).toMatchObject([
      { idempotencyKey: at.stuckCreate, state: 'UNKNOWN' },
    ])
    for (const left of ['pii:read', 'applicants:read']) {
      const { token: key } = await withKey(at.app, { scopes: SCOPES.filter(scope => scope !== left) })
      expect((await execute('/api/search', { key, body: query })).json().creates, left).toEqual([])
    }
  })

  test('find a create, a delivery, an attempt, an event and a person by any id of theirs', async () => {
    const find = async (query: string) => (await execute('/api/search', { body: { query } })).json()
    const graphqlId = (typename: string, id: string) => Buffer.from(`${typename}:${id}`).toString('base64url')
    const [operation] = (await execute('/api/operations')).json().rows
    for (const query of [operation.id, operation.idempotencyKey, graphqlId('ProviderOperation', operation.id)])
      expect((await find(query)).creates, query).toMatchObject([{ id: operation.id, sendCount: 1 }])

    const delivery = await at.app.db.sql
      .selectFrom('deliveries')
      .select(['id', 'key'])
      .where('state', '=', 'APPLIED')
      .executeTakeFirstOrThrow()
    const subject_id = 'ses_nobody_stored'
    await at.app.db.sql.updateTable('deliveries').set({ subject_id }).where('id', '=', delivery.id).execute()
    for (const query of [delivery.id, delivery.key, subject_id])
      expect((await find(query)).deliveries, query).toContainEqual(expect.objectContaining({ id: delivery.id }))
    expect((await find(at.quarantinedId)).deliveries).toMatchObject([{ id: at.quarantinedId, state: 'QUARANTINED' }])

    const session = (await execute(`/api/sessions/${at.session.id}`)).json()
    const [attempt] = session.attempts
    const event = await at.app.db.sql
      .selectFrom('events')
      .select('id')
      .where('session_id', '=', at.session.id)
      .executeTakeFirstOrThrow()
    for (const query of [attempt.id, attempt.providerId, graphqlId('Attempt', attempt.id), event.id])
      expect((await find(query)).sessions, query).toMatchObject([{ id: at.session.id }])
    expect((await find(graphqlId('Person', at.session.externalId))).sessions).toMatchObject([{ id: at.session.id }])
  })

  test.each([
    ['/sessions?statsu=CREATED', /only the parameters provider, status, outcome, from, until, after; unknown: statsu/],
    ['/sessions?status=DONE', /status to be one of CREATED, IN_PROGRESS, .*; it is DONE/],
    ['/sessions?from=yesterday', /from to be a day such as/],
    ['/sessions?after=1', /after to be the `next` of a page/],
    ['/health?span=2h', /span to be one of 1h, 6h, 24h, 7d/],
    ['/webhooks?state=nonsense', /state to be one of STORED, QUARANTINED, DISMISSED/],
    ['/drift?provider=NOBODY', /provider to be one of KAYLE/],
    ['/attention?x=1', /Expected no parameters; unknown: x/],
  ])('refuse an unknown filter or value: %s', async (path, message) => {
    const { status, json } = await execute(`/api${path}`)
    expect([status, json().errors[0].extensions.code, json().errors[0].message]).toEqual([
      400,
      'BAD_REQUEST',
      expect.stringMatching(message),
    ])
  })

  test.each([
    ['/search', { query: 'x', provider: 'KAYLE' }, /only the fields query; unknown: provider/],
    ['/operations/nothing/settle', { absent: true, founds: 'x' }, /only the fields absent, confirmed, found/],
    ['/webhooks/nothing/replay', { force: true }, /Expected no fields; unknown: force/],
  ])('refuse an unknown field of %s', async (path, body, message) => {
    const { status, json } = await execute(`/api${path}`, { body })
    expect([status, json().errors[0].message]).toEqual([400, expect.stringMatching(message)])
  })

  test('every action of the console leaves an audit entry with its object', async () => {
    const { token: key, keyId } = await withKey(at.app, { scopes: ['admin', 'sessions:read', 'sessions:write'] })
    const { id } = at.session
    for (const path of [`/sessions/${id}/refresh`, `/sessions/${id}/cancel`, '/providers/KAYLE/check'])
      await execute(`/api${path}`, { key, body: {} })
    const rows = (await execute('/api/audit')).json().rows.filter(({ actor }: { actor: string }) => actor === keyId)
    expect(rows.map(({ action, object }: { action: string; object: string }) => [action, object])).toEqual([
      ['provider.check', 'KAYLE'],
      ['session.cancel', id],
      ['session.refresh', id],
    ])
  })

  test('say which input is invalid, and why', async () => {
    const { status, json } = await execute('/api/search', { body: { query: 'x'.repeat(300) } })
    expect([status, json().errors[0].message]).toEqual([400, expect.stringMatching(/^query: .*255/)])
  })

  test('list the deliveries of one state, and count again after a replay', async () => {
    const states = async (query: string) =>
      (await execute(`/api/webhooks${query}`)).json().rows.map(({ state }: { state: string }) => state)
    expect(new Set(await states(''))).toEqual(new Set(['APPLIED', 'QUARANTINED']))
    expect(await states('?state=QUARANTINED')).toEqual(['QUARANTINED'])
    expect(await states('?state=STORED')).toEqual([])
    const quarantined = async () => (await execute('/api/webhooks')).json().quarantined
    const { rows } = (await execute('/api/webhooks')).json()
    const applied = rows.find(({ event }: { event: string }) => event === 'aml.alert')
    const write = (state: string) =>
      at.app.db.sql.updateTable('deliveries').set({ state }).where('id', '=', at.quarantinedId).execute()
    await write('APPLIED')
    await execute(`/api/webhooks/${applied.id}/replay`, { body: {} })
    expect(await quarantined()).toBe(0)
    await write('QUARANTINED')
    await execute(`/api/webhooks/${applied.id}/replay`, { body: {} })
    expect(await quarantined()).toBe(1)
  })

  test('add up the minutes of each provider, and name its worst one', async () => {
    const { providers } = (await execute('/api/health?span=6h')).json()
    const personr = providers.find(({ provider }: { provider: string }) => provider === 'PERSONR')
    // Half of the calls are fast, so the median of an hour with an outage is that of the fast ones.
    expect(Math.max(...personr.p95Ms)).toBeGreaterThan(1_000)
    expect(Math.max(...personr.p50Ms)).toBeLessThan(200)
    const shares = personr.calls.map((calls: number, index: number) => personr.failed[index] / calls)
    expect(Math.max(...shares)).toBeCloseTo(0.75)
    expect(personr.total.failures).toMatchObject({ TIMEOUT: expect.any(Number), SERVER_ERROR: expect.any(Number) })
    expect(new Set(personr.circuit)).toEqual(new Set([0, 2]))
    expect(personr.at).toEqual(personr.at.toSorted())
  })

  test.each([
    ['/api/search', {}, 400, 'INVALID_INPUT'],
    ['/api/search', { query: 'x'.repeat(300) }, 400, 'INVALID_INPUT'],
    ['/api/search', { query: { $ne: '' } }, 400, 'INVALID_INPUT'],
    ['/api/search', { query: 'x'.repeat(9_000) }, 413, 'PAYLOAD_TOO_LARGE'],
    ['/api/operations/nothing/settle', { absent: true }, 404, 'NOT_FOUND'],
    ['/api/operations/nothing/settle', { absent: true, found: 'x' }, 400, 'BAD_REQUEST'],
    ['/api/webhooks/nothing/dismiss', { note: 'x' }, 404, 'NOT_FOUND'],
    ['/api/webhooks/nothing/dismiss', {}, 400, 'INVALID_INPUT'],
    ['/api/providers/NOBODY/check', {}, 404, 'NOT_FOUND'],
    ['/api/providers/KAYLE/secrets', { secrets: { apiKey: 1 } }, 400, 'INVALID_INPUT'],
    ['/api/providers/KAYLE/secrets', { secrets: { apiKey: 'k' } }, 404, 'NOT_FOUND'],
    ['/api/sessions/nothing/cancel', {}, 404, 'NOT_FOUND'],
    ['/api/nothing', {}, 404, 'NOT_FOUND'],
  ])('%s with invalid input is refused: %o', async (path, body, status, code) => {
    const refused = await execute(path, { body })
    expect([refused.status, refused.json().errors[0].extensions.code]).toEqual([status, code])
  })
})

test.each([
  [
    'sessions',
    `created_at >= 1 order by created_at desc`,
    'COVERING INDEX sessions_by_tenant_id_created_at_id_provider_status_outcome_stage',
    'id, provider, status, outcome, stage',
  ],
  ['operations', `state = 'UNKNOWN' order by created_at desc`, 'INDEX operations_unknown', 'id'],
  [
    'deliveries',
    `state <> 'APPLIED' and state <> 'DISMISSED' order by received_at`,
    'INDEX deliveries_open',
    'state, received_at',
  ],
  [
    'deliveries',
    `state <> 'APPLIED' and state <> 'DISMISSED' and state = 'STORED' order by received_at desc`,
    'INDEX deliveries_open',
    'id',
  ],
  ['operations', `request_id = 'x' order by created_at desc`, 'INDEX operations_of_request', 'id'],
  ['applicants', `external_id = 'x' order by created_at desc`, 'INDEX applicants', 'id'],
  ['customers', `external_id = 'x' order by created_at desc`, 'INDEX customers', 'id'],
])('on SQLite %s where %s are read by an index, so that a million of them block no other request', async (...given) => {
  const [from, where, index, columns] = given
  const { db } = at.app
  if (db.engine !== 'sqlite') return
  const query = `explain query plan select ${columns} from ${from} where tenant_id = 'dev' and ${where} limit 50`
  const { rows } = await sql.raw<{ detail: string }>(query).execute(db.sql)
  expect(rows.map(({ detail }) => detail).join()).toContain(index)
  expect(rows).toHaveLength(1)
})

describe('what needs attention', () => {
  test('is what nothing settles, with its next step, and nothing that gets better by itself', async () => {
    const answer = (await execute('/api/attention')).json()
    const { creates, deliveries, drift, providers, late } = answer
    expect(creates).toMatchObject({
      stuck: 1,
      slow: 0,
      searching: 2,
      rows: [{ idempotencyKey: at.stuckCreate, provider: 'PERSONR' }],
    })
    expect(creates.rows[0]).not.toHaveProperty('searchHints')
    // The advice for clients, to send the request again, is not one for operators.
    expect(creates.rows[0].errorMessage).toBe('PERSONR closed the connection.')
    const { row } = (await execute(`/api/operations/${creates.rows[0].id}`)).json()
    expect(row.searchHints.traces.map(({ where }: { where: string }) => where)).toContain('email')
    expect(row.foundCheck).toBe('READ')
    expect(deliveries).toMatchObject({
      quarantined: 1,
      rows: [{ id: at.quarantinedId, error: { code: 'UNREADABLE' } }],
    })
    expect(drift).toMatchObject({ refused: 1, rows: [{ grade: 'REFUSED', operation: 'getSession' }] })
    expect([providers, late]).toEqual([[], { polls: 0, recoveries: 0, afterMs: 300_000 }])
  })

  test('of creates is only counted for a key that may read no record', async () => {
    const { token: key } = await withKey(at.app, { scopes: ['admin'] })
    expect((await execute('/api/attention', { key })).json().creates).toMatchObject({ stuck: 1, rows: [] })
  })

  test('names a provider that refuses the credentials, and one that is down, with since and why', async () => {
    const app = await startApp({ BREAKER_MINIMUM_CALLS: '2' }, { jobs: false })
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
    const call = async (path: string, body?: object) => {
      const method = body ? 'POST' : 'GET'
      const init = { method, headers, body: body && JSON.stringify(body) }
      const response = await app.app.fetch(`http://localhost/console/api${path}`, init)
      // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for
      return (await response.json()) as any
    }
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'status', status: 401 } }])
    await app.sandbox('YORLET').faults([{ fault: { kind: 'status', status: 503 } }])
    expect(await call('/providers/KAYLE/check', {})).toMatchObject({ ok: false, code: 'PROVIDER_AUTH_FAILED' })
    for (let count = 0; count < 3; count += 1)
      expect(await call('/providers/YORLET/check', {})).toMatchObject({ ok: false, code: 'PROVIDER_UNAVAILABLE' })
    const { providers } = await call('/attention')
    expect(providers).toMatchObject([
      { provider: 'KAYLE', health: { authFailedSince: expect.any(String) }, credentials: { from: 'SANDBOX' } },
      {
        provider: 'YORLET',
        health: { openCircuits: [{ kind: 'READ', state: 'OPEN', failure: 'SERVER_ERROR', since: expect.any(String) }] },
      },
    ])
    await app.sandbox('KAYLE').clearFaults()
    expect(await call('/providers/KAYLE/check', {})).toMatchObject({ ok: true })
    expect((await call('/attention')).providers.map(({ provider }: { provider: string }) => provider)).toEqual([
      'YORLET',
    ])
    const actions = (await call('/audit')).rows.map(({ action }: { action: string }) => action)
    expect(actions.filter((action: string) => action === 'provider.check')).toHaveLength(5)
    await app.close()
  })

  test('names a provider that hangs although it has too few calls to open the circuit', async () => {
    const app = await startApp({ READ_DEADLINE_MS: '300', RETRY_BUDGET_MIN: '0' }, { jobs: false })
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'hang' } }])
    expect(await stateOf(app)).toBe('UP')
    for (let count = 0; count < 4; count += 1) await callConsole(app, '/providers/KAYLE/check', {})
    const { providers } = await callConsole(app, '/attention')
    expect(providers).toMatchObject([
      {
        provider: 'KAYLE',
        health: {
          state: 'DEGRADED',
          openCircuits: [],
          failing: [{ kind: 'READ', calls: 4, failed: 4, failure: 'TIMEOUT', since: expect.any(String) }],
          lastTest: { ok: false, at: expect.any(String) },
        },
      },
    ])
    expect(await stateOf(app)).toBe('DEGRADED')

    await app.sandbox('KAYLE').clearFaults()
    expect(await callConsole(app, '/providers/KAYLE/check', {})).toMatchObject({ ok: true })
    expect((await callConsole(app, '/attention')).providers).toEqual([])
    expect(await stateOf(app)).toBe('UP')
    await app.close()
  })

  test('names a sign-in that fails as such, and counts no try that failed at it as sent', async () => {
    const app = await startApp({ BREAKER_MINIMUM_CALLS: '3', BREAKER_HALF_OPEN_AFTER_MS: '60000' }, { jobs: false })
    const { email, phone, flowName } = {
      email: 'trillian@example.com',
      phone: '+46 70 000 00 02',
      flowName: 'KYC basic',
    }
    const create = () =>
      app.execute('mutation ($input: CreateApplicantInput!) { createApplicant(input: $input) { __typename } }', {
        input: { idempotencyKey: 'signed-out', applicant: { personr: { email, phone, flowName } } },
      })
    const personr = async () => (await callConsole(app, '/attention')).providers[0]?.health
    const sends = async () => (await callConsole(app, '/search', { query: 'signed-out' })).creates
    await app.sandbox('PERSONR').faults([{ path: '*-token-generate', fault: { kind: 'status', status: 503 } }])
    await create()
    expect(await sends()).toMatchObject([{ state: 'FAILED', sendCount: 0, sentAt: null }])
    await create()
    await create()
    expect(await personr()).toMatchObject({ state: 'DEGRADED', openCircuits: [{ kind: 'SIGN_IN', state: 'OPEN' }] })
    await create()
    expect(await sends()).toMatchObject([{ state: 'FAILED', sendCount: 0, sentAt: null }])

    await app.sandbox('PERSONR').clearFaults()
    expect(await callConsole(app, '/providers/PERSONR/check', {})).toMatchObject({ ok: true })
    expect(await personr()).toBeUndefined()
    await app.sandbox('PERSONR').faults([{ path: '*-create', fault: { kind: 'reset', when: 'after' } }])
    await create()
    expect(await sends()).toMatchObject([{ state: 'UNKNOWN', sendCount: 1, sentAt: expect.any(String) }])
    await app.close()
  })

  test('of paused creates says after a passed test that the next one is sent, until it succeeded', async () => {
    const app = await startApp({ BREAKER_MINIMUM_CALLS: '2', BREAKER_HALF_OPEN_AFTER_MS: '60000' }, { jobs: false })
    const create = (key: string) =>
      app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', {
        input: { idempotencyKey: key, session: { kayle: {} } },
      })
    const circuits = async () => (await callConsole(app, '/attention')).providers[0]?.health
    await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'status', status: 503 } }])
    await create('one')
    await create('two')
    expect(await circuits()).toMatchObject({ openCircuits: [{ kind: 'CREATE', state: 'OPEN' }], lastTest: null })
    expect((await create('three')).data.createSession.__typename).toBe('ProviderUnavailableError')
    expect((await callConsole(app, '/search', { query: 'three' })).creates).toMatchObject([
      { errorMessage: 'KAYLE failed too often, so that calls to it are paused (its circuit breaker is open).' },
    ])

    await app.sandbox('KAYLE').clearFaults()
    expect(await callConsole(app, '/providers/KAYLE/check', {})).toMatchObject({ ok: true })
    expect(await circuits()).toMatchObject({
      state: 'DEGRADED',
      openCircuits: [{ kind: 'CREATE', state: 'HALF_OPEN' }],
      lastTest: { ok: true },
    })
    expect((await create('four')).data.createSession.__typename).toBe('CreateSessionPayload')
    expect(await circuits()).toBeUndefined()
    await app.close()
  })

  test('of paused reads goes away with the first passed test, however long they are paused', async () => {
    const app = await startApp({ BREAKER_MINIMUM_CALLS: '2', BREAKER_HALF_OPEN_AFTER_MS: '60000' }, { jobs: false })
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'status', status: 503 } }])
    for (let count = 0; count < 3; count += 1) await callConsole(app, '/providers/KAYLE/check', {})
    expect((await callConsole(app, '/attention')).providers[0].health.openCircuits).toMatchObject([{ state: 'OPEN' }])
    await app.sandbox('KAYLE').clearFaults()
    expect(await callConsole(app, '/providers/KAYLE/check', {})).toMatchObject({ ok: true })
    expect((await callConsole(app, '/attention')).providers).toEqual([])
    await app.close()
  })

  test('names what is late', async () => {
    let time = Date.now()
    const app = await startApp({}, { jobs: false, now: () => new Date(time) })
    await app.execute(
      'mutation { createSession(input: { idempotencyKey: "one-session", session: { kayle: {} } }) { __typename } }',
    )
    await loseApplicant(app, app.sandbox('PERSONR'))
    const headers = { authorization: `Bearer ${API_KEY}` }
    const read = async () => (await app.app.fetch('http://localhost/console/api/attention', { headers })).json()
    expect(await read()).toMatchObject({ late: { polls: 0 }, creates: { stuck: 1 } })
    time += 20 * 60_000
    expect(await read()).toMatchObject({ late: { polls: 1 } })
    await app.close()
  })
})

describe('a funnel', () => {
  test('counts what sessions reached, whatever became of them later', async () => {
    const app = await startApp({}, { jobs: false })
    const { data } = await app.execute(
      'mutation { createSession(input: { idempotencyKey: "one-session", session: { kayle: {} } }) { ... on CreateSessionPayload { session { id providerId } } } }',
    )
    const { id, providerId } = data.createSession.session
    const headers = { authorization: `Bearer ${API_KEY}` }
    const funnel = async () => {
      const answer = await app.app.fetch('http://localhost/console/api/sessions', { headers })
      return ((await answer.json()) as { funnels: object[] }).funnels[0]
    }
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { attempts { nodes { id } } } }`)
    await app.execute(`mutation { cancelSession(input: { id: "${id}" }) { __typename } }`)
    // The console shares its counts for some seconds.
    expect(await funnel()).toEqual({ provider: 'KAYLE', created: 1, started: 1, completed: 0, approved: 0 })
    await app.close()
  })
})

describe('actions', () => {
  test('settling and replaying are executed, and recorded in the audit log with their key', async () => {
    const { token: key, keyId } = await withKey(at.app, { scopes: ['admin', 'sessions:write'] })
    const [operation] = (await execute('/api/operations')).json().rows
    const settled = await execute(`/api/operations/${operation.id}/settle`, { key, body: { absent: true } })
    expect(settled.json().row).toMatchObject({ id: operation.id, state: 'FAILED' })
    const again = await execute(`/api/operations/${operation.id}/settle`, { key, body: { absent: true } })
    expect([again.status, again.json().errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST'])

    const [applied] = (await execute('/api/webhooks'))
      .json()
      .rows.filter(({ state }: { state: string }) => state === 'APPLIED')
    const replayed = await execute(`/api/webhooks/${applied.id}/replay`, { key, body: {} })
    expect(replayed.json().row).toMatchObject({ id: applied.id, state: 'APPLIED' })
    expect(Date.parse(replayed.json().row.appliedAt)).toBeGreaterThanOrEqual(Date.parse(applied.appliedAt))

    const entries = (await listAudit(at.app.db, 'dev', 20)).filter(({ actor }) => actor === keyId)
    expect(entries.map(({ action }) => action).sort()).toEqual([
      'operation.settle.absent',
      'operation.settle.absent',
      'webhook.replay',
    ])
    expect(entries.map(({ object }) => object).sort()).toEqual([operation.id, operation.id, applied.id].sort())
    const { rows } = (await execute('/api/audit')).json()
    expect(rows).toContainEqual(
      expect.objectContaining({ action: 'operation.settle.absent', object: operation.id, personHash: null }),
    )
  })

  test('a replay that fails returns the reason, and a dismissal ends the quarantine with its note', async () => {
    const { token: key, keyId } = await withKey(at.app, { scopes: ['admin'] })
    const replayed = await execute(`/api/webhooks/${at.quarantinedId}/replay`, { key, body: {} })
    expect(replayed.json().row).toMatchObject({
      state: 'QUARANTINED',
      error: { code: 'UNREADABLE', message: expect.stringMatching(/^The signature is valid/) },
    })
    const dismissing = { key, body: { note: ' A test of the provider. ' } }
    const dismissed = await execute(`/api/webhooks/${at.quarantinedId}/dismiss`, dismissing)
    expect(dismissed.json().row).toMatchObject({ state: 'DISMISSED' })
    const { quarantined, rows } = (await execute('/api/webhooks?state=DISMISSED')).json()
    expect([quarantined, rows]).toMatchObject([0, [{ dismissed: { note: 'A test of the provider.' } }]])
    expect((await execute(`/api/webhooks/${at.quarantinedId}/dismiss`, dismissing)).status).toBe(400)
    expect((await execute('/api/attention')).json().deliveries).toMatchObject({ quarantined: 0, rows: [] })
    const own = (await execute('/api/audit')).json().rows.filter(({ actor }: { actor: string }) => actor === keyId)
    expect(own.map(({ action }: { action: string }) => action)).toEqual([
      'webhook.dismiss',
      'webhook.dismiss',
      'webhook.replay',
    ])
    expect(own[0].actorName).toEqual(expect.any(String))
  })
})
