import { randomUUID } from 'node:crypto'
import { addDrift } from '../../db/drift-repository.ts'
import { insertMinutes } from '../../db/minute-repository.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import { DEV, deliver, fromVerilock, openDoor, signKayle } from './deliveries.ts'
import { type House, startHouse } from './house.ts'

/** A house with something to look at in every view of the console. */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export interface ConsoleHouse {
  readonly house: House
  /** The page. */
  readonly url: string
  /** The idempotency keys of creates that nobody knows the outcome of. */
  readonly lost: readonly string[]
  readonly quarantinedId: string
  /** A session with a timeline, and its user. */
  readonly session: { readonly id: string; readonly externalId: string }
}

export async function startConsoleHouse(env: NodeJS.ProcessEnv = {}): Promise<ConsoleHouse> {
  const house = await startHouse(env, { jobs: false })
  const session = await makeSession(house)
  await writeMinutes(house)
  await copySession(house, session.id)
  await writeDrift(house)
  return {
    house,
    url: new URL('/console', house.url).href,
    lost: [await lose(house), await lose(house)],
    quarantinedId: await fillInbox(house),
    session,
  }
}

async function makeSession(house: House): Promise<ConsoleHouse['session']> {
  const externalId = 'user-zaphodius-42'
  const { data } = await house.ask(CREATE, {
    input: { idempotencyKey: randomUUID(), session: { kayle: { redirectUrl: 'https://app.example.com/done' } } },
  })
  const { id, providerId } = data.createSession.session
  for (const [noun, record] of Object.entries(RECORDS))
    await house.ask(CREATE_RECORD[noun] ?? '', { externalId, record })
  await house.ask(
    'mutation ($id: ID!, $to: String!) { linkSession(input: { sessionId: $id, externalId: $to }) { __typename } }',
    { id, to: externalId },
  )
  for (const to of ['attempt_started', 'attempt_succeeded']) {
    await house.sandbox('KAYLE').advance({ id: providerId, to })
    const answer = await house.ask(READ, { id })
    if (answer.errors.length > 0) throw new Error(JSON.stringify(answer.errors))
  }
  return { id: Buffer.from(id, 'base64url').toString().split(':')[1] ?? '', externalId }
}

const CREATE = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
}`

/** Who is known by the same external id elsewhere. */
const RECORDS = {
  Applicant: { personr: { email: 'zaphod@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  Customer: { rapidly: { email: 'zaphod@example.com' } },
}

const CREATE_RECORD: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(RECORDS).map(noun => [
    noun,
    `mutation ($externalId: String!, $record: Provider${noun}Input!) {
      create${noun}(input: { idempotencyKey: "${noun}", externalId: $externalId, ${noun.toLowerCase()}: $record }) {
        __typename
      }
    }`,
  ]),
)

const READ = `query ($id: ID!) {
  session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status attempts { edges { node { status } } } }
}`

/** A create whose answer never came. */
async function lose(house: House): Promise<string> {
  const key = `lost-${randomUUID()}`
  await house.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
  await house.ask(CREATE, { input: { idempotencyKey: key, session: { kayle: {} } } })
  await house.sandbox('KAYLE').clearFaults()
  return key
}

/** A day of calls at each provider, as the job writes it down; Personr was down for a while. */
async function writeMinutes(house: House): Promise<void> {
  const now = Date.now() - (Date.now() % MINUTE_MS)
  const accounts = house.services.accounts.all()
  for (const { id, provider, tenantId } of accounts) {
    const minutes = Array.from({ length: 360 }, (_, index) => {
      const down = provider === 'PERSONR' && index > 200 && index < 240
      const wave = 1 + Math.sin(index / 40 + PROVIDERS.indexOf(provider)) / 2
      return {
        tenantId,
        accountId: id,
        provider,
        at: new Date(now - (360 - index) * MINUTE_MS),
        instance: 'one',
        calls: 40,
        failures: down ? 30 : index % 50 === 0 ? 2 : 0,
        p50Ms: Math.round(90 * wave),
        p95Ms: Math.round((down ? 2_400 : 310) * wave),
        circuit: down ? 'OPEN' : 'CLOSED',
      }
    })
    for (let from = 0; from < minutes.length; from += 50) await insertMinutes(house.db, minutes.slice(from, from + 50))
  }
}

const ENDS = [
  ['COMPLETED', 'APPROVED'],
  ['COMPLETED', 'APPROVED'],
  ['COMPLETED', 'APPROVED'],
  ['COMPLETED', 'REJECTED'],
  ['IN_PROGRESS', 'PENDING'],
  ['CREATED', 'PENDING'],
  ['EXPIRED', 'NOT_APPLICABLE'],
  ['IN_PROGRESS', 'NEEDS_RETRY'],
] as const

/** A month of sessions at all providers, like the one that is there. */
async function copySession(house: House, id: string): Promise<void> {
  const row = await house.db.sql.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const accounts = house.services.accounts.all()
  const rows = Array.from({ length: 400 }, (_, index) => {
    const { id: account_id, provider } = accounts[index % accounts.length] ?? { id: '', provider: 'KAYLE' as Provider }
    const [status, outcome] = ENDS[Math.floor(index / accounts.length) % ENDS.length] ?? ENDS[0]
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
      external_id: `user-${index}`,
      created_at: Math.round(at),
    }
  })
  for (let from = 0; from < rows.length; from += 20) {
    await house.db.sql
      .insertInto('sessions')
      .values(rows.slice(from, from + 20))
      .execute()
  }
}

async function writeDrift(house: House): Promise<void> {
  const [first, second] = house.services.accounts.all()
  const at = new Date()
  const common = { tenantId: 'dev', firstAt: new Date(at.getTime() - 3 * DAY_MS), lastAt: at }
  await addDrift(house.db, {
    ...common,
    accountId: first?.id ?? '',
    provider: first?.provider ?? 'KAYLE',
    operation: 'getSession',
    grade: 'ABSORBED',
    path: 'data.attempts.*.liveness_of_the_face',
    shape: 'object {passed, score}',
    count: 1_204,
  })
  await addDrift(house.db, {
    ...common,
    accountId: second?.id ?? '',
    provider: second?.provider ?? 'PERSONR',
    operation: 'getApplicant',
    grade: 'DEGRADED',
    path: 'status',
    shape: 'string',
    count: 3,
  })
}

/** One delivery that is applied, one that nobody understands. Gives the id of the latter. */
async function fillInbox(house: House): Promise<string> {
  const verilock = await openDoor(house, 'VERILOCK')
  await deliver(house, verilock, fromVerilock(verilock, { event: 'aml.alert', webhook_id: 'wh_1', data: {} }))
  await house.services.inbox.applyDue()
  const kayle = await openDoor(house, 'KAYLE')
  await deliver(house, kayle, signKayle('not a JWE', kayle.secret, new Date()))
  const found = (await house.services.endpoints.deliveries(DEV, 10)).find(({ state }) => state === 'QUARANTINED')
  return found?.id ?? ''
}
