import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/domain/error-codes.ts'
import { DomainError, type SendOutcome } from '../../src/domain/errors.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import type { Fixture } from '../../src/sandbox/fixture.ts'
import {
  changedAt,
  mistyped,
  mistypedAt,
  type Path,
  placesIn,
  placesOf,
  withUnknownFields,
} from '../harness/documents/mutate.ts'
import {
  always,
  asRecorded,
  callBefore,
  expectSent,
  isSuccess,
  type Method,
  methodsOf,
  readFixtures,
  simplestSuccesses,
} from '../harness/providers/contract.ts'
import { type MockResponse, mockProvider } from '../harness/providers/mock-provider.ts'

/** The contract that every provider folder must fulfil. */

const loaded = await Promise.all(
  Object.values<ProviderModule>(registry).map(
    async module => [module.provider, module, await readFixtures(module)] as const,
  ),
)

describe.each(loaded)('%s', (_, module, fixtures) => {
  it('has a documented success for every method of its client', async () => {
    const settings = fixtures.map(({ call }) => call.settings ?? {})
    const connected = await Promise.all(settings.map(given => mockProvider(module, given, always({ status: 500 }))))
    const methods = new Set(connected.flatMap(({ client }) => methodsOf(client)))
    expect([...simplestSuccesses(fixtures).keys()].sort()).toEqual([...methods].sort())
  })

  it('names a capability for every method of its client', async () => {
    const { client } = await mockProvider(module, {}, always({ status: 500 }))
    expect(client.capabilities).toEqual(expect.arrayContaining(methodsOf(client).map(toCapability)))
  })

  describe('sends and parses the documented or recorded exchange', () => {
    it.each(named(fixtures))('%s', (_, fixture) => replay(module, fixture))
  })

  describe.each([...simplestSuccesses(fixtures)])('%s', (method, fixture) => {
    it.each(refusalsOf(method))('%s becomes %s', async (_, code, answer, means) => {
      const { error, sent } = await callBefore(module, fixture, always(answer))
      expect(error).toBeInstanceOf(DomainError)
      expect(error).toMatchObject({ provider: module.provider, code, ...means })
      expect(sent.length).toBeLessThanOrEqual(fixture.exchanges.length)
    })

    it.each(BROKEN_CONNECTIONS)('%s becomes PROVIDER_UNAVAILABLE', async (_, code, outcome) => {
      const { error } = await callBefore(module, fixture, Object.assign(new Error('broken'), { code }))
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', provider: module.provider, outcome })
    })

    if (method === 'cancelSession') return

    it.each(UNREADABLE)('%s becomes PROVIDER_CONTRACT_BROKEN', async (_, answer) => {
      const { error } = await callBefore(module, fixture, always(answer))
      expect(error).toMatchObject(contractBroken(module.provider))
    })

    it('rejects a response whose values have other types', async () => {
      const { error } = await callBefore(module, fixture, asRecorded(fixture, mistyped))
      expect(error).toMatchObject(contractBroken(module.provider))
    })
  })

  it('accepts the loss of any optional field', async () => {
    const simplest = [...simplestSuccesses(fixtures).values()]
    const degraded = await Promise.all(simplest.map(fixture => mistypeEveryPlace(module, fixture)))
    expect(degraded.flat().length).toBeGreaterThan(0)
  })

  const readable = named(fixtures.filter(each => isSuccess(each) && each.call.method !== 'cancelSession'))

  describe('reports no drift for the documented response', () => {
    it.each(readable)('%s', async (_, fixture) => {
      const { drifts } = await callBefore(module, fixture, asRecorded(fixture))
      expect(drifts().map(({ grade, path }) => `${grade} ${path}`)).toEqual(fixture.drifts ?? [])
    })
  })

  describe('ignores undocumented fields, and counts them', () => {
    it.each(readable)('%s', async (_, fixture) => {
      const { value, drifts } = await callBefore(
        module,
        fixture,
        asRecorded(fixture, body => withUnknownFields(body)),
      )
      const others = drifts().filter(({ grade, path }) => !fixture.drifts?.includes(`${grade} ${path}`))
      expect(others.map(({ grade }) => grade)).toContain('ABSORBED')
      expect(new Set(others.map(({ grade }) => grade))).toEqual(new Set(['ABSORBED']))
      expect(value).toMatchObject('value' in fixture.result ? Object(fixture.result.value) : {})
    })
  })

  describe('maps an undocumented status to UNKNOWN, and stores it as providerStatus', () => {
    it.each(readable)('%s', (_, fixture) => replaceStatusWords(module, fixture))
  })

  describe('stores details that its own GraphQL types read back unchanged', () => {
    it.each(readable)('%s', async (_, fixture) => {
      const { value } = await callBefore(module, fixture, asRecorded(fixture))
      const schema = module.details[recordTypeOf(fixture.call.method)]
      for (const { details } of itemsOf(value)) {
        expect(schema?.parse(JSON.parse(JSON.stringify(details)))).toEqual(details)
      }
    })
  })
})

async function replay(module: ProviderModule, fixture: Fixture): Promise<void> {
  const { value, error, sent } = await callBefore(module, fixture, asRecorded(fixture))
  for (const [index, { request }] of fixture.exchanges.entries()) expectSent(sent[index], request)
  expect(sent).toHaveLength(fixture.exchanges.length)
  if ('error' in fixture.result) {
    expect(error).toMatchObject({ ...fixture.result.error, provider: module.provider })
    return
  }
  expect(error).toBeUndefined()
  if (fixture.result.value === undefined) expect(value).toBeUndefined()
  else expect(value).toMatchObject(Object(fixture.result.value))
}

function named(fixtures: readonly Fixture[]): [string, Fixture][] {
  return fixtures.map(fixture => [fixture.name, fixture])
}

type Refusal = readonly [string, ErrorCode, MockResponse, { outcome?: SendOutcome; retryAfterSeconds?: number }]

function refusalsOf(method: Method): Refusal[] {
  const isCreate = method.startsWith('create')
  const refused = { outcome: 'REFUSED' } as const
  const tooMany = { status: 429, headers: { 'retry-after': '7' } }
  const redirect = { status: 307, headers: { location: 'https://elsewhere.test/' } }
  return [
    ['401', 'PROVIDER_AUTH_FAILED', { status: 401 }, refused],
    ['403', 'PROVIDER_AUTH_FAILED', { status: 403 }, refused],
    ['404', isCreate ? 'PROVIDER_REJECTED' : 'NOT_FOUND', { status: 404 }, isCreate ? refused : {}],
    ['422', 'PROVIDER_REJECTED', { status: 422 }, refused],
    ['429 with Retry-After', 'PROVIDER_RATE_LIMITED', tooMany, { retryAfterSeconds: 7, ...refused }],
    ['503', 'PROVIDER_UNAVAILABLE', { status: 503 }, { outcome: 'UNCERTAIN' }],
    ['a redirect, which is not followed,', 'PROVIDER_CONTRACT_BROKEN', redirect, { outcome: 'UNCERTAIN' }],
  ]
}

const BROKEN_CONNECTIONS = [
  ['a refused connection', 'ECONNREFUSED', 'NOT_SENT'],
  ['a connection that is reset', 'ECONNRESET', 'UNCERTAIN'],
] as const

const HTML = '<html><body>It works!</body></html>'
const UNREADABLE: readonly (readonly [string, MockResponse])[] = [
  ['a page of HTML', { status: 200, headers: { 'content-type': 'text/html' }, body: HTML }],
  ['JSON that breaks off', { status: 200, body: '{"data":{"id":"v' }],
  ['an empty object', { status: 200, body: {} }],
  ['an empty body', { status: 200 }],
]

function contractBroken(provider: Provider): object {
  return { code: 'PROVIDER_CONTRACT_BROKEN', provider, outcome: 'UNCERTAIN' }
}

/**
 * Replaces each value of the last response by one of another type: the other values survive, or the response is
 * refused. Returns the paths whose loss was tolerated and reported.
 */
async function mistypeEveryPlace(module: ProviderModule, fixture: Fixture): Promise<string[]> {
  const last = fixture.exchanges.length - 1
  const ids = idsOf((await callBefore(module, fixture, asRecorded(fixture))).value)
  const degraded: string[] = []
  for (const path of placesIn(fixture.exchanges[last]?.response.body)) {
    const behave = asRecorded(fixture, (body, index) => (index === last ? mistypedAt(body, path) : body))
    const { value, error, drifts } = await callBefore(module, fixture, behave)
    const place = path.join('.')
    if (error) expect(error, place).toBeInstanceOf(DomainError)
    else expect(idsOf(value), place).toEqual(ids)
    if (!error && drifts().some(drift => drift.grade === 'DEGRADED' && isAt(drift.path, path))) {
      degraded.push(place)
    }
  }
  return degraded
}

/** Whether the path of a drift, where `*` is any key, matches this path. */
function isAt(driftPath: string, place: Path): boolean {
  const keys = driftPath.split('.')
  return keys.length === place.length && keys.every((key, index) => key === '*' || key === String(place[index]))
}

/** A future value of a provider: another string, or another number. */
const NEW_WORDS: Readonly<Record<string, unknown>> = { string: 'never_heard_of', number: 9_999 }

/** Finds the path of a status value by changing each value and watching the mapped status. */
async function replaceStatusWords(module: ProviderModule, fixture: Fixture): Promise<void> {
  const { value } = await callBefore(module, fixture, asRecorded(fixture))
  for (const [index, { providerStatus }] of statusesIn(value).entries()) {
    if (providerStatus == null) continue
    const shown = await statusesAfter(module, fixture, index, providerStatus)
    expect(new Set(shown), `the status that was ${providerStatus}`).toEqual(new Set(['UNKNOWN']))
  }
}

/** The mapped status after replacing its value, for each path of each response that can contain it. */
async function statusesAfter(module: ProviderModule, fixture: Fixture, index: number, word: string): Promise<string[]> {
  const positions = fixture.exchanges.flatMap(({ response: { body } }, exchange) =>
    placesOf(word, body).map(path => ({ exchange, path })),
  )
  const shown: string[] = []
  for (const { exchange, path } of positions) {
    const replaced = (body: unknown) => changedAt(body, path, found => NEW_WORDS[typeof found])
    const behave = asRecorded(fixture, (body, at) => (at === exchange ? replaced(body) : body))
    const { status, providerStatus } = statusesIn((await callBefore(module, fixture, behave)).value)[index] ?? {}
    if (
      status &&
      Object.values(NEW_WORDS)
        .map(String)
        .includes(providerStatus ?? '')
    )
      shown.push(status)
  }
  return shown
}

interface WithStatus {
  readonly status: string
  readonly providerStatus: string | null
}

/** Every object of a snapshot that has a status. */
function statusesIn(value: unknown): WithStatus[] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  const inner = Object.values(value).flatMap(statusesIn)
  return 'providerStatus' in value ? [value as WithStatus, ...inner] : inner
}

interface Item {
  readonly providerId?: string
  readonly details?: unknown
}

function itemsOf(value: unknown): readonly Item[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  const items = typeof value === 'object' && value !== null && 'items' in value ? value.items : [value]
  return items as readonly Item[]
}

function idsOf(value: unknown): unknown[] {
  return itemsOf(value).map(({ providerId }) => providerId)
}

function recordTypeOf(method: Method): 'session' | 'applicant' | 'customer' | 'attempt' {
  const recordTypes = ['session', 'applicant', 'customer', 'attempt'] as const
  return recordTypes.find(recordType => method.toLowerCase().includes(recordType)) ?? 'session'
}

function toCapability(method: string): string {
  return method === 'listAttempts' ? 'ATTEMPTS' : method.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
