import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import type { FaultRuleInput } from '../../src/sandbox/faults/fault-rule.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Canaries, createCanaries, findIn, findOpened } from '../harness/canaries.ts'
import {
  DEV,
  deliver,
  encryptKayleText,
  fromKayle,
  fromPersonr,
  fromRapidly,
  fromVerilock,
  openEndpoint,
  type SignedDelivery,
  signKayle,
  signVerilock,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/**
 * Two persons with a random history, one of whom is erased, and then anything that still arrives: nothing of the erased
 * person is in any row or answer, and the other one is as before.
 */

const RUNS = Number(process.env.RUNS ?? 8)
const SEED = Number(process.env.SEED ?? Date.now())

const PROVIDERS = ['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK'] as const
type Used = (typeof PROVIDERS)[number]

let app: TestApp
const endpoints = new Map<Provider, WebhookTarget>()
let last = 0

beforeAll(async () => {
  // A strictly increasing clock, so that a record is stale at its next read.
  const now = () => new Date(Math.max(++last, Date.now()))
  app = await startApp({ BREAKER_MINIMUM_CALLS: '100000' }, { now, jobs: false })
  for (const provider of PROVIDERS) endpoints.set(provider, await openEndpoint(app, provider))
})
afterAll(() => app.close())

interface Create {
  readonly provider: Used
  readonly mutation: string
  readonly input: object
  providerId?: string
}

interface Person {
  readonly externalId: string
  /** Includes what the providers generate. */
  readonly canaries: Canaries
  readonly creates: Create[]
}

type Step =
  | { readonly type: 'create'; readonly provider: Used; readonly how: How }
  | { readonly type: 'deliver'; readonly provider: Used; readonly readable: boolean; readonly unknown: boolean }
  | { readonly type: 'import' | 'read' | 'repeat' | 'replay' }
  | { readonly type: 'poll' }

const provider = fc.constantFrom(...PROVIDERS)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('create' as const),
      provider,
      how: fc.constantFrom('lost' as const, 'made' as const, 'made' as const, 'refused' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('deliver' as const),
      provider,
      readable: fc.boolean(),
      unknown: fc.boolean(),
    }),
  },
  fc.record({ type: fc.constantFrom('import' as const, 'read' as const, 'repeat' as const, 'replay' as const) }),
  fc.record({ type: fc.constant('poll' as const) }),
)
const history = fc.array(fc.tuple(fc.boolean(), step), { minLength: 4, maxLength: 14 })

function createMutation(recordType: 'Applicant' | 'Customer' | 'Session'): string {
  const field = recordType.toLowerCase()
  return `mutation ($input: Create${recordType}Input!) { made: create${recordType}(input: $input) { __typename
    ... on Create${recordType}Payload { record: ${field} { id providerId } } ... on MutationError { code message } } }`
}

type How = 'lost' | 'made' | 'refused'

function toCreate(at: Used, how: How, { externalId, canaries, creates }: Person): Create {
  const number = creates.length
  const text = (name: string) => canaries.text(`${name}${number}`)
  const common = { idempotencyKey: text('Key'), externalId }
  const email = canaries.email(`Mail${number}`)
  if (at === 'RAPIDLY')
    return {
      provider: at,
      mutation: createMutation('Customer'),
      input: { ...common, customer: { rapidly: { email, name: text('Name') } } },
    }
  if (at === 'PERSONR') {
    const personr = { email, phone: '+46 70 000 00 00', firstName: text('First'), flowName: 'KYC basic' }
    return { provider: at, mutation: createMutation('Applicant'), input: { ...common, applicant: { personr } } }
  }
  const session =
    at === 'KAYLE'
      ? // Kayle's record of a lost create names nobody, so that it cannot be attributed.
        { kayle: { redirectUrl: `https://app.example.com/${how === 'lost' ? 'done' : text('Redirect')}` } }
      : {
          verilock: {
            profileId: '01234567-89ab-cdef-0123-456789abcdef',
            applicantEmail: email,
            applicantName: text('Name'),
            redirectUrl: 'https://app.example.com/done',
          },
        }
  const input = { ...common, metadata: { note: text('Note') }, session }
  return { provider: at, mutation: createMutation('Session'), input }
}

async function send({ mutation, input }: Create) {
  const { data, errors } = await app.execute(mutation, { input })
  return { record: data?.made?.record, text: JSON.stringify([data, errors]) }
}

async function create(person: Person, at: Used, how: How): Promise<void> {
  const made = toCreate(at, how, person)
  const fault: FaultRuleInput['fault'] =
    how === 'lost'
      ? { kind: 'reset', when: 'after' }
      : { kind: 'status', status: 422, json: { note: JSON.stringify(made) } }
  if (how !== 'made') await app.sandbox(at).faults([{ method: 'POST', fault }])
  const { record } = await send(made)
  await app.sandbox(at).clearFaults()
  if (record) {
    made.providerId = record.providerId
    person.canaries.add(`${at} id ${person.creates.length}`, record.providerId)
  }
  person.creates.push(made)
}

/** A delivery about a record of the person, or about one that is stored nowhere and has the person's externalId. */
async function sendDelivery(person: Person, at: Used, { readable, unknown }: { readable: boolean; unknown: boolean }) {
  const target = endpoints.get(at)
  if (!target) throw new Error(`${at} has no endpoint.`)
  const known = unknown ? undefined : person.creates.findLast(made => made.provider === at)?.providerId
  const delivery = readable
    ? await toReadable(person, at, target, known)
    : await toUnreadable(person, at, target, known)
  if (delivery) expect(await deliver(app, target, delivery)).toBe(204)
  await app.services.webhookInbox.applyDue()
}

async function toReadable(
  { externalId, canaries }: Person,
  at: Used,
  target: WebhookTarget,
  known: string | undefined,
): Promise<SignedDelivery | undefined> {
  const time = new Date().toISOString()
  if (at === 'VERILOCK') {
    const data = { session_id: known ?? `ses_${randomUUID()}`, status: 'approved', external_id: externalId }
    return fromVerilock(target, { event: 'session.approved', webhook_id: randomUUID(), timestamp: time, data })
  }
  if (at === 'KAYLE') {
    const type = 'verification.session.succeeded'
    const claims = { given_names: canaries.text('Claim') }
    // What Kayle reports of a session that nobody knows is about nobody.
    if (!known) return undefined
    return fromKayle(target, { type, sessionId: known, data: { claims, selected_field_keys: ['given_names'] } })
  }
  if (at === 'PERSONR')
    return fromPersonr(target, {
      applicantId: known ?? `${Date.now()}x${'4'.repeat(18)}`,
      externalUserId: [externalId],
    })
  const customer = { id: known ?? randomUUID(), email: `x${canaries.mark}@example.com`, external_id: externalId }
  const data = { ...customer, created_at: '2020-01-01T00:00:00Z', email_verified: false, metadata: {} }
  return fromRapidly(target, { type: 'customer.updated', timestamp: time, data })
}

async function toUnreadable(
  { externalId }: Person,
  at: Used,
  target: WebhookTarget,
  known: string | undefined,
): Promise<SignedDelivery> {
  const body = { odd: [{ about: known ?? externalId, number: randomUUID() }] }
  if (at === 'VERILOCK') return signVerilock(target, JSON.stringify(body))
  if (at === 'KAYLE')
    return signKayle(await encryptKayleText(JSON.stringify(body), target.publicJwk), target.secret, new Date())
  return at === 'PERSONR' ? fromPersonr(target, body) : fromRapidly(target, body)
}

async function perform(person: Person, it: Step): Promise<void> {
  switch (it.type) {
    case 'create':
      return create(person, it.provider, it.how)
    case 'deliver':
      return sendDelivery(person, it.provider, it)
    case 'import':
      return importAll()
    case 'poll':
      return poll()
    case 'read':
      for (const made of person.creates) await read(made)
      return
    case 'repeat':
      for (const made of person.creates) {
        const { record } = await send(made)
        if (record) person.canaries.add(`again ${record.providerId}`, record.providerId)
        made.providerId ??= record?.providerId
      }
      return
    case 'replay':
      return replayAll()
  }
}

async function importAll(): Promise<void> {
  const options = { callsPerMinute: 1_000_000, restart: true, report: () => {} }
  for (const at of ['KAYLE', 'RAPIDLY', 'VERILOCK'] as const) await app.services.imports.run(DEV, at, options)
}

async function poll(): Promise<void> {
  await app.services.polling.run()
  await app.services.createReconciler.run()
}

async function replayAll(): Promise<void> {
  for (const { id } of await app.services.webhookEndpoints.deliveries(DEV, 1_000))
    await app.services.webhookInbox.replay(DEV, id)
  await app.services.webhookInbox.applyDue()
}

const FIELDS = { KAYLE: 'session', PERSONR: 'applicant', RAPIDLY: 'customer', VERILOCK: 'session' } as const

async function read({ provider, providerId }: Create): Promise<string> {
  if (providerId === undefined) return ''
  const query = `query ($id: String!) { ${FIELDS[provider]}(by: { atProvider: { provider: ${provider}, providerId: $id } },
    freshness: { maxAgeSeconds: 0 }) { id } }`
  return JSON.stringify(await app.execute(query, { id: providerId }))
}

/** Everything that the API returns of everybody. */
async function readEverything(persons: readonly Person[]): Promise<string> {
  const answers = [
    await app.execute(`{
      sessions(first: 100) { nodes { id providerId externalId redirectUrl metadata access { hostedUrl } timeline { nodes { id } }
        details { ... on KayleSessionDetails { claims } } attempts { nodes { providerId } } } }
      applicants(first: 100) { nodes { id providerId externalId email firstName } }
      customers(first: 100) { nodes { id providerId externalId email name metadata } }
      events(first: 100) { nodes { id session { providerId } } } }`),
  ]
  for (const { input } of persons.flatMap(({ creates }) => creates)) {
    const { idempotencyKey } = input as { idempotencyKey: string }
    const query = 'query ($key: String!) { operation(by: { idempotencyKey: $key }) { id state lastError { message } } }'
    answers.push(await app.execute(query, { key: idempotencyKey }))
  }
  answers.push({
    ...(await app.execute('{ __typename }')),
    data: await app.services.webhookEndpoints.deliveries(DEV, 1_000),
  })
  return JSON.stringify(answers)
}

async function settleUnknown(): Promise<void> {
  for (const { id } of await app.services.operations.list(DEV, ['UNKNOWN', 'SENT'], 1_000))
    await app.services.operations.settleAbsent(DEV, id)
}

function createSomebody(): Person {
  const canaries = createCanaries()
  return { externalId: canaries.add('externalId', `usr_${canaries.mark}`), canaries, creates: [] }
}

interface Stored {
  readonly ids: readonly string[]
  readonly canaries: readonly string[]
}

/** The records of a person, and the canaries in its rows. */
async function readStored({ externalId, canaries }: Person): Promise<Stored> {
  const records = 'nodes { id }'
  const query = `query ($externalId: String!) { person(externalId: $externalId) {
    sessions(first: 100) { ${records} } applicants(first: 100) { ${records} } customers(first: 100) { ${records} } } }`
  const { person } = (await app.execute(query, { externalId })).data
  const ids = Object.values<{ nodes: { id: string }[] }>(person).flatMap(({ nodes }) => nodes.map(({ id }) => id))
  return { ids, canaries: await findOpened(app, canaries) }
}

/** Late reads can add to a person, and nothing else can take from it. */
async function assertWhole(person: Person, before: Stored): Promise<void> {
  const after = await readStored(person)
  expect(before.ids.filter(id => !after.ids.includes(id))).toEqual([])
  expect(before.canaries.filter(name => !after.canaries.includes(name))).toEqual([])
}

test('nothing of an erased person remains or comes back, and another person stays whole', async () => {
  const property = fc.asyncProperty(history, fc.array(step, { maxLength: 5 }), async (before, after) => {
    const [erased, other] = [createSomebody(), createSomebody()]
    for (const [isErased, it] of [[true, FIRST] as const, [false, FIRST] as const, ...before])
      await perform(isErased ? erased : other, it)
    await settleUnknown()
    await app.services.webhookInbox.applyDue()
    expect(await findOpened(app, erased.canaries)).not.toEqual([])
    const whole = await readStored(other)

    await app.services.erasure.erase(DEV, erased.externalId)
    expect(await findOpened(app, erased.canaries)).toEqual([])
    await assertWhole(other, whole)

    const late: Step[] = [
      ...after.filter(({ type }) => type !== 'create'),
      { type: 'repeat' },
      { type: 'read' },
      { type: 'import' },
      { type: 'poll' },
      { type: 'replay' },
      ...PROVIDERS.flatMap(at =>
        [true, false].flatMap(readable =>
          [true, false].map((unknown): Step => ({ type: 'deliver', provider: at, readable, unknown })),
        ),
      ),
    ]
    for (const it of late) await perform(erased, it)
    expect(await findOpened(app, erased.canaries)).toEqual([])
    expect(findIn(await readEverything([erased, other]), erased.canaries)).toEqual([])
    await assertWhole(other, whole)
  })
  await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: RUNS < 50 })
}, 600_000)

const FIRST: Step = { type: 'create', provider: 'VERILOCK', how: 'made' }
