import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROVIDERS } from '../src/domain/provider.ts'
import { readExamples } from '../src/examples.ts'
import { type House, startHouse } from './harness/house.ts'

const PERSON = /* GraphQL */ `
  query ($externalId: String!, $filter: SessionFilter, $first: Int, $after: String) {
    person(externalId: $externalId) {
      externalId
      applicants { id provider externalId }
      customers { id provider externalId }
      sessions(filter: $filter, first: $first, after: $after) {
        totalCount nodes { id provider externalId } pageInfo { endCursor hasNextPage }
      }
      nextAction { kind url expiresAt session { id provider } }
    }
  }
`

let house: House
let made = 0
let ahead = 0

beforeEach(async () => {
  ahead = 0
  house = await startHouse({}, { now: () => new Date(Date.now() + ahead * 1000), jobs: false })
})
afterEach(() => house.close())

async function run(name: string, field: string, input: object) {
  const { data, errors } = await house.ask(
    `mutation ($input: ${name}Input!) { result: ${field}(input: $input) {
      __typename
      ... on Error { code }
      ... on InvalidInputError { issues { path } }
      ... on ${name}Payload { ${SHOWN[name]} }
    } }`,
    { input },
  )
  expect(errors).toEqual([])
  return data.result
}

const SHOWN: Readonly<Record<string, string>> = {
  CreateSession: 'session { id providerId externalId access { hostedUrl } applicant { id } customer { id } }',
  CreateApplicant: 'applicant { id providerId }',
  CreateCustomer: 'customer { id providerId }',
  LinkSession: 'session { id externalId }',
  LinkRecord: 'applicant { id } customer { id }',
}

async function createSession(session: object, more: object = {}) {
  made += 1
  // Each is made at a later millisecond than the one before.
  await new Promise(resolve => setTimeout(resolve, 2))
  return (await run('CreateSession', 'createSession', { idempotencyKey: `key-${made}`, session, ...more })).session
}

async function createApplicant(more: object = {}, input: object = {}) {
  made += 1
  const personr = { email: `p${made}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic', ...input }
  const created = { idempotencyKey: `key-${made}`, applicant: { personr }, ...more }
  return (await run('CreateApplicant', 'createApplicant', created)).applicant
}

async function createCustomer(more: object = {}, customer: object = { rapidly: { email: `c${made}@example.com` } }) {
  made += 1
  return (await run('CreateCustomer', 'createCustomer', { idempotencyKey: `key-${made}`, customer, ...more })).customer
}

async function read(externalId: string, more: object = {}) {
  const { data, errors } = await house.ask(PERSON, { externalId, ...more })
  expect(errors).toEqual([])
  return data.person
}

async function sessionsOf(externalId: string): Promise<string[]> {
  const { data } = await house.ask(PERSON, { externalId })
  return data.person?.sessions.nodes.map(({ id }: { id: string }) => id) ?? []
}

const VERILOCK = {
  verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' },
}
const YORLET = { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }
/** An applicant that Personr's sandbox is seeded with, under UUID1 and UUID2. */
const PERSONR_SEED = '4242424242424x424242424242424242'

describe('a person', () => {
  test('has what carries its id at all five providers, and no provider is asked', async () => {
    const kayle = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const verilock = await createSession(VERILOCK, { externalId: 'usr_1' })
    const applicant = await createApplicant({ externalId: 'usr_1' })
    const personr = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    const customer = await createCustomer({ externalId: 'usr_1' })
    const rapidly = await createSession({ rapidly: { customer: { customerId: customer.id } } })
    const yorlet = await createSession(YORLET)
    await run('LinkSession', 'linkSession', { sessionId: yorlet.id, externalId: 'usr_1' })
    await createSession({ kayle: {} }, { externalId: 'usr_2' })
    for (const provider of PROVIDERS) await house.sandbox(provider).forget()

    const person = await read('usr_1')

    const sessions = [yorlet, rapidly, personr, verilock, kayle]
    expect(person.sessions.nodes.map(({ id }: { id: string }) => id).sort()).toEqual(
      sessions.map(({ id }) => id).sort(),
    )
    expect(person.sessions.totalCount).toBe(5)
    expect(person.applicants.map((it: { provider: string }) => it.provider).sort()).toEqual(['PERSONR', 'VERILOCK'])
    expect(person.customers).toEqual([{ id: customer.id, provider: 'RAPIDLY', externalId: 'usr_1' }])
    for (const provider of PROVIDERS) expect(await house.sandbox(provider).requests(), provider).toEqual([])
  })

  test('of whom nothing is known is null with NOT_FOUND', async () => {
    const { data, errors } = await house.ask(PERSON, { externalId: 'usr_1' })
    expect(data).toEqual({ person: null })
    expect(errors).toMatchObject([{ path: ['person'], extensions: { code: 'NOT_FOUND', retryable: false } }])
  })

  test.each(['', 'x'.repeat(256)])('under an id of a wrong length is INVALID_INPUT', async externalId => {
    const { errors } = await house.ask(PERSON, { externalId })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', issues: [{ path: ['externalId'] }] } }])
  })

  test('is no one of another tenant', async () => {
    await createSession({ kayle: {} }, { externalId: 'usr_1' })
    await createCustomer({ externalId: 'usr_1' })
    const { people } = house.services
    const person = { externalId: 'usr_1' }
    const [own, foreign] = [{ tenantId: 'dev' }, { tenantId: 'another' }]
    expect(await people.findMany(own, ['usr_1'])).toEqual([person])
    expect(await people.findMany(foreign, ['usr_1'])).toEqual([null])
    expect(await people.customersOf(foreign, [person])).toEqual([[]])
    expect((await people.nextActionsOf(foreign, [person]))[0]).toMatchObject({ kind: 'NONE', session: null })
  })

  test('shows its sessions a page at a time, and those that a filter leaves', async () => {
    const first = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const second = await createSession(VERILOCK, { externalId: 'usr_1' })
    const page = (await read('usr_1', { first: 1 })).sessions
    expect(page).toMatchObject({ nodes: [{ id: second.id }], pageInfo: { hasNextPage: true } })
    const next = (await read('usr_1', { first: 1, after: page.pageInfo.endCursor })).sessions
    expect(next).toMatchObject({ nodes: [{ id: first.id }], pageInfo: { hasNextPage: false } })
    const narrowed = async (filter: object) => (await read('usr_1', { filter })).sessions.nodes
    expect(await narrowed({ provider: ['KAYLE'] })).toMatchObject([{ id: first.id }])
    expect(await narrowed({ externalId: 'usr_1' })).toHaveLength(2)
    expect(await narrowed({ externalId: 'usr_2' })).toEqual([])
  })

  test('shows the newest 100 of its records, and never those of others', async () => {
    const [{ id }, other] = [await createCustomer({ externalId: 'usr_1' }), await createCustomer()]
    const row = await house.db.sql.selectFrom('customers').selectAll().where('external_id', '=', 'usr_1').execute()
    const copies = Array.from({ length: 120 }, (_, index) => ({
      ...row[0],
      id: `01970000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      provider_id: `copy-${index}`,
      created_at: (row[0]?.created_at ?? 0) + index + 1,
    }))
    await house.db.sql
      .insertInto('customers')
      .values(copies as never)
      .execute()
    const ids = (await read('usr_1')).customers.map((it: { id: string }) => it.id)
    expect(ids).toHaveLength(100)
    expect(new Set(ids)).not.toContain(id)
    expect(new Set(ids)).not.toContain(other.id)
  })

  test('reads many at once, each once: one read of the store for each field', async () => {
    for (const externalId of ['usr_1', 'usr_2', 'usr_3']) {
      await createApplicant({ externalId })
      await createSession({ kayle: {} }, { externalId })
    }
    const asked = { ...house.services.people }
    const calls: Record<string, number[]> = {}
    for (const name of ['applicantsOf', 'findMany', 'nextActionsOf'] as const) {
      Object.assign(house.services.people, {
        [name]: (call: never, people: readonly object[]) => {
          calls[name] = [...(calls[name] ?? []), people.length]
          return asked[name](call, people as never)
        },
      })
    }
    const fields = '{ applicants { id } nextAction { kind } }'
    const { errors } = await house.ask(
      `{ a: person(externalId: "usr_1") ${fields} b: person(externalId: "usr_2") ${fields}
         c: person(externalId: "usr_3") ${fields} d: person(externalId: "usr_1") ${fields} }`,
    )
    expect(errors).toEqual([])
    expect(calls).toEqual({ applicantsOf: [3], findMany: [3], nextActionsOf: [3] })
  })

  test.each([
    ['sessions(first: 100) { nodes { attempts { totalCount } customer { id } } }', false],
    ['sessions(first: 20) { nodes { attempts { totalCount } customer { id } } }', true],
    ['applicants { attempts { totalCount } customer { id } } customers { id }', false],
    ['applicants { attempts { totalCount } } customers { id }', true],
  ])('may be asked for with %s: %s, since it counts what that can cause', async (fields, allowed) => {
    await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const { errors } = await house.ask(`{ person(externalId: "usr_1") { ${fields} } }`)
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(allowed ? [] : ['QUERY_TOO_COMPLEX'])
  })

  test('is shown by the example, in one call', async () => {
    const query = readExamples().find(({ name }) => name === '05-person')?.query ?? ''
    const { access, id } = await createSession({ kayle: {} }, { externalId: 'usr_1337' })
    const { data, errors } = await house.ask(query)
    expect(errors).toEqual([])
    expect(data.person).toMatchObject({
      nextAction: { kind: 'VERIFY', url: access.hostedUrl, session: { id } },
      sessions: { nodes: [{ id, status: 'CREATED' }] },
    })
  })
})

describe('a record is joined by the id', () => {
  test('that Verilock keeps with a session made elsewhere', async () => {
    const { settings } = house.sandboxes.find(({ provider }) => provider === 'VERILOCK') ?? {}
    const { providerId } = await createSession(VERILOCK, { externalId: 'usr_1' })
    const other = await startHouse({
      VERILOCK_BASE_URL: String(settings?.baseUrl),
      VERILOCK_API_KEY: String(settings?.apiKey),
    })
    const query = `query ($ref: ProviderRef!) { session(by: { provider: $ref }) { id externalId } }`
    const met = await other.ask(query, { ref: { provider: 'VERILOCK', providerId } })
    const { data } = await other.ask(PERSON, { externalId: 'usr_1' })
    await other.close()
    expect(met.errors).toEqual([])
    expect(data.person).toMatchObject({
      applicants: [{ provider: 'VERILOCK' }],
      sessions: { nodes: [{ id: met.data.session.id, externalId: 'usr_1' }] },
    })
  })

  test('that Personr has among its externalUserIds, the first that is not ours', async () => {
    const session = await createSession({ personr: { applicant: { applicantProviderId: PERSONR_SEED } } })
    expect(session.externalId).toBe(null)
    const read = await house.ask('query ($id: ID!) { applicant(by: { id: $id }) { externalId } }', {
      id: session.applicant.id,
    })
    expect(read.data.applicant.externalId).toBe('UUID1')
    expect(await sessionsOf('UUID1')).toEqual([session.id])
    const given = await createApplicant({}, { externalUserIds: ['usr_1', 'usr_2'] })
    const { data } = await house.ask(PERSON, { externalId: 'usr_1' })
    expect(data.person.applicants).toEqual([{ id: given.id, provider: 'PERSONR', externalId: 'usr_1' }])
  })

  test("that Rapidly keeps as a customer's external_id", async () => {
    const { id } = await createSession({ rapidly: { customer: { customerExternalId: 'usr_1337' } } })
    const { data } = await house.ask(PERSON, { externalId: 'usr_1337' })
    expect(data.person).toMatchObject({ customers: [{ provider: 'RAPIDLY' }], sessions: { nodes: [{ id }] } })
  })

  test('that linkRecord gives it, and its sessions come along, but for those with an id of their own', async () => {
    const applicant = await createApplicant()
    const input = { personr: { applicant: { applicantId: applicant.id } } }
    const plain = await createSession(input)
    const own = await createSession(input, { externalId: 'usr_own' })
    const record = { applicantId: applicant.id }

    await run('LinkRecord', 'linkRecord', { record, externalId: 'usr_1' })
    expect(await sessionsOf('usr_1')).toEqual([plain.id])
    await run('LinkRecord', 'linkRecord', { record, externalId: 'usr_2' })
    expect(await sessionsOf('usr_1')).toEqual([])
    expect(await sessionsOf('usr_2')).toEqual([plain.id])
    await run('LinkRecord', 'linkRecord', { record, externalId: null })
    expect(await sessionsOf('usr_2')).toEqual([])
    expect(await sessionsOf('usr_own')).toEqual([own.id])
  })

  test('that linkRecord gives a customer', async () => {
    const customer = await createCustomer()
    const { id } = await createSession({ kayle: {} }, { customerId: customer.id })
    await run('LinkRecord', 'linkRecord', { record: { customerId: customer.id }, externalId: 'usr_1' })
    expect(await sessionsOf('usr_1')).toEqual([id])
  })

  test('of the record that linkSession attaches, until another is attached', async () => {
    const [one, two] = [await createCustomer({ externalId: 'usr_1' }), await createCustomer({ externalId: 'usr_2' })]
    const { id } = await createSession({ kayle: {} })
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: one.id })
    expect(await sessionsOf('usr_1')).toEqual([id])
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: two.id })
    expect([await sessionsOf('usr_1'), await sessionsOf('usr_2')]).toEqual([[], [id]])
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: null })
    expect(await sessionsOf('usr_2')).toEqual([])
  })

  test('and by no other: what contradicts it is an InvalidInputError, and nothing changes', async () => {
    const customer = await createCustomer({ externalId: 'usr_1' })
    const { id } = await createSession({ kayle: {} }, { externalId: 'usr_2' })
    for (const more of [{ customerId: customer.id }, { customerId: customer.id, externalId: 'usr_3' }]) {
      expect(await run('LinkSession', 'linkSession', { sessionId: id, ...more })).toMatchObject({
        __typename: 'InvalidInputError',
        issues: [{ path: ['input', 'externalId'] }],
      })
    }
    expect(await sessionsOf('usr_2')).toEqual([id])
    const given = { sessionId: id, customerId: customer.id, externalId: 'usr_1' }
    expect(await run('LinkSession', 'linkSession', given)).toMatchObject({ session: { externalId: 'usr_1' } })
  })
})

describe('what a person does next', () => {
  const next = async (externalId = 'usr_1') => (await read(externalId)).nextAction

  test('at Kayle: verify until it is decided, again where it was canceled', async () => {
    const { id, providerId, access } = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const go = async (to: string) => {
      await house.sandbox('KAYLE').advance({ id: providerId, to })
      await house.ask('mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { __typename } }', { i: { id } })
      return next()
    }
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl, session: { id } })
    expect(await go('attempt_started')).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    expect(await go('attempt_succeeded')).toMatchObject({ kind: 'NONE', url: null, session: { id } })

    const second = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'VERIFY', session: { id: second.id } })
    await house.ask('mutation ($i: CancelSessionInput!) { cancelSession(input: $i) { __typename } }', {
      i: { id: second.id },
    })
    expect(await next()).toMatchObject({ kind: 'RETRY', url: null, session: { id: second.id } })
  })

  test('at Verilock: verify, then wait', async () => {
    const { id, providerId, access } = await createSession(VERILOCK, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    await house.sandbox('VERILOCK').advance({ id: providerId, to: 'processing' })
    await house.ask('mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { __typename } }', { i: { id } })
    expect(await next()).toMatchObject({ kind: 'WAIT', url: null })
  })

  test('at Yorlet: apply. At Rapidly: open the portal, until it is closed', async () => {
    const yorlet = await createSession(YORLET, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'APPLY', url: yorlet.access.hostedUrl })
    const rapidly = await createSession({ rapidly: { customer: { customerExternalId: 'usr_1338' } } })
    const portal = await next('usr_1338')
    expect(portal).toMatchObject({ kind: 'OPEN_PORTAL', url: rapidly.access.hostedUrl })
    ahead = (Date.parse(portal.expiresAt) - Date.now()) / 1000 + 1
    expect(await next('usr_1338')).toMatchObject({ kind: 'NONE', url: null, session: { id: rapidly.id } })
  })

  test('at Personr: again, at the same link, where a retry is asked for', async () => {
    const applicant = await createApplicant({ externalId: 'usr_1' })
    const { id, access } = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    await house.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_retry' })
    await house.ask('mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { __typename } }', { i: { id } })
    expect(await next()).toMatchObject({ kind: 'RETRY', url: access.hostedUrl, session: { id } })
  })

  test('is nothing where a record is known and no session is', async () => {
    await createCustomer({ externalId: 'usr_1' })
    expect(await next()).toEqual({ kind: 'NONE', url: null, expiresAt: null, session: null })
  })
})
