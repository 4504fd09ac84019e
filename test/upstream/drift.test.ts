import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import type { CreateCall, ProviderClient, ProviderModule } from '../../src/providers/contract.ts'
import { kayle } from '../../src/providers/kayle/index.ts'
import { registry } from '../../src/providers/registry.ts'
import { SESSION_READS_KEY } from '../../src/providers/yorlet/sandbox.ts'
import type { Fixture } from '../../src/sandbox/fixture.ts'
import type { SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import type { CountedDrift } from '../../src/upstream/drift.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream } from '../../src/upstream/upstream.ts'
import { controlSandbox, startApp, type TestApp } from '../harness/app/test-app.ts'
import { upstreamHealthOf } from '../harness/clients/reads.ts'
import { changedAt, type Path, placesIn } from '../harness/documents/mutate.ts'
import { TRIED, type Tried } from '../harness/documents/session-inputs.ts'
import {
  always,
  asRecorded,
  callBefore,
  isSuccess,
  type Method,
  readFixtures,
  richestSuccess,
} from '../harness/providers/contract.ts'
import { SUBJECTS, type Subject } from '../harness/providers/create-subjects.ts'
import { mockProvider } from '../harness/providers/mock-provider.ts'
import { memorySecrets } from '../harness/secrets.ts'

/** Undocumented parts of a response are ignored, degraded or refused, counted, and reported without their values. */

/** Part of every value that drifts: no report may contain it. */
const CANARY = 'canary 4f1c@example.com'

/** The result of a call for its documented response, and the parts of the response that may drift. */
interface ReportedOutcome {
  readonly method: Method
  /** The paths of required values, and an invalid one for each. */
  readonly needs: Path
  readonly wrong: unknown
  /** The paths of enum values that may get new members. */
  readonly words: readonly string[]
}

const KAYLE_WORDS = ['data.status', 'data.share_fields.date_of_birth.source']
const YORLET_SESSION = { needs: ['id'], wrong: '', words: ['mode', 'object', 'status'] } as const

const REPORTED: Record<Tried, readonly ReportedOutcome[]> = {
  KAYLE: [
    { method: 'createSession', needs: ['data', 'id'], wrong: 'vs_short', words: KAYLE_WORDS },
    {
      method: 'getSession',
      needs: ['data', 'id'],
      wrong: 'vs_short',
      words: ['data.status', 'data.attempts.0.status'],
    },
    { method: 'listSessions', needs: ['data', 0, 'id'], wrong: 'vs_short', words: ['data.0.status'] },
    { method: 'listAttempts', needs: ['data', 0, 'id'], wrong: '', words: ['data.0.status'] },
  ],
  PERSONR: [
    { method: 'createSession', needs: ['response', 'verificationLink'], wrong: 'no link', words: [] },
    {
      method: 'createApplicant',
      needs: ['response', 'applicantId'],
      wrong: 'no id',
      words: ['response.applicantStatus'],
    },
    {
      method: 'getSession',
      needs: ['response', 'applicantStatus'],
      wrong: 7,
      words: ['response.applicantActionStatus', 'response.applicantStatus', 'response.result.reviewAnswer'],
    },
    {
      method: 'getApplicant',
      needs: ['response', 'applicantStatus'],
      wrong: 7,
      words: ['response.applicantActionStatus', 'response.applicantStatus'],
    },
  ],
  RAPIDLY: [
    { method: 'createSession', needs: ['id'], wrong: 'no-uuid', words: ['customer.type'] },
    { method: 'createCustomer', needs: ['id'], wrong: 'no-uuid', words: ['members.0.role', 'type'] },
    { method: 'getCustomer', needs: ['id'], wrong: 'no-uuid', words: [] },
    {
      method: 'listCustomers',
      needs: ['data', 0, 'id'],
      wrong: 'no-uuid',
      words: ['data.0.members.0.role', 'data.0.type'],
    },
  ],
  VERILOCK: [
    { method: 'createSession', needs: ['id'], wrong: 'session-1', words: ['status'] },
    {
      method: 'getSession',
      needs: ['id'],
      wrong: 'session-1',
      words: ['results.aml.status', 'results.document.status', 'status', 'type'],
    },
    { method: 'listSessions', needs: ['data', 0, 'id'], wrong: 'session-1', words: ['data.0.status', 'data.0.type'] },
  ],
  YORLET: [
    { method: 'createSession', ...YORLET_SESSION },
    { method: 'getSession', ...YORLET_SESSION },
    {
      method: 'listSessions',
      needs: ['data', 0, 'id'],
      wrong: '',
      words: ['data.0.mode', 'data.0.object', 'data.0.status', 'object'],
    },
    { method: 'getApplicant', needs: ['data', 0, 'id'], wrong: '', words: ['data.0.object', 'object'] },
    { method: 'createCustomer', needs: ['id'], wrong: '', words: ['object'] },
    { method: 'getCustomer', needs: ['id'], wrong: '', words: ['object'] },
    { method: 'listCustomers', needs: ['data', 0, 'id'], wrong: '', words: ['data.0.object', 'object'] },
  ],
}

const modules = TRIED.map((provider): [Tried, ProviderModule] => [provider, registry[provider]])
const cases = await Promise.all(
  modules.map(async ([provider, module]) => ({ provider, module, fixtures: await readPlain(module) })),
)

/** The successes without drift; for a method without one, a success without the part that drifts. */
async function readPlain(module: ProviderModule): Promise<Fixture[]> {
  const successes = (await readFixtures(module)).filter(isSuccess)
  const drifts = await Promise.all(successes.map(fixture => driftsOf(module, fixture)))
  const plain = successes.filter((_, index) => drifts[index]?.length === 0)
  const isMissing = ({ call }: Fixture) => !plain.some(({ call: { method } }) => method === call.method)
  const repaired = successes.map((fixture, index) => withoutParts(fixture, drifts[index] ?? []))
  return [...plain, ...repaired.filter(isMissing)]
}

async function driftsOf(module: ProviderModule, fixture: Fixture): Promise<string[]> {
  const { drifts } = await callBefore(module, fixture, asRecorded(fixture))
  return drifts().map(({ path }) => path)
}

function withoutParts(fixture: Fixture, paths: readonly string[]): Fixture {
  const without = (body: unknown) => paths.reduce((rest, path) => changedAt(rest, path.split('.'), () => null), body)
  const exchanges = fixture.exchanges.map(each => ({
    ...each,
    response: { ...each.response, body: without(each.response.body) },
  }))
  return { ...fixture, exchanges }
}

describe.each(cases)('an undocumented response of $provider', ({ provider, module, fixtures }) => {
  it('is tested in every read and create', () => {
    const methods = new Set(fixtures.map(({ call }) => call.method))
    methods.delete('cancelSession')
    expect(new Set(REPORTED[provider].map(({ method }) => method))).toEqual(methods)
  })

  describe.each(REPORTED[provider])('in the response to $method', reported => {
    const fixture = richestSuccess(fixtures, reported.method)
    if (!fixture) throw new Error(`${provider} has no success of ${reported.method}.`)
    const stage = openStage(module, fixture)

    it('a new field is ignored, and affects no other', async () => {
      const plain = await stage.plain()
      const absorbed: string[] = []
      for (const { index, path } of stage.places('object')) {
        const result = await stage.change(index, path, inner => ({ ...Object(inner), unheard: CANARY, [CANARY]: 1 }))
        const found = stage.reported(result.drifts(), 'ABSORBED')
        if (!found.includes(at(path, 'unheard'))) continue
        expect(found).toEqual([at(path, 'unheard'), at(path, '?')])
        expect(result.value).toEqual(plain)
        absorbed.push(path.join('.'))
      }
      expect(absorbed).toEqual(expect.arrayContaining(['', reported.needs.slice(0, -1).join('.')]))
    })

    it('a value of another type becomes null, and affects no other', async () => {
      const degraded: string[] = []
      for (const { index, path } of stage.places()) {
        const mistyped = await stage.change(index, path, toOtherType)
        const drifts = stage.reported(mistyped.drifts())
        // Free-form parts, such as metadata, may be anything.
        if (drifts.length === 0 && !mistyped.error) continue
        const missing = await stage.change(index, path, () => null)
        expect(mistyped.value, path.join('.')).toEqual(missing.value)
        if (mistyped.error) expect(missing.error).toMatchObject({ code: 'PROVIDER_CONTRACT_BROKEN' })
        if (stage.reported(mistyped.drifts(), 'DEGRADED').some(shown => isAt(shown, path)))
          degraded.push(path.join('.'))
      }
      expect(degraded.length).toBeGreaterThan(0)
    })

    it.each(refusalsOf(reported, fixture))('is refused if the response is or has %s', async (_, body) => {
      const { error, drifts, sent } = await callBefore(module, fixture, always({ status: 200, body }))
      expect(error).toMatchObject({ code: 'PROVIDER_CONTRACT_BROKEN', provider })
      expect(String(error)).not.toContain(CANARY)
      expect(stage.reported(drifts(), 'REFUSED').length).toBeGreaterThan(0)
      // A second request of the same read may accept the response.
      if (sent.length === 1) expect(stage.reported(drifts())).toEqual(stage.reported(drifts(), 'REFUSED'))
    })

    if (reported.words.length === 0) return

    it('an unknown enum value is passed on, and mapped to UNKNOWN if it is a status', async () => {
      const plain = leavesOf(await stage.plain())
      const found: string[] = []
      for (const { index, path } of stage.places('text')) {
        const { value, error, drifts } = await stage.change(index, path, () => CANARY)
        const place = path.join('.')
        const grade = DECIDING.test(place) ? 'DEGRADED' : 'ABSORBED'
        if (error || stage.reported(drifts(), grade).length === 0) continue
        expect(stage.reported(drifts()), place).toEqual([expect.toSatisfy(shown => isAt(shown, path))])
        expect(stage.reported(drifts(), grade), place).toHaveLength(1)
        expect(changedKeys(plain, leavesOf(value)).filter(key => !OF_WORDS.has(key))).toEqual([])
        found.push(place)
      }
      expect(found).toEqual(expect.arrayContaining([...reported.words]))
    })
  })
})

/** The paths of the values that map to a status or an outcome. */
const DECIDING = /(^|\.)(status|applicantStatus|reviewAnswer)$/

/** Everything that a new enum value may change: itself and the fields mapped from it. */
const OF_WORDS = new Set([
  'completedAt',
  'failureCode',
  'mode',
  'outcome',
  'providerStatus',
  'reviewAnswer',
  'riskScore',
  'source',
  'status',
  'type',
  'unrecognized',
])

function refusalsOf({ needs, wrong }: ReportedOutcome, fixture: Fixture): [string, unknown][] {
  const body = fixture.exchanges[0]?.response.body
  return [
    ['no id', changedAt(body, needs, () => undefined)],
    ['an invalid id', changedAt(body, needs, () => wrong)],
    ['an undocumented error', { error: { kind: CANARY, text: CANARY } }],
    ['a list', [body]],
    ['a page of HTML', `<html><body>${CANARY}</body></html>`],
    ['JSON that breaks off', JSON.stringify(body).slice(0, -2)],
  ]
}

/** A call and its documented responses, one of which may be changed at one path. */
function openStage(module: ProviderModule, fixture: Fixture) {
  const bodies = fixture.exchanges.map(({ response }) => response.body)

  function positions(kind?: 'object' | 'text'): { index: number; path: Path }[] {
    const all = bodies.flatMap((body, index) => [[], ...placesIn(body)].map(path => ({ index, path, body })))
    return all.filter(({ body, path }) => {
      const value = valueAt(body, path)
      if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
      return kind === 'text' ? typeof value === 'string' : path.length > 0 && value !== null
    })
  }

  async function change(index: number, path: Path, to: (inner: unknown) => unknown) {
    const behave = asRecorded(fixture, (body, exchange) => (exchange === index ? changedAt(body, path, to) : body))
    const result = await callBefore(module, fixture, behave)
    expect(String(result.error)).not.toContain(CANARY)
    return result
  }

  /** The path of a drift, which may contain no value of the response. */
  function reported(drifts: readonly CountedDrift[], grade?: CountedDrift['grade']): string[] {
    expect(JSON.stringify(drifts)).not.toContain('canary')
    expect(drifts.every(({ operation, count }) => operation === fixture.call.method && count > 0)).toBe(true)
    return drifts.filter(drift => !grade || drift.grade === grade).map(({ path }) => path)
  }

  const plain = async () => (await callBefore(module, fixture, asRecorded(fixture))).value
  return { places: positions, change, reported, plain }
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value)
}

function toOtherType(value: unknown): unknown {
  return typeof value === 'object' ? CANARY : { [CANARY]: CANARY }
}

/** A path as a drift shows it if all of its keys are names; list indices are `*`. */
function at(path: Path, key: string): string {
  return [...path.map(each => (typeof each === 'number' ? '*' : each)), key].join('.')
}

/** Whether the path of a drift, where `*` is any key, matches this path. */
function isAt(shown: string, place: Path): boolean {
  const keys = shown.split('.')
  return keys.length === place.length && keys.every((key, index) => key === '*' || key === String(place[index]))
}

function leavesOf(value: unknown): Map<string, unknown> {
  return new Map(placesIn(JSON.parse(JSON.stringify(value))).map(path => [path.join('.'), valueAt(value, path)]))
}

/** The last keys of the leaves that differ. */
function changedKeys(before: Map<string, unknown>, after: Map<string, unknown>): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])]
  const isLeaf = (value: unknown) => typeof value !== 'object' || value === null || value instanceof Date
  const changed = paths.filter(path => isLeaf(before.get(path)) && String(before.get(path)) !== String(after.get(path)))
  return changed.map(path => path.split('.').at(-1) ?? '')
}

describe('the drift log', () => {
  const SESSION_ID = `vs_${'0'.repeat(64)}`
  const session = { id: SESSION_ID, status: 'created' }

  function read(body: unknown) {
    return mockProvider(kayle, {}, always({ status: 200, body }))
  }

  test('shows a key that does not look like a field name as ?', async () => {
    const keys = ['ann@example.com', 'Ann Byron', '+46700000000', 'id_4242424242', `vs_${'a'.repeat(64)}`, 'a.b', '']
    const { client, drifts } = await read({ data: { ...session, ...Object.fromEntries(keys.map(key => [key, 1])) } })
    await client.getSession?.({ providerId: SESSION_ID }, {})
    expect(drifts()).toMatchObject([{ operation: 'getSession', grade: 'ABSORBED', path: 'data.?', count: 1 }])
  })

  test('shows a key of a record as *', async () => {
    const { client, drifts } = await read({ data: { ...session, share_fields: { Ann_Byron: { required: 'yes' } } } })
    await client.getSession?.({ providerId: SESSION_ID }, {})
    expect(drifts()).toMatchObject([{ grade: 'DEGRADED', path: 'data.share_fields.*.required' }])
  })

  test('counts repeated drift, with the time of the last', async () => {
    const began = new Date()
    const { client, drifts, upstream } = await read({ data: { ...session, status: 'paused' } })
    for (let calls = 0; calls < 3; calls++) await client.getSession?.({ providerId: SESSION_ID }, {})
    expect(drifts()).toMatchObject([{ path: 'data.status', count: 3 }])
    expect(drifts()[0]?.lastAt.getTime()).toBeGreaterThanOrEqual(began.getTime())
    expect(upstream.health().driftCount).toBe(3)
  })

  test('is not filled by 10,000 unknown keys, counts them all, and has room for other drift', async () => {
    const flood = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key_${toLetters(n)}`, 1]))
    const mocked = await mockProvider(kayle, {}, ({ path }) => {
      return { status: 200, body: path.includes('attempts/') ? [] : { data: { ...session, ...flood, expires_at: 7 } } }
    })
    await mocked.client.getSession?.({ providerId: SESSION_ID }, {})
    await mocked.client.listAttempts?.({ providerId: SESSION_ID }, {}).catch(() => {})
    const drifts = mocked.drifts()
    expect(mocked.upstream.health().driftCount).toBe(10_002)
    expect(drifts.reduce((sum, { count }) => sum + count, 0)).toBe(10_002)
    expect(drifts.length).toBeLessThan(200)
    expect(drifts).toContainEqual(expect.objectContaining({ grade: 'DEGRADED', path: 'data.expires_at' }))
    expect(drifts).toContainEqual(expect.objectContaining({ grade: 'REFUSED', operation: 'listAttempts' }))
  })
})

function toLetters(n: number): string {
  return String(n).replaceAll(/\d/g, digit => 'abcdefghij'[Number(digit)] ?? '')
}

describe('a sandbox returns only what its provider documents', () => {
  test.each(modules)('%s', async (provider, module) => {
    const { sandbox } = await module.sandbox()
    const running = await startSandbox(sandbox as SandboxDefinition, { port: 0 })
    const given = provider === 'YORLET' ? { apiKey: SESSION_READS_KEY, undocumentedReads: 'on', context: 'acct_1' } : {}
    const settings = module.settings.parse({ ...sandbox.credentials, ...given, baseUrl: running.baseUrl })
    const { readRejection } = module
    const upstream = createUpstream({ provider, baseUrl: running.baseUrl, ...DEFAULT_LIMITS, readRejection })
    try {
      const client = module.connect({ settings, upstream, secrets: memorySecrets(), now: () => new Date() })
      await WALKS[provider](client as Required<ProviderClient>, controlSandbox(running.origin).advance)
      expect(upstream.drift()).toEqual([])
    } finally {
      await upstream.close()
      await running.close()
    }
  })
})

type Walk = (
  client: Required<ProviderClient>,
  advance: (step: { id: string; to: string }) => Promise<void>,
) => Promise<void>

let creates = 0
const createCall = (): CreateCall => ({
  reference: `sg_${++creates}`,
  idempotencyKey: `try-${creates}`,
  externalId: `usr_${creates}`,
  metadata: { plan: 'premium', free: { form: [CANARY] } },
})

/** A session for each of its possible histories, read at every step. */
const walkSessions =
  (input: JsonObject, ways: readonly (readonly string[])[]): Walk =>
  async (client, advance) => {
    for (const way of ways) {
      const { providerId } = await client.createSession(input, createCall())
      for (const to of way) {
        await advance({ id: providerId, to })
        await client.getSession({ providerId }, {})
      }
      await client.listSessions({ limit: 2 }, {})
    }
  }

/** Every request of our client to a sandbox, in every state. */
const WALKS: Record<Tried, Walk> = {
  KAYLE: async (client, advance) => {
    const failures = ['attempt_failed', 'attempt_failed', 'attempt_failed']
    const ways = [['attempt_started', 'attempt_succeeded'], failures, ['attempt_started', 'cancelled'], ['expired']]
    await walkSessions({ redirectUrl: 'https://app.example.com/done' }, ways)(client, advance)
    const { items } = await client.listSessions({}, {})
    for (const { providerId } of items) await client.listAttempts({ providerId }, {})
    await client.cancelSession({ providerId: items[0]?.providerId ?? '' }, {})
  },
  PERSONR: async (client, advance) => {
    const input = { email: 'ann@example.com', phone: '+61 424 424 424', flowName: 'KYC basic', sourceKey: 'key' }
    const { providerId } = await client.createApplicant(input, createCall())
    const session = await client.createSession({ applicant: { applicantProviderId: providerId } }, createCall())
    const retries = Array.from({ length: 5 }, () => 'rejected_retry')
    for (const to of ['pre_checked', 'pending', 'approved', 'rejected_final', ...retries]) {
      await advance({ id: providerId, to })
      await client.getSession({ providerId: session.providerId, applicantProviderId: providerId }, {})
      await client.getApplicant({ providerId }, {})
    }
  },
  RAPIDLY: async (client, advance) => {
    const call = { ...createCall(), metadata: null }
    const billingAddress = { country: 'SE', city: 'Lund' }
    const made = await client.createCustomer({ email: 'ann@example.com', type: 'TEAM', billingAddress }, call)
    await advance({ id: made.providerId, to: 'email_verified' })
    await client.getCustomer(made, {})
    await client.listCustomers({ limit: 2 }, {})
    await client.createSession({ customer: { customerExternalId: 'usr_1337' } }, createCall())
  },
  VERILOCK: walkSessions(
    { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'ann@example.com', applicantName: 'Ann B' },
    [['processing', 'approved'], ['processing', 'declined'], ['expired']],
  ),
  YORLET: async (client, advance) => {
    const applicant = 'apst_manvb9c4m2WsXy5Z'
    const ways = [['active', 'complete'], ['canceled'], ['expired']]
    await walkSessions({ applicantProviderId: applicant }, ways)(client, advance)
    await client.getApplicant({ providerId: applicant, parentProviderId: 'app_manvb1x2k9QpLr3T' }, {})
    await client.getCustomer(await client.createCustomer({ email: 'ann@example.com' }, createCall()), {})
    await client.listCustomers({ limit: 2 }, {})
    const open = await client.createSession({ applicantProviderId: applicant }, createCall())
    await client.cancelSession(open, {})
  },
}

describe('for a client', () => {
  let server: Server
  let app: TestApp
  const answers = new Map<string, unknown>()

  beforeAll(async () => {
    server = createServer((incoming, outgoing) => {
      const body = answers.get(incoming.url?.split('?')[0] ?? '')
      outgoing.writeHead(body ? 200 : 404).end(body ? JSON.stringify(body) : '{}')
    })
    await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
    app = await startApp(settingsFor((server.address() as AddressInfo).port), { jobs: false })
  })
  afterAll(async () => {
    await app.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  async function counts(): Promise<Record<string, number>> {
    const counted = PROVIDERS.map(async provider => [provider, (await upstreamHealthOf(app, provider)).driftCount])
    return Object.fromEntries(await Promise.all(counted))
  }

  /** The number of drifts that a call added, by provider. */
  async function added<T>(run: () => Promise<T>): Promise<{ answer: T; drifted: Record<string, number> }> {
    const before = await counts()
    const answer = await run()
    const after = Object.entries(await counts())
    const drifted = after.flatMap(([provider, count]) =>
      count === before[provider] ? [] : [[provider, count - (before[provider] ?? 0)]],
    )
    return { answer, drifted: Object.fromEntries(drifted) }
  }

  let made = 1000
  const create = ({ recordType, input }: Subject) =>
    app.execute(CREATE[recordType], { input: { idempotencyKey: `key-${made}`, [recordType.toLowerCase()]: input } })

  test.each(SUBJECTS.map(subject => [subject.provider, subject.recordType, subject] as const))(
    'a create of %s %s succeeds despite drift, and one drift of each grade is counted',
    async (provider, _, subject) => {
      const documented = subject.made(++made)
      const drifting = changedAt({ ...documented, unheard: CANARY }, subject.optional, () => ({ [CANARY]: CANARY }))
      answers.set(subject.path, drifting)
      const { answer, drifted } = await added(() => create(subject))
      expect(answer).toMatchObject({ status: 200, errors: [], data: { result: { operation: { state: 'SUCCEEDED' } } } })
      expect(JSON.stringify(answer)).not.toContain('canary')
      expect(drifted).toEqual({ [provider]: 2 })
    },
  )

  test.each(SUBJECTS.map(subject => [subject.provider, subject.recordType, subject] as const))(
    'a create of %s %s that is answered by an undocumented error is of unknown outcome, and counted',
    async (provider, _, subject) => {
      made += 1
      answers.set(subject.path, { fault: CANARY })
      const { answer, drifted } = await added(() => create(subject))
      expect(answer.data.result).toMatchObject({ __typename: 'UnconfirmedError' })
      expect(JSON.stringify(answer)).not.toContain('canary')
      expect(drifted).toEqual({ [provider]: 1 })
    },
  )

  test.each(READS)('a read from $provider affects no other field', async read => {
    answers.set(read.path, read.body)
    const { answer: plain, drifted: none } = await added(() => app.execute(read.query))
    expect(plain.errors).toEqual([])
    expect(none).toEqual({})

    answers.set(
      read.path,
      changedAt(read.body, read.drifts, () => ({ [CANARY]: CANARY })),
    )
    const { answer, drifted } = await added(() => app.execute(read.query))
    expect(answer.errors).toEqual([])
    expect(answer.data.record).toEqual({ ...plain.data.record, ...(read.field && { [read.field]: null }) })
    expect(drifted).toEqual({ [read.provider]: 1 })
  })

  test.each(READS)('a read from $provider that returns another record is refused, and counted', async read => {
    answers.set(
      read.path,
      changedAt(read.body, read.id, () => read.otherId),
    )
    const { answer, drifted } = await added(() => app.execute(read.query))
    expect(answer.errors).toMatchObject([{ extensions: { code: 'PROVIDER_CONTRACT_BROKEN', provider: read.provider } }])
    expect(drifted).toEqual({ [read.provider]: 1 })
  })
})

const CREATE: Record<Subject['recordType'], string> = {
  Session: mutation('Session'),
  Applicant: mutation('Applicant'),
  Customer: mutation('Customer'),
}

function mutation(recordType: Subject['recordType']): string {
  return `mutation ($input: Create${recordType}Input!) {
    result: create${recordType}(input: $input) {
      __typename
      ... on Create${recordType}Payload { operation { state } record: ${recordType.toLowerCase()} { id providerId } }
      ... on MutationError { code message }
    }
  }`
}

function settingsFor(port: number): Record<string, string> {
  return Object.fromEntries(
    PROVIDERS.flatMap(provider => [
      [`${provider}_BASE_URL`, `http://localhost:${port}/${provider.toLowerCase()}`],
      [`${provider}_API_KEY`, 'key'],
    ]),
  )
}

/** A read of one record through the server. */
interface Read {
  readonly provider: Provider
  /** The request path below the base URL, and the documented response. */
  readonly path: string
  readonly body: object
  readonly query: string
  /** The value that drifts to another type, and our field that becomes null; none if the earlier value stays. */
  readonly drifts: Path
  readonly field?: string
  /** The field with the record's id, and the id of another record. */
  readonly id: Path
  readonly otherId: string
}

const SESSION_FIELDS = 'providerId status outcome externalId createdAt expiresAt completedAt'
const KAYLE_ID = `vs_${'1'.repeat(64)}`
const VERILOCK_ID = 'ses_a1b2c3d4-e5f6-7890-abcd-ef1234567890'
const PERSONR_ID = '4242424242424x424242424242424242'
const RAPIDLY_ID = '0a1b2c3d-4e5f-4a6b-8c7d-000000000009'
const YORLET_ID = 'cus_lrhplff1u4ZhIPSU'

function query(recordType: string, provider: Provider, providerId: string, fields: string): string {
  const by = `{ atProvider: { provider: ${provider}, providerId: "${providerId}" } }`
  return `{ record: ${recordType}(by: ${by}, freshness: { maxAgeSeconds: 0, onError: FAIL }) { ${fields} } }`
}

const READS: readonly Read[] = [
  {
    provider: 'KAYLE',
    path: `/kayle/v1/sessions/${KAYLE_ID}`,
    body: {
      data: {
        id: KAYLE_ID,
        status: 'created',
        created_at: '2026-11-21T11:00:00.000Z',
        expires_at: '2099-11-21T12:00:00.000Z',
      },
      error: null,
    },
    query: query('session', 'KAYLE', KAYLE_ID, SESSION_FIELDS),
    drifts: ['data', 'expires_at'],
    field: 'expiresAt',
    id: ['data', 'id'],
    otherId: `vs_${'2'.repeat(64)}`,
  },
  {
    provider: 'PERSONR',
    path: '/personr/api-applicant-status',
    body: {
      status: 'success',
      response: {
        applicantStatus: 'Reviewed',
        result: { applicant: PERSONR_ID, reviewAnswer: 'Approved', rejectLabels: [] },
        externalUserId: ['UUID1'],
      },
    },
    query: query('applicant', 'PERSONR', PERSONR_ID, 'providerId status outcome externalId'),
    drifts: ['response', 'externalUserId'],
    id: ['response', 'result', 'applicant'],
    otherId: '1700000000000x111111111111111111',
  },
  {
    provider: 'RAPIDLY',
    path: `/rapidly/customers/${RAPIDLY_ID}`,
    body: { id: RAPIDLY_ID, email: 'ann@example.com', name: 'Ann Byron', external_id: 'usr_9', metadata: {} },
    query: query('customer', 'RAPIDLY', RAPIDLY_ID, 'providerId email name externalId'),
    drifts: ['name'],
    field: 'name',
    id: ['id'],
    otherId: '0a1b2c3d-4e5f-4a6b-8c7d-000000000008',
  },
  {
    provider: 'VERILOCK',
    path: `/verilock/sessions/${VERILOCK_ID}`,
    body: {
      id: VERILOCK_ID,
      type: 'kyc',
      status: 'processing',
      external_id: 'usr_12345',
      created_at: '2026-03-15T10:30:00Z',
      expires_at: '2099-03-15T11:30:00Z',
    },
    query: query('session', 'VERILOCK', VERILOCK_ID, SESSION_FIELDS),
    drifts: ['expires_at'],
    id: ['id'],
    otherId: 'ses_00000000-e5f6-7890-abcd-ef1234567890',
  },
  {
    provider: 'YORLET',
    path: `/yorlet/customers/${YORLET_ID}`,
    body: { id: YORLET_ID, object: 'customer', email: 'ada@example.com', name: 'Ada Byron', phone: '+442079460018' },
    query: query('customer', 'YORLET', YORLET_ID, 'providerId email name phone'),
    drifts: ['phone'],
    field: 'phone',
    id: ['id'],
    otherId: 'cus_another',
  },
]
