import { randomUUID } from 'node:crypto'
import { upsertDrift } from '../../../db/repositories/drift-repository.ts'
import { insertMinutes } from '../../../db/repositories/provider-stats-repository.ts'
import { addDuration, type LatencyHistogram } from '../../../src/domain/latency-histogram.ts'
import { PROVIDERS, type Provider } from '../../../src/domain/provider.ts'
import { recordAudit } from '../../../src/services/access/tenants.ts'
import { DEV, deliver, fromVerilock, openEndpoint, signKayle } from '../providers/deliveries.ts'
import { type Answer, API_KEY, type SandboxControl, startApp, type TestApp } from './test-app.ts'

/** An application with data for every view of the console. */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export interface ConsoleApp {
  readonly app: TestApp
  /** The URL of the console. */
  readonly url: string
  /** The idempotency keys of creates with unknown outcome, which the server looks for. */
  readonly unknownCreate: readonly string[]
  /** The idempotency key of a create with unknown outcome that only an operator can settle. */
  readonly stuckCreate: string
  readonly quarantinedId: string
  /** A session with a timeline, and its user. */
  readonly session: {
    readonly id: string
    readonly externalId: string
    readonly graphqlId: string
    readonly providerId: string
    /** The request that made it. */
    readonly requestId: string
  }
}

export async function startConsoleApp(env: NodeJS.ProcessEnv = {}): Promise<ConsoleApp> {
  const app = await startApp(env, { jobs: false })
  const session = await makeSession(app)
  await writeMinutes(app)
  await copySession(app, session.id)
  await writeDrift(app)
  await recordAudit(app.db, { tenantId: 'dev', action: 'key.create', at: new Date() })
  return {
    app,
    url: new URL('/console', app.url).href,
    unknownCreate: [await lose(app), await lose(app)],
    stuckCreate: await loseApplicant(app, app.sandbox('PERSONR')),
    quarantinedId: await fillInbox(app),
    session,
  }
}

async function makeSession(app: TestApp): Promise<ConsoleApp['session']> {
  const externalId = 'user-zaphodius-42'
  const requestId = `request-${randomUUID()}`
  const response = await app.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
      'x-request-id': requestId,
    },
    body: JSON.stringify({
      query: CREATE,
      variables: {
        input: { idempotencyKey: randomUUID(), session: { kayle: { redirectUrl: 'https://app.example.com/done' } } },
      },
    }),
  })
  const { data } = (await response.json()) as Pick<Answer, 'data'>
  const { id, providerId } = data.createSession.session
  for (const [recordType, record] of Object.entries(RECORDS))
    await app.execute(CREATE_RECORD[recordType] ?? '', { externalId, record })
  await app.execute(
    'mutation ($id: ID!, $to: String!) { linkSession(input: { sessionId: $id, externalId: $to }) { __typename } }',
    { id, to: externalId },
  )
  for (const to of ['attempt_started', 'attempt_succeeded']) {
    await app.sandbox('KAYLE').advance({ id: providerId, to })
    const answer = await app.execute(READ, { id })
    if (answer.errors.length > 0) throw new Error(JSON.stringify(answer.errors))
  }
  return {
    id: Buffer.from(id, 'base64url').toString().split(':')[1] ?? '',
    externalId,
    graphqlId: id,
    providerId,
    requestId,
  }
}

const CREATE = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
}`

/** A person with the same external id at other providers. */
const RECORDS = {
  Applicant: { personr: { email: 'zaphod@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  Customer: { rapidly: { email: 'zaphod@example.com' } },
}

const CREATE_RECORD: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(RECORDS).map(recordType => [
    recordType,
    `mutation ($externalId: String!, $record: Provider${recordType}Input!) {
      create${recordType}(input: { idempotencyKey: "${recordType}", externalId: $externalId, ${recordType.toLowerCase()}: $record }) {
        __typename
      }
    }`,
  ]),
)

const READ = `query ($id: ID!) {
  session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status attempts { edges { node { status } } } }
}`

/** A create that never gets a response. */
async function lose(app: TestApp): Promise<string> {
  const key = `lost-${randomUUID()}`
  await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
  await app.execute(CREATE, { input: { idempotencyKey: key, session: { kayle: {} } } })
  await app.sandbox('KAYLE').clearFaults()
  return key
}

/** Personr can neither be searched nor be sent the same again. */
export async function loseApplicant(client: Pick<TestApp, 'execute'>, personr: SandboxControl): Promise<string> {
  const key = `stuck-${randomUUID()}`
  const fault = { kind: 'reset', when: 'after' } as const
  await personr.faults([{ method: 'POST', path: '*-create', fault }])
  const applicant = { personr: { email: 'ford@example.com', phone: '+46 70 000 00 01', flowName: 'KYC basic' } }
  await client.execute('mutation ($input: CreateApplicantInput!) { createApplicant(input: $input) { __typename } }', {
    input: { idempotencyKey: key, applicant },
  })
  await personr.clearFaults()
  return key
}

/** Call statistics of one day for each provider, as the job writes them, with an outage of Personr. */
async function writeMinutes(app: TestApp): Promise<void> {
  const now = Date.now() - (Date.now() % MINUTE_MS)
  const accounts = app.services.accounts.all()
  for (const { id, provider, tenantId } of accounts) {
    const minutes = Array.from({ length: 360 }, (_, index) => {
      const down = provider === 'PERSONR' && index > 200 && index < 240
      const wave = 1 + Math.sin(index / 40 + PROVIDERS.indexOf(provider)) / 2
      return {
        id: randomUUID(),
        tenantId,
        accountId: id,
        provider,
        at: new Date(now - (360 - index) * MINUTE_MS),
        instance: 'one',
        calls: 40,
        failures: down ? { TIMEOUT: 20, SERVER_ERROR: 10 } : index % 50 === 0 ? { RATE_LIMITED: 2 } : {},
        latencies: latenciesOf(20, Math.round(90 * wave), 20, Math.round((down ? 2_400 : 310) * wave)),
        circuit: down ? 'OPEN' : 'CLOSED',
      }
    })
    for (let from = 0; from < minutes.length; from += 50) await insertMinutes(app.db, minutes.slice(from, from + 50))
  }
}

function latenciesOf(fast: number, fastMs: number, slow: number, slowMs: number): LatencyHistogram {
  const latencies: LatencyHistogram = new Map()
  for (let call = 0; call < fast; call += 1) addDuration(latencies, fastMs)
  for (let call = 0; call < slow; call += 1) addDuration(latencies, slowMs)
  return latencies
}

/** Status, outcome, and the furthest stage. */
const ENDS = [
  ['COMPLETED', 'APPROVED', 3],
  ['COMPLETED', 'APPROVED', 3],
  ['COMPLETED', 'APPROVED', 3],
  ['COMPLETED', 'REJECTED', 2],
  ['IN_PROGRESS', 'PENDING', 1],
  ['CREATED', 'PENDING', 0],
  ['EXPIRED', 'NOT_APPLICABLE', 1],
  ['IN_PROGRESS', 'NEEDS_RETRY', 1],
] as const

/** Copies the session to a month of sessions at all providers. */
async function copySession(app: TestApp, id: string): Promise<void> {
  const row = await app.db.sql.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const accounts = app.services.accounts.all()
  const rows = Array.from({ length: 400 }, (_, index) => {
    const { id: account_id, provider } = accounts[index % accounts.length] ?? { id: '', provider: 'KAYLE' as Provider }
    const [status, outcome, stage] = ENDS[Math.floor(index / accounts.length) % ENDS.length] ?? ENDS[0]
    const created_at = Date.now() - ((index * index * 37) % (29 * DAY_MS)) - (index % 29) * DAY_MS * 0.9
    const at = Math.max(created_at, Date.now() - 29 * DAY_MS)
    return {
      ...row,
      id: randomUUID(),
      account_id,
      provider,
      provider_id: `copy_${index}`,
      status,
      outcome,
      stage,
      external_id: `user-${index}`,
      created_at: Math.round(at),
    }
  })
  for (let from = 0; from < rows.length; from += 20) {
    await app.db.sql
      .insertInto('sessions')
      .values(rows.slice(from, from + 20))
      .execute()
  }
}

async function writeDrift(app: TestApp): Promise<void> {
  const [first, second] = app.services.accounts.all()
  const at = new Date()
  const common = { tenantId: 'dev', firstAt: new Date(at.getTime() - 3 * DAY_MS), lastAt: at }
  await upsertDrift(app.db, {
    ...common,
    accountId: first?.id ?? '',
    provider: first?.provider ?? 'KAYLE',
    operation: 'getSession',
    grade: 'ABSORBED',
    path: 'data.attempts.*.liveness_of_the_face',
    shape: 'object {passed, score}',
    count: 1_204,
  })
  await upsertDrift(app.db, {
    ...common,
    accountId: second?.id ?? '',
    provider: second?.provider ?? 'PERSONR',
    operation: 'getApplicant',
    grade: 'DEGRADED',
    path: 'status',
    shape: 'string',
    count: 3,
  })
  await upsertDrift(app.db, {
    ...common,
    accountId: second?.id ?? '',
    provider: second?.provider ?? 'PERSONR',
    operation: 'getSession',
    grade: 'REFUSED',
    path: '',
    shape: null,
    count: 12,
  })
}

/** Sends a valid delivery and one that cannot be parsed. Returns the id of the latter. */
async function fillInbox(app: TestApp): Promise<string> {
  const verilock = await openEndpoint(app, 'VERILOCK')
  await deliver(app, verilock, fromVerilock(verilock, { event: 'aml.alert', webhook_id: 'wh_1', data: {} }))
  await app.services.webhookInbox.applyDue()
  const kayle = await openEndpoint(app, 'KAYLE')
  await deliver(app, kayle, signKayle('not a JWE', kayle.secret, new Date()))
  const found = (await app.services.webhookEndpoints.deliveries(DEV, 10)).find(({ state }) => state === 'QUARANTINED')
  return found?.id ?? ''
}
