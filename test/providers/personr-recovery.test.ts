import { describe, expect, test } from 'vitest'
import { personr } from '../../src/providers/personr/index.ts'
import type { TestApp } from '../harness/app/test-app.ts'
import { setUpLostCreates } from '../harness/providers/lost-creates.ts'
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

const { advance, findOperation, follow, newKey, now, open, reconcile, setFate, settleFound } =
  setUpLostCreates('PERSONR')

async function createLink({ execute }: TestApp, idempotencyKey: string) {
  const session = { personr: { applicant: { applicantProviderId: APPLICANT } } }
  return (await execute(CREATE_SESSION, { input: { idempotencyKey, session } })).data.createSession
}

async function createApplicant({ execute }: TestApp, idempotencyKey: string) {
  const applicant = { personr: { email: 'jane@mail.com', phone: '+61 424 424 424', flowName: 'KYC basic' } }
  return (await execute(CREATE_APPLICANT, { input: { idempotencyKey, externalId: 'usr_1', applicant } })).data
    .createApplicant
}

describe('a session link whose create is of unknown outcome', () => {
  test('is created once more, and the first of the two is returned to no caller', async () => {
    const opened = await open()
    const made = await follow('links')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const unknownCreate = await createLink(opened, key)
    expect(unknownCreate).toMatchObject({
      __typename: 'UnconfirmedError',
      operation: { state: 'UNKNOWN', settlesItself: true },
    })
    await setFate('ANSWERED')
    await reconcile(6)

    const [first, second, ...more] = await made()
    expect(more).toEqual([])
    expect(await createLink(opened, key)).toMatchObject({
      replayed: true,
      operation: { state: 'SUCCEEDED', recovered: true },
      session: { providerId: second, access: { hostedUrl: expect.stringContaining(`/${second}`) } },
    })
    const { services } = opened
    const operation = await findOperation(key)
    const [session] = await services.sessions.findMany(DEV, [operation.recordId ?? ''])
    expect(session?.providerId).not.toBe(first)
  })

  test('is created once more and never a third time, whatever the outcome', async () => {
    const opened = await open()
    const made = await follow('links')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createLink(opened, key)
    for (let round = 0; round < 4; round++) await reconcile(4000)

    expect(await made()).toHaveLength(2)
    expect(await createLink(opened, key)).toMatchObject({
      operation: { state: 'UNKNOWN', settlesItself: false, nextCheckAt: null },
    })
  })

  test('is not created again if repeats are switched off', async () => {
    const opened = await open({ PERSONR_REPEAT_LINKS: 'off' })
    const made = await follow('links')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    await createLink(opened, key)
    await reconcile(4000)

    expect(await made()).toHaveLength(1)
    expect(await createLink(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false } })
  })

  test('that an operator found has its applicant and no hosted page, and the time of its send', async () => {
    const opened = await open({ PERSONR_REPEAT_LINKS: 'off' })
    const made = await follow('links')
    const key = newKey()
    await setFate('RESPONSE_LOST')
    const sentAt = now().toISOString()
    const { operation } = await createLink(opened, key)
    const [link = ''] = await made()
    advance(86_400)
    await settleFound(operation, link)

    expect((await createLink(opened, key)).session).toEqual({
      providerId: link,
      status: 'CREATED',
      outcome: 'PENDING',
      createdAt: sentAt,
      access: { hostedUrl: null },
      applicant: { providerId: APPLICANT },
    })
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
    await setFate('RESPONSE_LOST')
    const unknownCreate = await createApplicant(opened, key)
    expect(unknownCreate).toMatchObject({ operation: { state: 'UNKNOWN', settlesItself: false, nextCheckAt: null } })
    await reconcile(86_400)

    expect(await made()).toHaveLength(1)
    expect(await createApplicant(opened, key)).toMatchObject({ operation: { state: 'UNKNOWN' } })
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
