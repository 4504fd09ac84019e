import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { type CreatedRecord, healthOf, makeRecord, newKey, READS, type ReadSubject } from '../harness/clients/reads.ts'
import { SUBJECTS } from '../harness/providers/create-subjects.ts'
import type { FaultyResponse } from '../harness/providers/faulty-provider.ts'

/** The provider's own error code is part of every error that it caused. */

let app: AppWithFaultyProvider
const records = new Map<Provider, CreatedRecord>()

beforeAll(async () => {
  app = await startAppWithFaultyProvider({
    BREAKER_MINIMUM_CALLS: '100000',
    CREATE_DEADLINE_MS: '2000',
    RETRY_BUDGET_MIN: '0',
    RETRY_BUDGET_RATIO: '0',
  })
  for (const subject of READS) records.set(subject.provider, await makeRecord(app, subject))
})
afterAll(() => app.close())
afterEach(() => {
  for (const provider of PROVIDERS) app.at(provider).behave()
})

const json = (status: number, body: object, headers = {}): FaultyResponse => ({
  status,
  headers,
  text: JSON.stringify(body),
})

/** A rejection of each provider, with an error code. */
const BODIES: Readonly<Partial<Record<Provider, (code: string) => object>>> = {
  KAYLE: code => ({
    data: null,
    error: { code, message: 'Internal provider message.', hint: 'None.', docs: 'https://kayle.id' },
  }),
  PERSONR: code => ({ statusCode: undefined, body: { status: code, message: 'Internal provider message.' } }),
  RAPIDLY: code => ({ error: code, detail: 'Internal provider message.' }),
  VERILOCK: code => ({ error: code, message: 'Internal provider message.', details: null }),
  YORLET: code => ({ error: { type: code, message: 'Internal provider message.' } }),
}

function bodyOf(provider: Provider, code: string): object {
  const body = BODIES[provider]
  if (!body) throw new TypeError(`There is no refusal of ${provider}.`)
  return body(code)
}

const READ = /* GraphQL */ `
  query ($id: ID!, $onError: OnRefreshError!) {
    read: NOUN(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: $onError }) {
      sync { stale lastError { code providerCode } }
    }
  }
`

function read({ provider, recordType }: ReadSubject, onError: 'FAIL' | 'SERVE_STALE') {
  return app.execute(READ.replace('NOUN', recordType), { id: records.get(provider)?.id, onError })
}

function create(recordType: string, input: object) {
  return app.execute(
    /* GraphQL */ `
      mutation ($input: Create${recordType}Input!) {
        made: create${recordType}(input: $input) {
          __typename
          ... on MutationError { code retryable }
          ... on ProviderRejectedError { providerCode }
          ... on ProviderUnavailableError { providerCode retryAfterSeconds }
          ... on ProviderContractError { providerCode }
          ... on UnconfirmedError { operation { lastError { code providerCode } } }
        }
      }
    `,
    { input: { idempotencyKey: newKey(), [recordType.toLowerCase()]: input } },
  )
}

const STATUSES = [400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503]
const CASES = PROVIDERS.flatMap(provider => STATUSES.map(status => [provider, status] as const))

describe('the error code of a provider', () => {
  test.each(CASES)(
    'of %s with status %d is in the error of a read and in the stale record',
    async (provider, status) => {
      const subject = READS.find(each => each.provider === provider)
      if (!subject) throw new Error(`Nothing of ${provider} can be read.`)
      app.at(provider).behave(() => json(status, bodyOf(provider, 'SOME_CODE')))

      const failed = await read(subject, 'FAIL')
      expect(failed.errors).toMatchObject([{ extensions: { provider, providerCode: 'SOME_CODE' } }])
      const served = (await read(subject, 'SERVE_STALE')).data.read
      expect(served.sync).toMatchObject({ stale: true, lastError: { providerCode: 'SOME_CODE' } })
      expect(JSON.stringify([failed, served])).not.toContain('Internal provider message')
    },
  )

  test.each(CASES)(
    'of %s with status %d is in the error of a create, or in its operation',
    async (provider, status) => {
      for (const { recordType, input } of SUBJECTS.filter(each => each.provider === provider)) {
        app.at(provider).behave(() => json(status, bodyOf(provider, 'SOME_CODE')))
        const { data, errors } = await create(recordType, input)

        expect(errors).toEqual([])
        const reported = data.made.operation?.lastError ?? data.made
        expect(reported).toMatchObject({ providerCode: 'SOME_CODE' })
        expect(JSON.stringify(data)).not.toContain('Internal provider message')
      }
    },
  )

  test.each(['x'.repeat(101), 'a code with spaces', 'ann@example.com', 'line\nbreak', '<b>', 'ünïcode', ''])(
    'is omitted if it does not look like a code: %j',
    async code => {
      for (const subject of READS) {
        const { provider } = subject
        app.at(provider).behave(() => json(400, bodyOf(provider, code)))
        const [error] = (await read(subject, 'FAIL')).errors
        expect(error?.extensions.providerCode ?? null).toBeNull()
      }
    },
  )
})

describe('Kayle', () => {
  const input = { kayle: {} }

  test('a daily limit of sessions is not retryable', async () => {
    app.at('KAYLE').behave(() => json(429, bodyOf('KAYLE', 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED')))
    expect((await create('Session', input)).data.made).toEqual({
      __typename: 'ProviderUnavailableError',
      code: 'PROVIDER_RATE_LIMITED',
      retryable: false,
      providerCode: 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED',
      retryAfterSeconds: null,
    })
  })

  test('a frozen organization requires its operator, and shows in the provider health', async () => {
    const before = await healthOf(app, 'KAYLE')
    for (let n = 0; n < 20; n++) {
      app.at('KAYLE').behave(() => json(410, bodyOf('KAYLE', 'ORGANIZATION_FROZEN')))
      expect((await create('Session', input)).data.made).toEqual({
        __typename: 'ProviderUnavailableError',
        code: 'PROVIDER_AUTH_FAILED',
        retryable: false,
        providerCode: 'ORGANIZATION_FROZEN',
        retryAfterSeconds: null,
      })
    }
    expect((await healthOf(app, 'KAYLE')).errorRate).toBeGreaterThan(before.errorRate)
  })
})

test.each(PROVIDERS)('a limit of %s is retryable within the hour, and not beyond', async provider => {
  const subject = READS.find(each => each.provider === provider)
  if (!subject) throw new Error(`Nothing of ${provider} can be read.`)
  for (const [seconds, retryable] of [
    [undefined, true],
    [1, true],
    [3600, true],
    [3601, false],
    [86_400, false],
  ] as const) {
    const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) }
    app.at(provider).behave(() => json(429, bodyOf(provider, 'TOO_MANY'), headers))
    const [error] = (await read(subject, 'FAIL')).errors
    expect(error?.extensions).toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryable, providerCode: 'TOO_MANY' })
    expect(error?.extensions.retryAfterSeconds).toBe(seconds)
  }
})

/** The response of each provider to a malformed id. */
const UNREADABLE: readonly (readonly [Provider, string, FaultyResponse])[] = [
  [
    'KAYLE',
    'session',
    json(400, {
      success: false,
      error: { name: 'ZodError', message: JSON.stringify([{ code: 'custom', path: ['id'], message: 'Invalid' }]) },
    }),
  ],
  [
    'RAPIDLY',
    'customer',
    json(422, { error: 'RequestValidationError', detail: [{ type: 'uuid_parsing', loc: ['path', 'id'], msg: 'No.' }] }),
  ],
  ['VERILOCK', 'session', json(422, { error: 'validation_error', message: 'No.', details: { id: ['Invalid.'] } })],
  ['YORLET', 'customer', json(400, { error: { type: 'invalid_request', param: 'id', message: 'No.' }, status: 400 })],
  ['PERSONR', 'applicant', json(400, { statusCode: 400, message: 'Error: Cannot find applicant' })],
]

describe('a provider id that is malformed', () => {
  const lookup = (recordType: string) =>
    `query ($provider: Provider!, $id: String!) {
      read: ${recordType}(by: { atProvider: { provider: $provider, providerId: $id } }) { id }
    }`

  test.each(UNREADABLE)('of %s is NOT_FOUND for a %s', async (provider, recordType, given) => {
    app.at(provider).behave(() => given)
    const { errors, data } = await app.execute(lookup(recordType), { provider, id: 'not-one-of-theirs' })
    expect(data.read).toBeNull()
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', provider, retryable: false } }])
  })

  test.each([
    ['KAYLE', 'session'],
    ['RAPIDLY', 'customer'],
  ] as const)('is refused by the sandbox of %s with the same response', async (provider, recordType) => {
    const { errors } = await app.execute(lookup(recordType), { provider, id: 'not-one-of-theirs' })
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', provider } }])
  })

  test.each(UNREADABLE)(
    '%s refuses in another field is still a rejection',
    async (provider, recordType, { status, text }) => {
      const elsewhere = text.replaceAll(/"(id|path)"|\\"id\\"/g, word => word.replace(/id|path/, 'query'))
      const output = elsewhere.replace('Cannot find applicant', 'Cannot read docSets')
      app.at(provider).behave(() => ({ status, text: output }))
      const { errors } = await app.execute(lookup(recordType), { provider, id: 'not-one-of-theirs' })
      expect(errors).toMatchObject([{ extensions: { code: 'PROVIDER_REJECTED', provider } }])
    },
  )
})
