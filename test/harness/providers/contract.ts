import { FormData } from 'undici'
import { expect } from 'vitest'
import type { ProviderClient, ProviderModule } from '../../../src/providers/contract.ts'
import type { Exchange, Fixture, FixtureCall } from '../../../src/sandbox/fixture.ts'
import {
  type Behaviour,
  type MockedProvider,
  type MockResponse,
  mockProvider,
  type SentRequest,
} from './mock-provider.ts'

/** The time of all replays. Sessions in fixtures expire after it, unless they are expired ones. */
const NOW = new Date('2026-11-21T11:30:00Z')

export type Method = FixtureCall['method']

export async function readFixtures(module: ProviderModule): Promise<readonly Fixture[]> {
  const { fixtures } = await import(`../../../src/providers/${module.provider.toLowerCase()}/fixtures.ts`)
  return fixtures
}

/** For each method, the success with the fewest exchanges. */
export function simplestSuccesses(fixtures: readonly Fixture[]): Map<Method, Fixture> {
  const simplest = new Map<Method, Fixture>()
  for (const fixture of fixtures.filter(isSuccess)) {
    const known = simplest.get(fixture.call.method)
    if (!known || fixture.exchanges.length < known.exchanges.length) simplest.set(fixture.call.method, fixture)
  }
  return simplest
}

/** The success of this method with the fewest exchanges, and among those with the longest last response. */
export function richestSuccess(fixtures: readonly Fixture[], method: Method): Fixture | undefined {
  const successes = fixtures.filter(fixture => isSuccess(fixture) && fixture.call.method === method)
  return successes.sort((a, b) => a.exchanges.length - b.exchanges.length || sizeOf(b) - sizeOf(a))[0]
}

function sizeOf({ exchanges }: Fixture): number {
  return JSON.stringify(exchanges.at(-1)?.response.body ?? null).length
}

export function isSuccess(fixture: Fixture): boolean {
  return 'value' in fixture.result
}

export interface Result extends MockedProvider {
  readonly value?: unknown
  readonly error?: unknown
}

/** Makes the fixture's call with the fixture's settings, against a mock provider with this behaviour. */
export async function callBefore(module: ProviderModule, { call }: Fixture, behave: Behaviour): Promise<Result> {
  const mocked = await mockProvider(module, call.settings ?? {}, behave, () => NOW)
  const method = mocked.client[call.method] as ((argument: unknown, call: unknown) => Promise<unknown>) | undefined
  if (!method) throw new Error(`${module.provider} has no ${call.method} with these settings.`)
  try {
    return { ...mocked, value: await method(call.argument, { ...filledIn(call.method), ...call.call }) }
  } catch (error) {
    return { ...mocked, error }
  }
}

function filledIn(method: Method): object {
  return method.startsWith('create') ? { reference: 'reference_1', idempotencyKey: 'key-1' } : {}
}

/** Replays the responses of the fixture in order. `change` may change their bodies. */
export function asRecorded(fixture: Fixture, change = (body: unknown, _exchange: number) => body): Behaviour {
  let next = 0
  return () => {
    const answers = fixture.exchanges[next]?.response
    if (!answers) throw new Error(`Only ${fixture.exchanges.length} requests were expected.`)
    return { ...answers, body: change(structuredClone(answers.body), next++) }
  }
}

export function always(answer: MockResponse): Behaviour {
  return () => answer
}

/** Compares a request with its fixture. A POST body without an expectation is not compared. */
export function expectSent(sent: SentRequest | undefined, expected: Exchange['request']): void {
  expect(sent).toBeDefined()
  if (!sent) return
  expect([sent.method, toComparablePath(sent.path)]).toEqual([expected.method, toComparablePath(expected.path)])
  expect(sent.headers).toMatchObject(lowerCased(expected.headers ?? {}))
  if (expected.json !== undefined) expect(JSON.parse(String(sent.body))).toEqual(expected.json)
  else if (expected.form) expect(sent.body instanceof FormData && Object.fromEntries(sent.body)).toEqual(expected.form)
  else if (expected.method === 'GET') expect(sent.body ?? null).toBeNull()
}

/** Ignores the order of query parameters. */
function toComparablePath(path: string): unknown {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  return [pathname, [...searchParams].map(pair => pair.join('=')).sort()]
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The methods of a connected client. */
export function methodsOf(client: ProviderClient): string[] {
  return Object.entries(client).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
}
