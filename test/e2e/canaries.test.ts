import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { registry } from '../../src/providers/registry.ts'
import type { FaultRuleInput } from '../../src/sandbox/faults/fault-rule.ts'
import { testConnection } from '../../src/services/accounts/connection-check.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { type Answer, startApp, type TestApp } from '../harness/app/test-app.ts'
import {
  type Canaries,
  type CanaryPerson,
  createCanaries,
  createPerson,
  findIn,
  findInFiles,
  findOpened,
} from '../harness/canaries.ts'
import { DEV, deliver, fromPersonr, fromVerilock } from '../harness/providers/deliveries.ts'

/** Unique secrets and personal data, through every flow and every fault. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-canaries-'))
const canaries: Canaries = createCanaries()
const logged: string[] = []
const errors: string[] = []
const env = {
  DATABASE_URL: `sqlite:${join(folder, 'canaries.db')}`,
  DEV_API_KEY: canaries.add('API key', `sg_canary_${randomUUID()}`),
  ENCRYPTION_KEY: canaries.add('encryption key', randomUUID().replaceAll('-', '').repeat(2)),
  LOG_LEVEL: 'trace',
}
const personId = `usr_${randomUUID()}`
let app: TestApp
let person: CanaryPerson

beforeAll(async () => {
  const logTo = { write: (line: string) => void logged.push(line) }
  app = withKey(await startApp({ BREAKER_MINIMUM_CALLS: '100000', ...env }, { jobs: false, logTo }))
  person = await createPerson(app, canaries, personId)
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Sends requests with the canary of a key, and collects the errors. */
function withKey(running: TestApp): TestApp {
  async function execute(query: string, variables?: object): Promise<Answer> {
    const response = await running.app.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${env.DEV_API_KEY}` },
      body: JSON.stringify({ query, variables }),
    })
    const body = (await response.json()) as Partial<Answer>
    errors.push(JSON.stringify([body.errors, refusalsIn(body.data)]))
    return { status: response.status, data: body.data, errors: body.errors ?? [] }
  }
  return { ...running, execute }
}

/** The error fields of a result union. */
function refusalsIn(data: unknown): unknown[] {
  if (typeof data !== 'object' || data === null) return []
  const values = Object.values(data)
  return [...('code' in data ? [data] : []), ...values.flatMap(refusalsIn)]
}

const WHOLE = `query ($id: ID!) { node(id: $id) {
  ... on Session { id status metadata redirectUrl access { hostedUrl sdkToken cancelToken } details { __typename }
    attempts { nodes { status details { __typename } } } applicant { email phone firstName lastName } customer { email name }
    timeline { nodes { id source } } }
  ... on Applicant { email phone firstName lastName details { __typename } }
  ... on Customer { email name phone details { __typename } } } }`

/** A fresh read of the record, of any type. */
const NOW = '(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { id }'
const FRESH = `query ($id: ID!) { session${NOW} applicant${NOW} customer${NOW} }`

async function readAll(): Promise<void> {
  for (const { id } of person.records) {
    await app.execute(WHOLE, { id })
    await app.execute(FRESH, { id })
  }
  await app.execute(
    `{ sessions(first: 50) { nodes { id access { hostedUrl } } } customers(first: 50) { nodes { email } } }`,
  )
}

test('there are at least 50 canaries', async () => {
  const tenantId = `t-${canaries.mark}`
  for (const provider of PROVIDERS) {
    const login: Record<string, string> =
      provider === 'PERSONR'
        ? { email: canaries.email('PersonrLogin'), password: canaries.text('PersonrPassword') }
        : Object.fromEntries(registry[provider].secrets.map(name => [name, canaries.text(`${provider}-${name}`)]))
    const baseUrl = app.sandboxes.find(sandbox => sandbox.provider === provider)?.baseUrl ?? ''
    await app.services.providerSettings.set({ tenantId }, { provider, given: { baseUrl, ...login } })
    const secret = canaries.text(`${provider}WebhookSecret`)
    await app.services.webhookEndpoints.add(DEV, { provider, secrets: [secret] })
    const reported = await testConnection(await app.services.accounts.get(tenantId, provider))
    errors.push(reported.message)
  }
  expect(canaries.all.size).toBeGreaterThanOrEqual(50)
})

/** One rule for each type of fault and each of its variants. */
const FAULTS: readonly FaultRuleInput['fault'][] = [
  { kind: 'status', status: 400 },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 409, processed: true },
  { kind: 'status', status: 422 },
  { kind: 'status', status: 429, retryAfter: 1 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, processed: true },
  { kind: 'html' },
  { kind: 'html', status: 502, processed: true },
  { kind: 'redirect', location: 'https://elsewhere.example/' },
  { kind: 'reset', when: 'before' },
  { kind: 'reset', when: 'after' },
  { kind: 'truncated' },
  { kind: 'oversized', bytes: 2_000_000 },
  { kind: 'latency', ms: 1 },
  { kind: 'drip', ms: 1, bytes: 4_096 },
  { kind: 'drift', change: 'drop', field: 'id' },
  { kind: 'drift', change: 'rename', field: 'status' },
  { kind: 'drift', change: 'retype', field: 'email' },
  { kind: 'drift', change: 'word', field: 'status' },
]

describe('no canary leaks through errors', () => {
  /** Only what the provider generates may contain the input. */
  const echo = () => [...canaries.all.values()].slice(0, 20).join(' ')

  test.each(FAULTS.map(fault => [JSON.stringify(fault), fault] as const))(
    'with %s',
    async (_, fault) => {
      const echoing = fault.kind === 'status' ? { ...fault, json: toRefusal(echo()) } : fault
      for (const provider of PROVIDERS) await app.sandbox(provider).faults([{ path: '*', fault: echoing }])
      await readAll()
      for (const { mutation, input } of person.keys) {
        await app.execute(mutation, {
          input: { ...input, externalId: `usr_${randomUUID()}`, idempotencyKey: randomUUID() },
        })
      }
      for (const provider of PROVIDERS) await app.sandbox(provider).clearFaults()
      expect(findIn(errors.join('\n'), canaries)).toEqual([])
      expect(findIn(logged.join('\n'), canaries)).toEqual([])
    },
    60_000,
  )

  test('with input that is refused before any request', async () => {
    const text = canaries.text('Refused')
    const session = { verilock: { profileId: text, applicantEmail: text, redirectUrl: `javascript:${text}` } }
    const mutation = person.keys[0]?.mutation ?? ''
    for (const input of [
      { idempotencyKey: '', session },
      { idempotencyKey: randomUUID(), metadata: text, session },
    ]) {
      const { errors: output, data } = await app.execute(mutation, { input })
      expect(output.length + refusalsIn(data).length).toBeGreaterThan(0)
    }
    expect(findIn(errors.join('\n'), canaries)).toEqual([])
  })

  test('with deliveries that are forged, unreadable or about an unknown record', async () => {
    const text = canaries.text('Delivered')
    const { endpoint } = await app.services.webhookEndpoints.add(DEV, {
      provider: 'VERILOCK',
      secrets: [canaries.text('Another')],
    })
    const path = `/webhooks/verilock/${endpoint.id}`
    const secret = canaries.all.get('Another') ?? ''
    expect(await deliver(app, { path }, fromVerilock({ secret: 'wrong' }, { event: text }))).toBe(401)
    expect(await deliver(app, { path }, fromVerilock({ secret }, { odd: text }))).toBe(204)
    const unknown = {
      event: 'session.approved',
      webhook_id: text,
      data: { session_id: `ses_${randomUUID()}`, note: text },
    }
    expect(await deliver(app, { path }, fromVerilock({ secret }, unknown))).toBe(204)
    const personr = await app.services.webhookEndpoints.add(DEV, { provider: 'PERSONR' })
    await deliver(app, { path: `/webhooks/personr/${personr.endpoint.id}` }, fromPersonr({ secret: 'wrong' }, { text }))
    await app.services.webhookInbox.applyDue()
  })
})

describe('no canary is', () => {
  test('in the log at its most verbose level', async () => {
    // A warning is written at once, with all lines before it.
    app.log.warn('the log is heard')
    expect(logged.join('')).toContain('the log is heard')
    expect(findIn(logged.join('\n'), canaries)).toEqual([])
  })

  test('in error reports', () => {
    expect(errors.length).toBeGreaterThan(300)
    expect(errors.join('')).toMatch(/PROVIDER_REJECTED|PROVIDER_UNAVAILABLE/)
    expect(errors.join('')).not.toContain('"RATE_LIMITED"')
    expect(findIn(errors.join('\n'), canaries)).toEqual([])
  })

  test('in provider health, in metrics or at any other machine endpoint', async () => {
    const health = await app.execute(
      '{ providers { provider configured sandbox capabilities name health { state errorRate p95Ms lastWebhookAt } } }',
    )
    expect(health.data.providers).toHaveLength(PROVIDERS.length)
    const endpoints = await Promise.all(
      ['/livez', '/readyz', '/metrics', '/healthz', '/'].map(async path =>
        (await app.app.fetch(`http://localhost${path}`)).text(),
      ),
    )
    expect(findIn(JSON.stringify(health) + endpoints.join('\n'), withoutKey())).toEqual([])
  })

  test('in a timeline or an operation', async () => {
    for (const table of ['events', 'operations'] as const) {
      const rows = await app.db.sql.selectFrom(table).selectAll().execute()
      expect(rows.length).toBeGreaterThan(5)
      expect(findIn(JSON.stringify(rows), canaries)).toEqual([])
    }
  })

  test('in the output of the command line', async () => {
    const shown = await Promise.all([
      run(['webhooks', 'list']),
      run(['operations', 'list', '--state', 'SUCCEEDED', 'FAILED', 'UNKNOWN']),
      run(['providers', 'list', `t-${canaries.mark}`]),
      run(['--json', 'providers', 'list', `t-${canaries.mark}`]),
    ])
    // A delivery is listed by the event id of its provider.
    expect(findIn(shown.join('\n'), canaries).filter(name => name !== 'Delivered' && name !== 'PersonrLogin')).toEqual(
      [],
    )
  }, 60_000)

  test('in plain text in the database files', () => {
    expect(findInFiles(folder, canaries).filter(name => name !== 'Delivered')).toEqual([])
  })
})

test('after an erasure no data of the person remains, and none returns', async () => {
  for (const { id, state } of await app.services.operations.list(DEV, ['UNKNOWN', 'SENT'], 1_000)) {
    if (state === 'UNKNOWN') await app.services.operations.settleAbsent(DEV, id)
  }
  const rest = createCanaries()
  const only = await createPerson(app, rest, `usr_${rest.mark}`)
  expect((await findOpened(app, rest)).length).toBeGreaterThan(20)
  await app.services.erasure.erase(DEV, only.externalId)
  rest.add('externalId', only.externalId)
  expect(await findOpened(app, rest)).toEqual([])
  expect(findInFiles(folder, rest)).toEqual([])
  expect(await only.claims()).toBe(204)
  await app.services.polling.run()
  await app.services.createReconciler.run()
  expect(await findOpened(app, rest)).toEqual([])
  expect(findIn(logged.join('\n'), rest)).toEqual([])
})

/** The start page of a browser on this machine contains the development key on purpose. */
function withoutKey(): Canaries {
  return { ...canaries, all: new Map([...canaries.all].filter(([name]) => name !== 'API key')) }
}

function toRefusal(text: string) {
  return {
    error: { type: text, code: text, message: text, param: text, hint: text },
    message: text,
    detail: [{ loc: ['body'], msg: text, type: text }],
  }
}

function run(args: readonly string[]): Promise<string> {
  const { PATH, HOME } = process.env
  const options = { cwd: packageRoot(), env: { PATH, HOME, ...env, SANDBOX: 'off' } }
  return new Promise(resolve => {
    const command = [builtFile('cli/main.js'), ...args]
    execFile(process.execPath, command, options, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}
