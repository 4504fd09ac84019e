import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { onPostgres } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import type { Behaviour, Outcome } from '../harness/providers/behaviours/behaviour.ts'
import { BEHAVIOURS } from '../harness/providers/create-behaviours.ts'
import { FREE_TEXT, SUBJECTS, type Subject } from '../harness/providers/create-subjects.ts'
import { type HostileServer, type ReceivedRequest, startHostileServer } from '../harness/providers/hostile-server.ts'

/**
 * The outcome of a create for every behaviour of its provider: FAILED if certainly nothing was made, SUCCEEDED if the
 * response says so, otherwise UNKNOWN. Each application has one server instead of all providers.
 */

const SECRET = 'credential_of_the_account'

const OPERATION = 'state sendCount settlesItself recovered idempotencyKey lastError { code message }'

function mutation(recordType: Subject['recordType']): string {
  return /* GraphQL */ `
    mutation ($input: Create${recordType}Input!) {
      result: create${recordType}(input: $input) {
        __typename
        ... on Create${recordType}Payload {
          replayed operation { ${OPERATION} } record: ${recordType.toLowerCase()} { id providerId }
        }
        ... on ProviderRejectedError { provider providerCode providerIssues { path message } }
        ... on ProviderUnavailableError { provider retryAfterSeconds }
        ... on ProviderContractError { provider }
        ... on UnconfirmedError { operation { ${OPERATION} } }
        ... on MutationError { code message }
      }
    }
  `
}

const READ_OPERATION = /* GraphQL */ `
  query ($key: String!) { operation(by: { idempotencyKey: $key }) { ${OPERATION} } }
`

/** An application whose providers all have the same behaviour. */
interface Stage {
  readonly app: TestApp
  readonly server: HostileServer
  /** The target host of redirects. */
  readonly elsewhere: HostileServer
  close(): Promise<void>
}

let made = 0

async function openStage(behaviour: Behaviour): Promise<Stage> {
  const { answers, at, onConnection, onHead } = behaviour
  const elsewhere = await startHostileServer({ onConnection: ['CLOSE'] })
  const onRequest = (request: ReceivedRequest) => {
    const subject = SUBJECTS.find(({ path }) => path === request.path)
    made += 1
    return subject && answers ? answers({ subject, made: subject.made(made), elsewhere: elsewhere.origin }) : []
  }
  const server = await startHostileServer({ onConnection, onHead, onRequest })
  const place = at ? await at(server) : server
  const app = await startApp(settingsFor(place.origin, behaviour), { jobs: false })
  return {
    app,
    server,
    elsewhere,
    close: async () => {
      await place.close?.()
      await server.close()
      await elsewhere.close()
      await app.close()
    },
  }
}

/** A deadline that no busy machine misses, where the test does not wait for it. */
function settingsFor(origin: string, { lastsToDeadline }: Behaviour): Record<string, string> {
  const deadline = lastsToDeadline ? '2000' : '20000'
  const providers = PROVIDERS.flatMap(provider => [
    [`${provider}_BASE_URL`, `${origin}/${provider.toLowerCase()}`],
    [`${provider}_API_KEY`, SECRET],
  ])
  return { READ_DEADLINE_MS: deadline, CREATE_DEADLINE_MS: deadline, ...Object.fromEntries(providers) }
}

async function execute(app: TestApp, query: string, variables: Record<string, unknown>) {
  const answer = await app.execute(query, variables)
  expect(answer.errors).toEqual([])
  expect(JSON.stringify(answer)).not.toContain(SECRET)
  expect(JSON.stringify(answer)).not.toContain(FREE_TEXT)
  return answer.data
}

/** The create, and its stored operation. */
async function create(app: TestApp, { recordType, input }: Subject, key: string) {
  const field = recordType.toLowerCase()
  const { result } = await execute(app, mutation(recordType), { input: { idempotencyKey: key, [field]: input } })
  const { operation } = await execute(app, READ_OPERATION, { key })
  return { result, operation }
}

const TYPES: Readonly<Record<string, string>> = {
  PROVIDER_REJECTED: 'ProviderRejectedError',
  PROVIDER_CONTRACT_BROKEN: 'ProviderContractError',
}

/** The result of the mutation for this outcome. */
function expectedResult({ provider, recordType }: Subject, { state, code, retryAfterSeconds }: Outcome): object {
  if (state === 'SUCCEEDED') return { __typename: `Create${recordType}Payload`, operation: { state } }
  if (state === 'UNKNOWN') return { __typename: 'UnconfirmedError', code: 'UNCONFIRMED', operation: { state } }
  const __typename = TYPES[code ?? ''] ?? 'ProviderUnavailableError'
  return {
    __typename,
    code,
    provider,
    ...(__typename === 'ProviderUnavailableError' && { retryAfterSeconds }),
  }
}

function expectedOperation(subject: Subject, { state, code }: Outcome, sendCount: number): object {
  return {
    state,
    sendCount,
    recovered: false,
    settlesItself: state !== 'UNKNOWN' || subject.settlesItself,
    lastError: code && { code },
  }
}

/** Without a connection nothing is sent. */
function sentOf({ state, requests }: Outcome, attempts: number): number {
  return state === 'FAILED' && requests === 0 ? 0 : attempts
}

/** What differs between the databases is covered by few of them. */
const TESTED = BEHAVIOURS.filter((_, index) => !onPostgres() || index % 4 === 0)
const named = (behaviours: readonly Behaviour[]) => behaviours.map(each => [each.name, each] as const)
const isFast = ({ lastsToDeadline }: Behaviour) => !lastsToDeadline

describe.each(named(TESTED.filter(isFast)))('%s', describeBehaviour)

// These wait for their deadlines at the same time.
describe.concurrent.each(named(TESTED.filter(each => !isFast(each))))('%s', describeBehaviour)

function describeBehaviour(_name: string, behaviour: Behaviour): void {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage(behaviour)
  })
  afterAll(() => stage.close())

  const cases = SUBJECTS.map(subject => {
    const outcome = typeof behaviour.becomes === 'function' ? behaviour.becomes(subject) : behaviour.becomes
    return [subject.provider, subject.recordType, outcome.state, subject, outcome] as const
  })

  test.concurrent.each(cases)('from %s leaves a create of its %s %s', async (_from, _of, _is, subject, outcome) => {
    const { app, server } = stage
    // A retry of the test is another create.
    const key = randomUUID()
    const before = server.received.length
    const received = () => server.received.slice(before).filter(({ path }) => path === subject.path)

    const first = await create(app, subject, key)

    expect(first.result).toMatchObject(expectedResult(subject, outcome))
    expect(first.operation).toMatchObject(expectedOperation(subject, outcome, sentOf(outcome, 1)))
    expect(received()).toHaveLength(outcome.requests)

    const again = await create(app, subject, key)

    const sends = outcome.state === 'FAILED' ? 2 : 1
    expect(again.result).toMatchObject(expectedResult(subject, outcome))
    expect(again.operation).toMatchObject(expectedOperation(subject, outcome, sentOf(outcome, sends)))
    expect(received()).toHaveLength(outcome.requests * sends)
    if (outcome.state === 'SUCCEEDED') {
      expect([first.result.replayed, again.result.replayed]).toEqual([false, true])
      expect(again.result.record).toEqual(first.result.record)
    }
    expect(upstreamKeys(received())).toHaveLength(subject.keyed ? received().length : 0)
  })

  test('follows no redirect, keeps to the size limit and pollutes no prototype', () => {
    expect(stage.elsewhere.connections()).toBe(0)
    expect(stage.server.sentBytes()).toBeLessThan((behaviour.takesAtMost ?? 20 * 1024 * 1024) * SUBJECTS.length)
    expect(Reflect.has({}, 'polluted')).toBe(false)
  })
}

/** The distinct Idempotency-Keys of these requests. */
function upstreamKeys(requests: readonly ReceivedRequest[]): string[] {
  return [...new Set(requests.flatMap(({ head }) => /^idempotency-key: *(.+)$/im.exec(head)?.[1] ?? []))]
}
