import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { loadDocuments } from '../../src/app/documents.ts'
import { packageRoot } from '../../src/app/package.ts'
import { CallLog } from '../../src/domain/call-log.ts'
import { ERROR_CODES } from '../../src/domain/error-codes.ts'
import { CALL_KINDS } from '../../src/domain/provider-call.ts'
import { OPERATION_STATES } from '../../src/domain/records/operation.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { logOperations } from '../../src/telemetry/operation-log.ts'
import { formatForTerminal } from '../../src/telemetry/terminal-format.ts'
import { logCalls } from '../../src/telemetry/upstream-log.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'
import { makeRecord, READS } from '../harness/clients/reads.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'
import { collectLog } from '../harness/log-lines.ts'
import { parseSamples, type Sample, total } from '../harness/scrape.ts'

/** Metrics, one log line for each operation, and the calls of an operation. */

const IGNORED = { next: () => {}, error: () => {}, complete: () => {} }

const log = collectLog()
let app: TestApp

beforeAll(async () => {
  app = await startApp({ LOG_LEVEL: 'info' }, { jobs: false, logTo: log })
})
afterAll(() => app.close())
beforeEach(() => log.forget())

async function scrape(
  headers: Record<string, string> = {},
  of = app,
): Promise<{ status: number; samples: Sample[]; text: string }> {
  const response = await of.app.fetch('http://localhost/metrics', { headers })
  const text = await response.text()
  return { status: response.status, samples: parseSamples(text), text }
}

function post(query: string, more: { headers?: Record<string, string>; variables?: object; key?: string } = {}) {
  return app.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${more.key ?? API_KEY}`, ...more.headers },
    body: JSON.stringify({ query, variables: more.variables }),
  })
}

const KAYLE = READS[0] as (typeof READS)[number]
const readNow = (id: string) => `query { session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`

describe('a scrape', () => {
  test('counts operations by known name, and the requests sent to each provider', async () => {
    const before = await scrape()
    const providers = loadDocuments().find(({ name }) => name === '04-providers')?.query ?? ''
    await app.execute(providers)
    const { id } = await makeRecord(app, KAYLE)
    await app.execute(readNow(id))
    await app.execute(readNow(id))
    const { samples } = await scrape()
    const grown = (name: string, labels: Record<string, string>) =>
      total(samples, name, labels) - total(before.samples, name, labels)
    expect(grown('sessiongraph_operation_seconds_count', { name: 'Providers', kind: 'query', outcome: 'ok' })).toBe(1)
    expect(grown('sessiongraph_operation_seconds_count', { name: 'other', kind: 'query', outcome: 'ok' })).toBe(2)
    const calls = { provider: 'KAYLE', outcome: 'SUCCEEDED' }
    expect(
      grown('sessiongraph_provider_call_seconds_count', { ...calls, operation: 'createSession', kind: 'CREATE' }),
    ).toBe(1)
    expect(grown('sessiongraph_provider_call_seconds_count', { ...calls, operation: 'getSession', kind: 'READ' })).toBe(
      2,
    )
    expect(grown('sessiongraph_creates', { state: 'SUCCEEDED' })).toBeGreaterThanOrEqual(0)
    expect(total(samples, 'sessiongraph_breaker_state', { provider: 'KAYLE', kind: 'READ' })).toBe(0)
    expect(total(samples, 'sessiongraph_provider_in_flight')).toBe(0)
    expect(total(samples, 'sessiongraph_poll_budget', { provider: 'KAYLE' })).toBe(30)
    expect(total(samples, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
    expect(total(samples, 'process_resident_memory_bytes')).toBeGreaterThan(0)
  })

  test('reports what the store holds', async () => {
    const fresh = await startApp({}, { jobs: false })
    await makeRecord(fresh, KAYLE)
    const { samples, text } = await scrape({}, fresh)
    expect(text).not.toMatch(/ nan$/im)
    expect(total(samples, 'nodejs_eventloop_lag_min_seconds')).toBeLessThan(60)
    expect(total(samples, 'sessiongraph_creates', { state: 'SUCCEEDED' })).toBe(1)
    expect(total(samples, 'sessiongraph_creates', { state: 'UNKNOWN' })).toBe(0)
    expect(total(samples, 'sessiongraph_store_rows', { table: 'sessions' })).toBe(1)
    expect(total(samples, 'sessiongraph_webhook_lag_seconds')).toBe(0)
    await fresh.close()
  })

  test('has bounded labels: 1,000 names and ids from clients add no series', async () => {
    await post('query Warm { __typename }')
    // Node adds a series for each kind of garbage collection and resource that it has.
    const seriesOf = async () => (await scrape()).samples.filter(({ name }) => name.startsWith('sessiongraph_')).length
    const before = await seriesOf()
    for (let n = 0; n < 1_000; n++) await post(`query Chosen${n} { __typename }`)
    expect(await seriesOf()).toBe(before)
    expect((await scrape()).text).not.toContain('Chosen')
  })

  test('counts rejected requests by code', async () => {
    const before = (await scrape()).samples
    await post('{ nowhere }')
    await post('{ __typename }', { key: 'wrong_key_wrong_key' })
    await app.app.fetch('http://localhost/graphql', {
      method: 'PUT',
      headers: { authorization: `Bearer ${API_KEY}` },
    })
    await app.app.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
      body: '{',
    })
    const { samples } = await scrape()
    const grown = (code: string) =>
      total(samples, 'sessiongraph_errors_total', { code }) - total(before, 'sessiongraph_errors_total', { code })
    const codes = ['GRAPHQL_VALIDATION_FAILED', 'UNAUTHENTICATED', 'METHOD_NOT_ALLOWED', 'BAD_REQUEST']
    expect(codes.map(grown)).toEqual([1, 1, 1, 1])
  })

  test('counts retries, failures and drift by provider', async () => {
    const { id } = await makeRecord(app, KAYLE)
    const before = (await scrape()).samples
    const path = '/v1/sessions/*'
    await app.sandbox('KAYLE').faults([{ method: 'GET', path, times: 1, fault: { kind: 'status', status: 503 } }])
    await app.execute(readNow(id))
    await app
      .sandbox('KAYLE')
      .faults([{ method: 'GET', path, times: 1, fault: { kind: 'drift', change: 'word', field: 'data.status' } }])
    await app.execute(readNow(id))
    await app.sandbox('KAYLE').clearFaults()
    const { samples } = await scrape()
    const grown = (name: string, labels: Record<string, string>) =>
      total(samples, name, labels) - total(before, name, labels)
    const failed = { provider: 'KAYLE', operation: 'getSession', outcome: 'PROVIDER_UNAVAILABLE' }
    expect(grown('sessiongraph_provider_call_seconds_count', failed)).toBe(1)
    expect(grown('sessiongraph_provider_retries_total', { provider: 'KAYLE', operation: 'getSession' })).toBe(1)
    expect(grown('sessiongraph_provider_drift_total', { provider: 'KAYLE', grade: 'DEGRADED' })).toBe(1)
  })

  test('counts the requests that were refused by overload', async () => {
    const small = await startApp({ MAX_IN_FLIGHT: '1' }, { jobs: false })
    await small.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'latency', ms: 400 } }])
    const execute = (query: string) =>
      fetch(small.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
        body: JSON.stringify({ query }),
      })
    // A key that was not seen before has other places than the next requests.
    await execute('{ __typename }')
    const create =
      'mutation { createSession(input: { idempotencyKey: "key-12345", session: { kayle: {} } }) { __typename } }'
    const statuses = (await Promise.all([execute(create), execute(create), execute(create)])).map(
      ({ status }) => status,
    )
    expect(statuses.sort()).toEqual([200, 503, 503])
    const { samples } = await scrape({}, small)
    expect(total(samples, 'sessiongraph_requests_refused_total')).toBe(2)
    expect(total((await scrape({}, small)).samples, 'sessiongraph_requests_refused_total')).toBe(2)
    await small.close()
  })

  test('counts the open subscriptions', async () => {
    const stream = await follow(app.url, { query: 'subscription { sessionsUpdated { cursor } }' })
    expect(total((await scrape()).samples, 'sessiongraph_streams_open')).toBe(1)
    await stream.unsubscribe()
  })

  test('counts the open WebSockets and their operations, until they end', async () => {
    const states = async () => {
      const { samples } = await scrape()
      const count = (state: string) => total(samples, 'sessiongraph_websockets_open', { state })
      return [count('accepted'), count('waiting'), total(samples, 'sessiongraph_websocket_operations')]
    }
    const url = app.url.replace('http', 'ws')
    const socket = new WebSocket(url, 'graphql-transport-ws')
    await once(socket, 'open')
    await expect.poll(states).toEqual([0, 1, 0])
    const connectionParams = { authorization: `Bearer ${API_KEY}` }
    const client = createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 })
    const unsubscribe = [1, 2].map(() =>
      client.subscribe({ query: 'subscription { sessionsUpdated { cursor } }' }, IGNORED),
    )
    await expect.poll(states).toEqual([1, 1, 2])
    unsubscribe[0]?.()
    await expect.poll(states).toEqual([1, 1, 1])
    await client.dispose()
    socket.terminate()
    await expect.poll(states).toEqual([0, 0, 0])
  })
})

describe('the metrics endpoint', () => {
  const NOT_HERE = { HOST: '0.0.0.0' }
  const token = 'token_of_the_scraper'
  const bearer = (of: string) => ({ authorization: `Bearer ${of}` })

  test('is open on this machine to direct requests, and to no page under another host name', async () => {
    expect((await scrape()).status).toBe(200)
    expect((await scrape({ 'x-forwarded-for': '198.51.100.7' })).status).toBe(404)
    expect((await app.app.fetch('http://evil.example/metrics')).status).toBe(404)
    expect((await scrape(bearer('wrong_key_wrong_key'))).status).toBe(404)
  })

  test('requires a key with the scope admin if others reach the server', async () => {
    const open = await startApp(NOT_HERE, { jobs: false })
    expect((await scrape({}, open)).status).toBe(404)
    expect((await scrape(bearer(API_KEY), open)).status).toBe(200)
    await open.close()
  })

  test('requires a key in production, even on this machine, where a proxy may run', async () => {
    const production = await startApp(
      { NODE_ENV: 'production', ENCRYPTION_KEY: 'ab'.repeat(32), DEV_API_KEY: '' },
      { jobs: false },
    )
    expect((await scrape({}, production)).status).toBe(404)
    await production.close()
  })

  test('with METRICS_TOKEN requires that token, from anywhere', async () => {
    const guarded = await startApp({ METRICS_TOKEN: token }, { jobs: false })
    expect((await scrape({}, guarded)).status).toBe(404)
    expect((await scrape({ ...bearer(token), 'x-forwarded-for': '198.51.100.7' }, guarded)).status).toBe(200)
    await guarded.close()
  })
})

describe('the log', () => {
  test('has one line for each operation, with its id, name, time and calls', async () => {
    const { id } = await makeRecord(app, KAYLE)
    log.forget()
    const response = await post(readNow(id), { headers: { 'x-request-id': 'abcdef-1234567890' } })
    expect(response.headers.get('x-request-id')).toBe('abcdef-1234567890')
    const lines = log.lines('operation')
    expect(lines).toEqual([
      expect.objectContaining({
        level: 30,
        id: 'abcdef-1234567890',
        operation: 'other',
        kind: 'query',
        calls: 1,
        outcome: 'ok',
        tenant: 'dev',
        ms: expect.any(Number),
      }),
    ])
  })

  test('has the name that the client sent in a terminal, and elsewhere only names of known documents', () => {
    const reported = {
      callLog: new CallLog('r-1'),
      kind: 'query',
      ms: 1,
      outcome: 'ok',
      codes: [],
      tenantId: 'dev',
    } as const
    for (const [logsAllNames, names] of [
      [true, ['ZaphodsOwn', '(anonymous)']],
      [false, ['other', 'other']],
    ] as const) {
      const lines = collectLog()
      const logOperation = logOperations(createLog('info', lines), { isKnown: () => false, logsAllNames, share: 1 })
      for (const name of ['ZaphodsOwn', null]) logOperation({ ...reported, name, keyId: null })
      expect(lines.lines('operation').map(({ operation }) => operation)).toEqual(names)
    }
  })

  test('is readable in a terminal, and a value cannot control it', () => {
    const line = {
      level: 40,
      time: '2026-11-29T21:04:05.123Z',
      msg: 'operation',
      kind: 'query',
      operation: 'Read\u001b[2J',
    }
    const text = formatForTerminal(
      JSON.stringify({ ...line, outcome: 'failed', ms: 12, calls: 2, avoided: 1, id: 'r-1' }),
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors are left out
    const plain = text.replaceAll(/\x1b\[\d+m/g, '')
    expect(plain).toMatch(
      /^\d\d:04:05\.123 WARN {2}query Read\?\[2J failed 12 ms, 2 provider calls, 1 avoided id=r-1\n$/,
    )
    const failed = { level: 50, time: line.time, msg: 'background job failed', err: { stack: 'Error: x\n    at y' } }
    expect(formatForTerminal(JSON.stringify(failed))).toMatch(/background job failed\nError: x\n {4}at y\n$/)
  })

  test('warns of a failing provider periodically, not for each call', async () => {
    const { id } = await makeRecord(app, READS[3] as (typeof READS)[number])
    await app.sandbox('VERILOCK').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    log.forget()
    for (let n = 0; n < 5; n++) await app.execute(readNow(id))
    await app.sandbox('VERILOCK').clearFaults()
    const failed = log.lines('provider call failed').filter(({ outcome }) => outcome === 'PROVIDER_UNAVAILABLE')
    expect(failed).toEqual([
      expect.objectContaining({ level: 40, provider: 'VERILOCK', call: 'getSession', kind: 'READ', status: 500 }),
    ])
    expect(log.lines('operation')).toHaveLength(5)
  })

  test('counts the failures since the last line', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const lines = collectLog()
    const logCall = logCalls(createLog('warn', lines))
    const begun = { provider: 'KAYLE', operation: 'getSession', kind: 'READ', attempt: 1 } as const
    const fail = () => logCall({ ...begun, ms: 1, outcome: 'PROVIDER_UNAVAILABLE', status: null }, begun)
    for (let n = 0; n < 4; n++) fail()
    vi.advanceTimersByTime(10_001)
    fail()
    vi.useRealTimers()
    expect(lines.lines('provider call failed').map(({ suppressed }) => suppressed)).toEqual([undefined, 3])
  })

  test('has a line for every failed operation, and for a sample of the others', async () => {
    const quiet = collectLog()
    const sampled = await startApp(
      { LOG_LEVEL: 'info', LOG_OPERATIONS_SAMPLE_RATE: '0.1' },
      { jobs: false, logTo: quiet },
    )
    for (let n = 0; n < 20; n++) await sampled.execute('{ __typename }')
    for (let n = 0; n < 3; n++) await sampled.execute('{ nowhere }')
    expect(quiet.lines('operation').map(({ outcome }) => outcome)).toEqual([
      'ok',
      'ok',
      'refused',
      'refused',
      'refused',
    ])
    await sampled.close()
  })
})

describe('the request id', () => {
  test.each(['', 'short', 'ann@example.com', 'two words here', 'x'.repeat(65)])(
    '%j is replaced by a generated one',
    async sent => {
      const response = await post('{ __typename }', { headers: { 'x-request-id': sent } })
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    },
  )

  test('is sent to the providers, and returned with an error', async () => {
    const { id } = await makeRecord(app, KAYLE)
    await app.sandbox('KAYLE').forget()
    await post(readNow(id), { headers: { 'x-request-id': 'request-of-the-test' } })
    const [request] = await app.sandbox('KAYLE').requests()
    expect(request?.headers['x-request-id']).toBe('request-of-the-test')
    const refused = await post('{ __typename }', {
      key: 'wrong_key_wrong_key',
      headers: { 'x-request-id': 'refused-request' },
    })
    expect([refused.status, refused.headers.get('x-request-id')]).toEqual([401, 'refused-request'])
  })
})

describe('extensions.upstream', () => {
  const upstreamOf = async (query: string) => {
    const body = (await (await post(query)).json()) as { extensions?: { upstream?: unknown } }
    return body.extensions?.upstream
  }

  test('lists the calls of an operation, each attempt of them, and the avoided calls', async () => {
    const { id } = await makeRecord(app, KAYLE)
    const fault = { kind: 'status', status: 503 } as const
    await app.sandbox('KAYLE').faults([{ method: 'GET', times: 1, fault }])
    const call = { provider: 'KAYLE', operation: 'getSession', kind: 'READ', ms: expect.any(Number) }
    expect(await upstreamOf(readNow(id))).toEqual({
      requestId: expect.any(String),
      calls: [
        { ...call, attempt: 1, outcome: 'PROVIDER_UNAVAILABLE', status: 503 },
        { ...call, attempt: 2, outcome: 'SUCCEEDED', status: 200 },
      ],
      avoided: [],
    })
    await app.sandbox('KAYLE').clearFaults()
    expect(await upstreamOf(`{ session(by: { id: "${id}" }) { id } }`)).toMatchObject({
      calls: [],
      avoided: [{ provider: 'KAYLE', operation: 'getSession', by: 'STORE' }],
    })
  })

  test('shows that a read joined another one, which made the call', async () => {
    const { id } = await makeRecord(app, KAYLE)
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'latency', ms: 300 } }])
    const both = await Promise.all([upstreamOf(readNow(id)), upstreamOf(readNow(id))])
    await app.sandbox('KAYLE').clearFaults()
    expect(both.map(reported => (reported as { calls: unknown[] }).calls.length).sort()).toEqual([0, 1])
    expect(both).toContainEqual(
      expect.objectContaining({ avoided: [{ provider: 'KAYLE', operation: 'getSession', by: 'SHARED' }] }),
    )
  })

  test('is returned to administrators only if others reach the server', async () => {
    const open = await startApp({ HOST: '0.0.0.0' }, { jobs: false })
    const { id } = await makeRecord(open, KAYLE)
    const reader = await withKey(open, { scopes: ['sessions:read'] })
    expect(JSON.parse((await reader.execute(readNow(id))).text)).toEqual({ data: { session: { id } } })
    const administrator = await withKey(open)
    expect((await administrator.execute(readNow(id))).text).toContain('"upstream"')
    await open.close()
  })
})

describe('personal data', () => {
  const CANARIES = ['canary@example.com', 'canary_token_0123456789', 'Canaria', '+46709998877']

  test('is not in the log, the metrics or the listed calls', async () => {
    const [email, token, name, phone] = CANARIES
    const create = /* GraphQL */ `mutation Canaria($input: CreateApplicantInput!) {
      createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id email } } ... on MutationError { code } }
    }`
    const input = {
      idempotencyKey: token,
      externalId: token,
      applicant: { personr: { email, phone, flowName: 'KYC basic', firstName: name } },
    }
    for (const fault of [undefined, { kind: 'status', status: 400 }, { kind: 'html' }] as const) {
      await app.sandbox('PERSONR').faults(fault ? [{ method: 'POST', path: '*applicant-create', fault }] : [])
      const key = `${token}-${fault?.kind}`
      const response = await post(create, {
        variables: { input: { ...input, idempotencyKey: key } },
        headers: { 'x-request-id': email ?? '', traceparent: token ?? '' },
      })
      const { extensions } = (await response.json()) as { extensions?: object }
      for (const canary of CANARIES) expect(JSON.stringify(extensions)).not.toContain(canary)
    }
    await app.sandbox('PERSONR').clearFaults()
    await post(`query ($email: ${name}) { nothing(is: "${email}") }`, { variables: { email } })
    const { text } = await scrape()
    expect(log.lines('operation').length).toBeGreaterThanOrEqual(4)
    for (const canary of CANARIES) {
      expect(log.text()).not.toContain(canary)
      expect(text).not.toContain(canary)
    }
  })
})

/** What Prometheus adds, and the bucket of a histogram. */
const SCRAPED_LABELS = ['instance', 'job', 'le']

describe('the dashboard and the alerts of deploy/', () => {
  const files = ['deploy/grafana/sessiongraph.json', 'deploy/prometheus/alerts.yml']

  test.each(files)('%s refers only to metrics that a scrape has', async file => {
    const names = new Set((await scrape()).text.match(/^# TYPE (\S+)/gm)?.map(line => line.slice('# TYPE '.length)))
    const text = readFileSync(join(packageRoot(), file), 'utf8')
    const named = new Set(text.match(/\b(sessiongraph|nodejs|process)_[a-z0-9_]+/g))
    expect(named.size).toBeGreaterThan(5)
    for (const name of named) expect(names, name).toContain(name.replace(/_(bucket|count|sum)$/, ''))
  })

  test.each(files)('%s selects and groups by labels and values that the metrics can have', async file => {
    const rows = tableRows(readDoc('docs/reference/metrics.md'))
    const labels = new Map(
      rows.flatMap(([name = '', labels = '']) => quotedIn(name).map(one => [one, labels.split(', ')] as const)),
    )
    const values: Readonly<Record<string, readonly string[]>> = {
      code: ERROR_CODES,
      grade: ['ABSORBED', 'DEGRADED', 'REFUSED'],
      kind: [...CALL_KINDS, 'query', 'mutation', 'subscription', 'invalid'],
      outcome: [...ERROR_CODES, 'NOT_SENT', 'SUCCEEDED', 'ok', 'partial', 'failed', 'refused'],
      state: [...OPERATION_STATES, 'accepted', 'waiting'],
    }
    const text = readFileSync(join(packageRoot(), file), 'utf8').replaceAll('\\"', '"')
    const selectors = [...text.matchAll(/\b(sessiongraph_[a-z0-9_]+)\{([^}]*)\}/g)]
    expect(selectors.length).toBeGreaterThan(3)
    for (const [, name = '', selector = ''] of selectors) {
      const known = labels.get(name.replace(/_(bucket|count|sum)$/, '')) ?? labels.get(name) ?? []
      for (const [, label = '', value = ''] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)) {
        if (SCRAPED_LABELS.includes(label)) continue
        expect(known, `${name}{${label}}`).toContain(label)
        if (/[$*+]/.test(value)) continue
        for (const one of value.split('|')) expect(values[label], `${name}{${label}="${one}"}`).toContain(one)
      }
    }
    const all = new Set([...labels.values()].flat())
    for (const [, grouped = ''] of text.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of grouped.split(',').map(each => each.trim()))
        if (!SCRAPED_LABELS.includes(label)) expect([...all], grouped).toContain(label)
  })

  test('the dashboard shows every metric, and docs/reference/metrics.md documents each with its labels, and no unknown one', async () => {
    const { text, samples } = await scrape()
    const ours = [...text.matchAll(/^# TYPE (sessiongraph_\S+)/gm)].map(([, name = '']) => name)
    const dashboard = readDoc(files[0] ?? '')
    for (const name of ours) expect(dashboard, name).toMatch(new RegExp(`\\b${name}(_bucket|_count)?\\b`))
    const rows = tableRows(readDoc('docs/reference/metrics.md')).filter(([name = '']) =>
      name.startsWith('`sessiongraph_'),
    )
    const documented = new Map(rows.flatMap(([name = '', labels = '']) => quotedIn(name).map(one => [one, labels])))
    expect([...documented.keys()].sort()).toEqual(ours.sort())
    for (const { name, labels } of samples) {
      const known = documented.get(name.replace(/_(bucket|count|sum)$/, ''))
      const own = Object.keys(labels).filter(label => label !== 'le')
      if (known !== undefined) expect(own.join(', '), name).toBe(known)
    }
  })

  test('each alert has an expression, a severity and a description', () => {
    const rules = readFileSync(join(packageRoot(), files[1] ?? ''), 'utf8')
      .split('      - alert: ')
      .slice(1)
    expect(rules.length).toBeGreaterThan(8)
    for (const rule of rules) {
      expect(rule).toMatch(/^Sessiongraph\w+\n {8}expr: /)
      expect(rule).toMatch(/\n {8}labels:\n {10}severity: (warning|critical)\n {8}annotations:\n {10}summary: ".+"\n$/)
    }
  })

  test('the dashboard is JSON in which every panel has its position and a query', () => {
    const { panels } = JSON.parse(readFileSync(join(packageRoot(), files[0] ?? ''), 'utf8'))
    expect(panels.length).toBeGreaterThan(8)
    for (const panel of panels) {
      expect(panel).toMatchObject({ title: expect.any(String), gridPos: expect.any(Object) })
      expect(panel.targets[0].expr, panel.title).toEqual(expect.any(String))
    }
  })
})
