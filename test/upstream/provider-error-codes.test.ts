import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/domain/error-codes.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import {
  type CreatedRecord,
  codesOf,
  create,
  healthOf,
  makeRecord,
  READS,
  type ReadSubject,
  read,
} from '../harness/clients/reads.ts'
import { FREE_TEXT, SUBJECTS, type Subject } from '../harness/providers/create-subjects.ts'
import type { FaultyBehaviour, FaultyResponse } from '../harness/providers/faulty-provider.ts'
import { until } from '../harness/waiting.ts'

/** The responses of a provider, and the resulting error codes: the same for every provider, on reads and on creates. */

interface Row {
  readonly output: string
  readonly conduct: (refusal: (status: number) => object) => FaultyBehaviour
  readonly read: ErrorCode
  /** The error code of a refused create. */
  readonly create?: ErrorCode
  /** The error code of the operation of a create with unknown outcome. */
  readonly unknownCreate?: ErrorCode
  readonly retryAfterSeconds?: number
}

type Refusal = (status: number) => object

const json = (status: number, body: unknown, headers?: Record<string, string>): FaultyResponse => ({
  status,
  headers,
  text: JSON.stringify(body),
})
const refused = (status: number, headers?: Record<string, string>) => (refusal: Refusal) => () =>
  json(status, refusal(status), headers)
const message = (status: number, text: string, type: string) => () => () => ({
  status,
  headers: { 'content-type': type },
  text,
})
const HTML = `<!doctype html><title>${FREE_TEXT}</title>`

const REJECTED = { read: 'PROVIDER_REJECTED', create: 'PROVIDER_REJECTED' } as const
const AUTH_FAILED = { read: 'PROVIDER_AUTH_FAILED', create: 'PROVIDER_AUTH_FAILED' } as const
const RATE_LIMITED = { read: 'PROVIDER_RATE_LIMITED', create: 'PROVIDER_RATE_LIMITED' } as const
const UNAVAILABLE = { read: 'PROVIDER_UNAVAILABLE', unknownCreate: 'PROVIDER_UNAVAILABLE' } as const
const BROKEN = { read: 'PROVIDER_CONTRACT_BROKEN', unknownCreate: 'PROVIDER_CONTRACT_BROKEN' } as const

const ROWS: readonly Row[] = [
  ...[400, 402, 405, 409, 410, 413, 415, 422].map(status => ({
    output: String(status),
    conduct: refused(status),
    ...REJECTED,
  })),
  { output: '404', conduct: refused(404), read: 'NOT_FOUND', create: 'PROVIDER_REJECTED' },
  ...[401, 403].map(status => ({ output: String(status), conduct: refused(status), ...AUTH_FAILED })),
  { output: '403 with HTML', conduct: message(403, HTML, 'text/html'), ...AUTH_FAILED },
  { output: '429', conduct: refused(429), ...RATE_LIMITED },
  {
    output: '429 with a Retry-After',
    conduct: refused(429, { 'retry-after': '17' }),
    ...RATE_LIMITED,
    retryAfterSeconds: 17,
  },
  ...[408, 425, 500, 501, 502, 504, 599].map(status => ({
    output: String(status),
    conduct: refused(status),
    ...UNAVAILABLE,
  })),
  {
    output: '503 with a Retry-After',
    conduct: refused(503, { 'retry-after': '17' }),
    ...UNAVAILABLE,
    retryAfterSeconds: 17,
  },
  { output: '502 with HTML', conduct: message(502, HTML, 'text/html'), ...UNAVAILABLE },
  { output: 'nothing, for longer than the deadline', conduct: () => () => 'HANG', ...UNAVAILABLE },
  { output: 'nothing, and broke the connection', conduct: () => () => 'RESET', ...UNAVAILABLE },
  { output: '200 with HTML', conduct: message(200, HTML, 'text/html'), ...BROKEN },
  { output: '200 with half of its JSON', conduct: message(200, '{"data":{"id":"vs_00', 'application/json'), ...BROKEN },
  { output: '200 with JSON of another shape', conduct: message(200, '[7]', 'application/json'), ...BROKEN },
  { output: '200 with an empty object', conduct: message(200, '{}', 'application/json'), ...BROKEN },
  { output: '200 with nothing', conduct: message(200, '', 'application/json'), ...BROKEN },
  ...[301, 302, 303, 307, 308].map(status => ({
    output: String(status),
    conduct: refused(status, { location: 'http://localhost:9/' }),
    ...BROKEN,
  })),
]

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['PROVIDER_UNAVAILABLE', 'PROVIDER_RATE_LIMITED'])
const NO_RETRIES = { RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0' }

let app: AppWithFaultyProvider
const records = new Map<Provider, CreatedRecord>()

function refusalOf(provider: Provider): Refusal {
  return SUBJECTS.find(subject => subject.provider === provider)?.refusal ?? (() => ({}))
}

async function makeAll(): Promise<void> {
  for (const subject of READS) records.set(subject.provider, await makeRecord(app, subject))
}

function recordOf({ provider }: ReadSubject): CreatedRecord {
  const made = records.get(provider)
  if (!made) throw new Error(`There is no record of ${provider}.`)
  return made
}

function createOf({ recordType, input }: Subject) {
  return create(app, { recordType: recordType.toLowerCase() as ReadSubject['recordType'], input })
}

describe('a response', () => {
  beforeAll(async () => {
    app = await startAppWithFaultyProvider({
      READ_DEADLINE_MS: '400',
      CREATE_DEADLINE_MS: '400',
      BREAKER_MINIMUM_CALLS: '100000',
      ...NO_RETRIES,
    })
    await makeAll()
  })
  afterAll(() => app.close())
  afterEach(() => {
    for (const { provider } of READS) app.at(provider).behave()
  })

  test.each(ROWS.map(row => [row.output, row.read, row] as const))(
    '%s to a read is %s',
    async (_reported, code, row) => {
      for (const subject of READS) {
        const { provider, operation } = subject
        app.at(provider).behave(row.conduct(refusalOf(provider)))
        const answer = await read(app, subject, recordOf(subject))

        expect(answer.data).toEqual({ [provider]: null })
        expect(answer.errors).toHaveLength(1)
        expect(answer.errors[0]?.path).toEqual([provider])
        expect(answer.errors[0]?.extensions).toMatchObject({
          code,
          provider,
          operation,
          retryable: RETRYABLE.has(code),
          requestId: expect.any(String),
        })
        expect(answer.errors[0]?.extensions.retryAfterSeconds).toBe(row.retryAfterSeconds)
        expect(JSON.stringify(answer)).not.toContain(FREE_TEXT)
      }
    },
  )

  test.each(ROWS.map(row => [row.output, row.create ?? 'UNCONFIRMED', row] as const))(
    '%s to a create is %s',
    async (output, code, row) => {
      for (const subject of SUBJECTS) {
        const { provider } = subject
        app.at(provider).behave(row.conduct(subject.refusal))
        const answer = await createOf(subject)
        const { made } = answer.data

        expect(answer.errors).toEqual([])
        expect(JSON.stringify(answer)).not.toContain(FREE_TEXT)
        expect(app.at(provider).received).toHaveLength(1)
        // A conflict on an Idempotency-Key may be about a create that was executed.
        const unknownCreate = output === '409' && subject.keyed ? 'PROVIDER_REJECTED' : row.unknownCreate
        if (unknownCreate) {
          expect(made).toMatchObject({
            code: 'UNCONFIRMED',
            operation: { state: 'UNKNOWN', lastError: { code: unknownCreate } },
          })
        } else {
          expect(made.code).toBe(code)
          if (made.__typename === 'ProviderUnavailableError')
            expect(made.retryAfterSeconds).toBe(row.retryAfterSeconds ?? null)
        }
      }
    },
  )

  test('with an error under status 200, as Personr documents it, is PROVIDER_REJECTED on reads and creates', async () => {
    const [subject] = READS.filter(({ provider }) => provider === 'PERSONR')
    if (!subject) throw new Error('Nothing of PERSONR can be read.')
    for (const body of [
      { status: 'error', response: FREE_TEXT },
      { statusCode: 400, message: FREE_TEXT },
    ]) {
      app.at('PERSONR').behave(() => json(200, body))
      expect(codesOf(await read(app, subject, recordOf(subject)))).toEqual({ PERSONR: 'PROVIDER_REJECTED' })
      for (const creating of SUBJECTS.filter(({ provider }) => provider === 'PERSONR')) {
        expect((await createOf(creating)).data.made).toMatchObject({
          __typename: 'ProviderRejectedError',
          code: 'PROVIDER_REJECTED',
        })
      }
    }
  })

  test('with another record is PROVIDER_CONTRACT_BROKEN, and nothing of it is stored', async () => {
    for (const subject of READS) {
      const { provider } = subject
      const { providerId } = recordOf(subject)
      if (provider === 'PERSONR') await review(app.at('PERSONR').origin, providerId)
      const other = providerId.slice(0, -1) + (providerId.endsWith('0') ? '1' : '0')
      app.at(provider).behave(() => given => ({ ...given, text: given.text.replaceAll(providerId, other) }))
      const answer = await read(app, subject, recordOf(subject))
      expect(codesOf(answer)).toEqual({ [provider]: 'PROVIDER_CONTRACT_BROKEN' })

      app.at(provider).behave()
      expect((await read(app, subject, recordOf(subject))).data[provider]).toMatchObject({ providerId })
    }
  })

  test('401 shows in the provider health and opens no circuit', async () => {
    const [subject] = READS
    if (!subject) throw new Error('Nothing can be read.')
    const { errorRate: before } = await healthOf(app, subject.provider)
    app.at(subject.provider).behave(() => json(401, {}))
    for (let n = 0; n < 20; n++) await read(app, subject, recordOf(subject))

    const { errorRate, state } = await healthOf(app, subject.provider)
    expect(errorRate).toBeGreaterThan(before)
    expect(state).toBe('DEGRADED')
    // Calls are still sent: an open circuit would be PROVIDER_UNAVAILABLE.
    const { errors } = await read(app, subject, recordOf(subject))
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['PROVIDER_AUTH_FAILED'])
  })
})

/** A Personr response names its applicant only in the result of a review. */
async function review(origin: string, id: string): Promise<void> {
  const body = JSON.stringify({ id, to: 'approved' })
  const response = await fetch(`${origin}/_sandbox/advance`, { method: 'POST', body })
  if (!response.ok) throw new Error(await response.text())
}

describe('a provider call that is not made', () => {
  afterEach(() => app.close())

  test('because the circuit is open is PROVIDER_UNAVAILABLE on reads and creates', async () => {
    app = await startAppWithFaultyProvider({
      BREAKER_MINIMUM_CALLS: '2',
      BREAKER_HALF_OPEN_AFTER_MS: '60000',
      ...NO_RETRIES,
    })
    await makeAll()
    for (const { provider } of READS) app.at(provider).behave(() => json(500, {}))
    for (const subject of READS) for (let n = 0; n < 2; n++) await read(app, subject, recordOf(subject))
    for (const subject of SUBJECTS) for (let n = 0; n < 2; n++) await createOf(subject)
    for (const { provider } of READS) app.at(provider).behave()

    for (const subject of READS) {
      const { errors } = await read(app, subject, recordOf(subject))
      expect(errors[0]?.extensions).toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        provider: subject.provider,
        operation: subject.operation,
        retryable: true,
      })
      expect(errors[0]?.extensions.retryAfterSeconds).toBeGreaterThan(50)
    }
    for (const subject of SUBJECTS) {
      const { made } = (await createOf(subject)).data
      expect(made).toMatchObject({ __typename: 'ProviderUnavailableError', code: 'PROVIDER_UNAVAILABLE' })
      expect(made.retryAfterSeconds).toBeGreaterThan(50)
    }
    for (const { provider } of READS) expect(app.at(provider).received).toEqual([])
  })

  test('because no slot is free is PROVIDER_UNAVAILABLE on reads and creates', async () => {
    app = await startAppWithFaultyProvider({
      UPSTREAM_CONNECTIONS: '1',
      UPSTREAM_QUEUE: '1',
      CREATE_DEADLINE_MS: '400',
    })
    for (const { provider } of READS.filter(subject => subject.provider !== 'PERSONR')) {
      // Reading an applicant of Personr takes two slots at once, so its reads would reject themselves.
      const subject = READS.find(each => each.provider === provider)
      if (subject) records.set(provider, await makeRecord(app, subject))
      app.at(provider).behave(() => 'HANG')
    }
    app.at('PERSONR').behave(() => 'HANG')
    const busy = READS.flatMap(subject => [create(app, subject), create(app, subject)])
    await until(() => READS.every(({ provider }) => app.at(provider).waiting() === 1))

    for (const subject of READS) {
      const { made } = (await create(app, subject)).data
      expect(made).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 })
      if (subject.provider === 'PERSONR') continue
      const { errors } = await read(app, subject, recordOf(subject))
      expect(errors[0]?.extensions).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 })
    }
    await Promise.all(busy)
  })

  test('because there are no credentials is PROVIDER_NOT_CONFIGURED on reads and creates', async () => {
    app = await startAppWithFaultyProvider({
      ...Object.fromEntries(READS.map(({ provider }) => [`${provider}_API_KEY`, ''])),
      PERSONR_EMAIL: '',
      PERSONR_PASSWORD: '',
    })
    for (const subject of SUBJECTS) {
      const { made } = (await createOf(subject)).data
      expect(made).toMatchObject({ __typename: 'ProviderUnavailableError', code: 'PROVIDER_NOT_CONFIGURED' })
    }
    for (const { provider, recordType } of READS) {
      const query = `{ it: ${recordType}(by: { atProvider: { provider: ${provider}, providerId: "x" } }) { id } }`
      const { data, errors } = await app.execute(query)
      expect(data).toEqual({ it: null })
      expect(errors[0]?.extensions).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED', provider, retryable: false })
    }
  })
})
