import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { personr } from '../../src/providers/personr/index.ts'
import { sandbox } from '../../src/providers/personr/sandbox.ts'
import type { SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, startApp, type TestApp } from '../harness/app/test-app.ts'
import { mockProvider } from '../harness/providers/mock-provider.ts'

const APPLICANT = '4242424242424x424242424242424242'
const DEV = { tenantId: 'dev' }

const OPERATION = 'operation { id state recovered settlesItself nextCheckAt }'
const CREATE_SESSION = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on CreateSessionPayload {
        replayed ${OPERATION}
        session { providerId status outcome createdAt access { hostedUrl } applicant { providerId } }
      }
      ... on UnconfirmedError { ${OPERATION} }
    }
  }
`
const CREATE_APPLICANT = /* GraphQL */ `
  mutation ($input: CreateApplicantInput!) {
    createApplicant(input: $input) {
      __typename
      ... on CreateApplicantPayload { ${OPERATION} applicant { providerId email externalId } }
      ... on UnconfirmedError { ${OPERATION} }
    }
  }
`

let losses = 0
let time = Date.now()
let running: RunningSandbox
let app: TestApp | undefined
let keys = 0

beforeAll(async () => {
  running = await startSandbox(losingAnswers(sandbox), { port: 0 })
})

afterEach(async () => {
  losses = 0
  await app?.close()
  app = undefined
})

afterAll(() => running.close())

/** Executes the creates, and drops the first `losses` responses. */
function losingAnswers<T>(definition: SandboxDefinition<T>): SandboxDefinition<T> {
  return {
    ...definition,
    open(context) {
      const parts = definition.open(context)
      const routes = parts.routes.map(route => ({
        ...route,
        answer: async (request: Parameters<typeof route.answer>[0]) => {
          const answer = await route.answer(request)
          return /-create$/.test(route.path) && losses-- > 0 ? { status: 503, json: {} } : answer
        },
      }))
      return { ...parts, routes }
    },
  }
}

async function open(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const { email, password } = sandbox.credentials
  const account = { PERSONR_BASE_URL: running.baseUrl, PERSONR_EMAIL: email, PERSONR_PASSWORD: password }
  const clock = { now: () => new Date(time), jobs: false }
  app = await startApp({ SANDBOX: 'off', ...account, ...env }, clock)
  return app
}

async function createLink({ execute }: TestApp, idempotencyKey: string) {
  const session = { personr: { applicant: { applicantProviderId: APPLICANT } } }
  return (await execute(CREATE_SESSION, { input: { idempotencyKey, session } })).data.createSession
}

async function createApplicant({ execute }: TestApp, idempotencyKey: string) {
  const applicant = { personr: { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic' } }
  return (await execute(CREATE_APPLICANT, { input: { idempotencyKey, externalId: 'usr_1', applicant } })).data
    .createApplicant
}

async function reconcile({ services }: TestApp, seconds: number) {
  time += seconds * 1000
  await services.createReconciler.run()
}

async function idsOf(kind: 'applicants' | 'links'): Promise<string[]> {
  return Object.keys((await controlSandbox(running.origin).objects())[kind] ?? {})
}

/** The ids of the objects created by `run`. */
async function follow(kind: 'applicants' | 'links') {
  const before = new Set(await idsOf(kind))
  return async () => (await idsOf(kind)).filter(id => !before.has(id))
}

const newKey = () => `personr-${++keys}`
const toId = (globalId: string) => decodeGlobalId(globalId)?.id ?? ''

describe('a session link whose create is of unknown outcome', () => {
  test('is created once more, and the first of the two is returned to no caller', async () => {
    const opened = await open()
    const made = await follow('links')
    const key = newKey()
    losses = 1
    const unknownCreate = await createLink(opened, key)
    expect(unknownCreate).toMatchObject({
      __typename: 'UnconfirmedError',
      operation: { state: 'UNKNOWN', settlesItself: true },
    })
    await reconcile(opened, 6)

    const [first, second, ...more] = await made()
    expect(more).toEqual([])
    expect(await createLink(opened, key)).toMatchObject({
      replayed: true,
      operation: { state: 'SUCCEEDED', recovered: true },
      session: { providerId: second, access: { hostedUrl: expect.stringContaining(`/${second}`) } },
    })
    const { services } = opened
    const operation = await services.operations.get(DEV, { idempotencyKey: key })
    const [session] = await services.sessions.findMany(DEV, [operation.recordId ?? ''])
    expect(session?.providerId).not.toBe(first)
  })

  test('is created once more and never a third time, whatever the outcome', async () => {
    const opened = await open()
    const made = await follow('links')
    const key = newKey()
    losses = 9
    await createLink(opened, key)
    for (let round = 0; round < 4; round++) await reconcile(opened, 4000)

    expect(await made()).toHaveLength(2)
    expect(await createLink(opened, key)).toMatchObject({
      operation: { state: 'UNKNOWN', settlesItself: false, nextCheckAt: null },
    })
  })

  test('is not created again if repeats are switched off', async () => {
    const opened = await open({ PERSONR_REPEAT_LINKS: 'off' })
    const made = await follow('links')
    const key = newKey()
    losses = 1
    await createLink(opened, key)
    await reconcile(opened, 4000)

    expect(await made()).toHaveLength(1)
    expect(await createLink(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false } })
  })

  test('that an operator found has its applicant and no hosted page, and the time of its send', async () => {
    const opened = await open({ PERSONR_REPEAT_LINKS: 'off' })
    const made = await follow('links')
    const key = newKey()
    losses = 1
    const sentAt = new Date(time).toISOString()
    const { operation } = await createLink(opened, key)
    const [link = ''] = await made()
    time += 86_400_000
    await opened.services.operations.settleFound(DEV, toId(operation.id), link)

    expect((await createLink(opened, key)).session).toEqual({
      providerId: link,
      status: 'CREATED',
      outcome: 'PENDING',
      createdAt: sentAt,
      access: { hostedUrl: null },
      applicant: { providerId: APPLICANT },
    })
  })

  test('is not found under its whole link, which is a secret and no id', async () => {
    const opened = await open({ PERSONR_REPEAT_LINKS: 'off' })
    losses = 1
    const { operation } = await createLink(opened, newKey())
    const settled = opened.services.operations.settleFound(DEV, toId(operation.id), 'https://personr.test/verify/1x2')
    await expect(settled).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  test('of an applicant named by our id belongs to that applicant', async () => {
    const { client } = await connect()
    const unknownCreate = toLost({ applicant: { applicantId: 'ours' } }, { applicantProviderId: '1x2' })
    const assumed = await client.recovery?.session?.reconstruct?.(unknownCreate, '3x4', {})
    expect(assumed).toMatchObject({ providerId: '3x4', applicant: { providerId: '1x2' } })
  })
})

describe('an applicant whose create is of unknown outcome', () => {
  test('is never created once more', async () => {
    const opened = await open()
    const made = await follow('applicants')
    const key = newKey()
    losses = 1
    const unknownCreate = await createApplicant(opened, key)
    expect(unknownCreate).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false, nextCheckAt: null } })
    await reconcile(opened, 86_400)

    expect(await made()).toHaveLength(1)
    expect(await createApplicant(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN' } })
  })

  test('that an operator found is read by its id', async () => {
    const opened = await open()
    const made = await follow('applicants')
    const key = newKey()
    losses = 1
    const { operation } = await createApplicant(opened, key)
    const [providerId = ''] = await made()
    await opened.services.operations.settleFound(DEV, toId(operation.id), providerId)

    const applicant = { providerId, email: 'jane@mail.com', externalId: 'usr_1' }
    expect(await createApplicant(opened, key)).toMatchObject({ operation: { recovered: true }, applicant })
  })

  test('stays unknown if Personr does not know the id from the operator', async () => {
    const opened = await open()
    losses = 1
    const { operation } = await createApplicant(opened, newKey())
    const id = toId(operation.id)
    await expect(opened.services.operations.settleFound(DEV, id, '1x2')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await opened.services.operations.get(DEV, { id })).toMatchObject({ state: 'UNKNOWN' })
  })
})

test('Personr has the capability RECONCILIATION only if links may be repeated', async () => {
  expect((await connect()).client.capabilities).toContain('RECONCILE')
  expect((await connect({ repeatLinks: 'off' })).client.capabilities).not.toContain('RECONCILE')
})

function connect(settings: Record<string, unknown> = {}) {
  return mockProvider(personr, settings, () => ({ status: 500 }))
}

function toLost(input: object, marks: object) {
  const call = { reference: 'sg_lost', idempotencyKey: 'sg_lost-1', noted: null, sentAt: new Date() }
  return { ...call, input: { ...input }, ...marks }
}
