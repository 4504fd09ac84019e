import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadDocuments } from '../../src/app/documents.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'

const PERSON = /* GraphQL */ `
  query ($externalId: String!, $filter: SessionFilter, $first: Int, $after: String) {
    person(externalId: $externalId) {
      id externalId
      applicants { nodes { id provider externalId } }
      customers { nodes { id provider externalId } }
      sessions(filter: $filter, first: $first, after: $after) {
        totalCount nodes { id provider externalId } pageInfo { endCursor hasNextPage }
      }
      nextAction { kind url expiresAt needsNewSession session { id provider } }
    }
  }
`

let app: TestApp
let made = 0
let ahead = 0

beforeEach(async () => {
  ahead = 0
  app = await startApp({}, { now: () => new Date(Date.now() + ahead * 1000), jobs: false })
})
afterEach(() => app.close())

async function run(name: string, field: string, input: object) {
  const { data, errors } = await app.execute(
    `mutation ($input: ${name}Input!) { result: ${field}(input: $input) {
      __typename
      ... on MutationError { code }
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
  LinkApplicant: 'applicant { id }',
  LinkCustomer: 'customer { id }',
}

async function createSession(session: object, more: object = {}) {
  made += 1
  // Each is created at a later millisecond than the one before.
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
  const { data, errors } = await app.execute(PERSON, { externalId, ...more })
  expect(errors).toEqual([])
  return data.person
}

type Answer = Awaited<ReturnType<TestApp['execute']>>

/** A response, and the number of database statements for it. */
async function statementsOf(query: string) {
  await app.execute(query)
  const execute = vi.spyOn(app.db.sql.getExecutor(), 'executeQuery')
  const { data, errors } = await app.execute(query)
  const count = execute.mock.calls.length
  execute.mockRestore()
  expect(errors).toEqual([])
  return { data, count }
}

async function sessionsOf(externalId: string): Promise<string[]> {
  const { data } = await app.execute(PERSON, { externalId })
  return data.person?.sessions.nodes.map(({ id }: { id: string }) => id) ?? []
}

const VERILOCK = {
  verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' },
}
const YORLET_CUSTOMER = { yorlet: { email: 'customer@example.com' } }
const YORLET = { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }
/** An applicant that Personr's sandbox is seeded with, under UUID1 and UUID2. */
const PERSONR_SEED = '4242424242424x424242424242424242'

describe('a person', () => {
  test('has all records with its external id at all five providers, without provider calls', async () => {
    const kayle = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const verilock = await createSession(VERILOCK, { externalId: 'usr_1' })
    const applicant = await createApplicant({ externalId: 'usr_1' })
    const personr = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    const customer = await createCustomer({ externalId: 'usr_1' })
    const rapidly = await createSession({ rapidly: { customer: { customerId: customer.id } } })
    const yorlet = await createSession(YORLET)
    await run('LinkSession', 'linkSession', { sessionId: yorlet.id, externalId: 'usr_1' })
    await createSession({ kayle: {} }, { externalId: 'usr_2' })
    for (const provider of PROVIDERS) await app.sandbox(provider).forget()

    const person = await read('usr_1')

    const sessions = [yorlet, rapidly, personr, verilock, kayle]
    expect(person.sessions.nodes.map(({ id }: { id: string }) => id).sort()).toEqual(
      sessions.map(({ id }) => id).sort(),
    )
    expect(person.sessions.totalCount).toBe(5)
    expect(person.applicants.nodes.map((it: { provider: string }) => it.provider).sort()).toEqual([
      'PERSONR',
      'VERILOCK',
    ])
    expect(person.customers.nodes).toEqual([{ id: customer.id, provider: 'RAPIDLY', externalId: 'usr_1' }])
    for (const provider of PROVIDERS) expect(await app.sandbox(provider).requests(), provider).toEqual([])
  })

  test('without any record has empty lists, and the next action is START', async () => {
    await createSession({ kayle: {} }, { externalId: 'usr_2' })
    expect(await read('usr_1')).toEqual({
      id: Buffer.from('Person:usr_1').toString('base64url'),
      externalId: 'usr_1',
      applicants: { nodes: [] },
      customers: { nodes: [] },
      sessions: { totalCount: 0, nodes: [], pageInfo: { endCursor: null, hasNextPage: false } },
      nextAction: { kind: 'START', url: null, expiresAt: null, needsNewSession: true, session: null },
    })
  })

  test.each(['usr_1', 'nobody', 'x', '人 "\\ a:b', '𝄞'.repeat(255)])(
    'is a node by an id that is its encoded externalId: %s',
    async externalId => {
      const id = Buffer.from(`Person:${externalId}`).toString('base64url')
      const { data, errors } = await app.execute(
        `query ($id: ID!, $externalId: String!) {
          person(externalId: $externalId) { id } node(id: $id) { __typename id ... on Person { externalId } }
          nodes(ids: [$id, $id]) { id }
        }`,
        { id, externalId },
      )
      expect(errors).toEqual([])
      const nodes = [{ id }, { id }]
      expect(data).toEqual({ person: { id }, node: { __typename: 'Person', id, externalId }, nodes })
    },
  )

  test('has no other id: another spelling, another type and an invalid externalId return no node', async () => {
    const encode = (text: string) => Buffer.from(text).toString('base64url')
    const wrong = [
      `${encode('Person:usr_1')}=`,
      Buffer.from('Person:usr_1\xff', 'latin1').toString('base64url'),
      ...['Person:', 'Person: usr_1', 'Person:a\nb', `Person:${'x'.repeat(256)}`, 'person:usr_1', 'Session:usr_1'].map(
        encode,
      ),
      'Person:usr_1',
    ]
    const { data, errors } = await app.execute('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: wrong })
    expect(errors).toEqual([])
    expect(data.nodes).toEqual(wrong.map(() => null))
    const tooLong = await app.execute('query ($id: ID!) { node(id: $id) { id } }', { id: 'x'.repeat(1371) })
    expect(tooLong.errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', issues: [{ path: ['id'] }] } }])
  })

  test('is a node for keys with a reading scope only, also beside other nodes', async () => {
    const { data } = await app.execute(
      `mutation { createSession(input: { idempotencyKey: "node", externalId: "usr_1", session: { kayle: {} } }) {
        ... on CreateSessionPayload { operation { id } } } }`,
    )
    const ids = [data.createSession.operation.id, Buffer.from('Person:usr_1').toString('base64url')]
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
    for (const [scope, allowed] of [
      ['sessions:read', true],
      ['customers:read', true],
      ['sessions:write', false],
      ['session:access', false],
    ] as const) {
      const answer = await (await withKey(app, { scopes: [scope] })).execute(query, { ids })
      expect(answer.data, scope).toEqual({ nodes: allowed ? ids.map(id => ({ id })) : null })
    }
  })

  test.each(['', 'x'.repeat(256)])('with an externalId of invalid length is INVALID_INPUT', async externalId => {
    const { errors } = await app.execute(PERSON, { externalId })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', issues: [{ path: ['externalId'] }] } }])
  })

  test('is not visible to another tenant', async () => {
    await createSession({ kayle: {} }, { externalId: 'usr_1' })
    await createCustomer({ externalId: 'usr_1' })
    const { persons } = app.services
    const person = { externalId: 'usr_1' }
    const { signal } = new AbortController()
    const [own, foreign] = [
      { tenantId: 'dev', signal },
      { tenantId: 'another', signal },
    ]
    const page = { person, page: {}, filter: {} }
    for (const listOf of [persons.customersOf, persons.sessionsOf]) {
      expect(await listOf(own, [page])).toMatchObject([{ edges: [{ node: { externalId: 'usr_1' } }] }])
      expect(await listOf(foreign, [page])).toMatchObject([{ edges: [] }])
    }
    expect((await persons.nextActionsOf(own, [{ person }]))[0]).toMatchObject({ kind: 'VERIFY' })
    expect((await persons.nextActionsOf(foreign, [{ person }]))[0]).toMatchObject({ kind: 'START', session: null })
  })

  test('lists its sessions in pages, filtered', async () => {
    const first = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const second = await createSession(VERILOCK, { externalId: 'usr_1' })
    const page = (await read('usr_1', { first: 1 })).sessions
    expect(page).toMatchObject({ nodes: [{ id: second.id }], pageInfo: { hasNextPage: true } })
    const next = (await read('usr_1', { first: 1, after: page.pageInfo.endCursor })).sessions
    expect(next).toMatchObject({ nodes: [{ id: first.id }], pageInfo: { hasNextPage: false } })
    const narrowed = async (filter: object) => (await read('usr_1', { filter })).sessions.nodes
    expect(await narrowed({ providers: ['KAYLE'] })).toMatchObject([{ id: first.id }])
    expect(await narrowed({ externalId: 'usr_1' })).toHaveLength(2)
    expect(await narrowed({ externalId: 'usr_2' })).toEqual([])
  })

  test('has its records in pages, newest first, in both directions and without those of other persons', async () => {
    const made: Record<string, string[]> = { applicants: [], customers: [], sessions: [] }
    for (let index = 0; index < 5; index++) {
      made.applicants?.unshift((await createApplicant({ externalId: 'usr_1' })).id)
      made.customers?.unshift((await createCustomer({ externalId: 'usr_1' }, YORLET_CUSTOMER)).id)
      made.sessions?.unshift((await createSession({ kayle: {} }, { externalId: 'usr_1' })).id)
      await createApplicant({ externalId: 'usr_2' })
      await createCustomer()
    }
    for (const [field, ids] of Object.entries(made)) {
      const page = async (args: string) => {
        const { data, errors } = await app.execute(
          `{ person(externalId: "usr_1") { ${field}${args && `(${args})`} {
            totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
        )
        expect(errors, args).toEqual([])
        const { nodes, totalCount, pageInfo } = data.person[field]
        expect(totalCount).toBe(5)
        return { ids: nodes.map(({ id }: { id: string }) => id), ...pageInfo }
      }
      expect(await page('')).toMatchObject({ ids, hasNextPage: false, hasPreviousPage: false })
      const first = await page('first: 2')
      expect(first).toMatchObject({ ids: ids.slice(0, 2), hasNextPage: true, hasPreviousPage: false })
      const second = await page(`first: 2, after: "${first.endCursor}"`)
      expect(second).toMatchObject({ ids: ids.slice(2, 4), hasNextPage: true, hasPreviousPage: true })
      const last = await page('last: 2')
      expect(last).toMatchObject({ ids: ids.slice(3), hasNextPage: false, hasPreviousPage: true })
      const before = await page(`last: 2, before: "${last.startCursor}"`)
      expect(before).toMatchObject({ ids: ids.slice(1, 3), hasNextPage: true, hasPreviousPage: true })
      expect(await page(`first: 1, after: "${first.startCursor}", before: "${last.endCursor}"`)).toMatchObject({
        ids: ids.slice(1, 2),
      })
      for (const none of ['first: 0', 'last: 0']) expect(await page(none)).toMatchObject({ ids: [] })
    }
  })

  test('has as many records as its pages, whatever is created meanwhile', async () => {
    await createCustomer({ externalId: 'usr_1' })
    const row = await app.db.sql.selectFrom('customers').selectAll().executeTakeFirstOrThrow()
    const copies = Array.from({ length: 230 }, (_, index) => ({
      ...row,
      id: `01970000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      provider_id: `copy-${index}`,
      // Many have the same millisecond.
      created_at: row.created_at - 60_000 - Math.floor(index / 50),
    }))
    for (let start = 0; start < copies.length; start += 50) {
      await app.db.sql
        .insertInto('customers')
        .values(copies.slice(start, start + 50))
        .execute()
    }
    const seen: string[] = []
    let after: string | null = null
    do {
      const { data, errors }: Answer = await app.execute(
        `query ($after: String) { person(externalId: "usr_1") {
          customers(first: 100, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }`,
        { after },
      )
      expect(errors).toEqual([])
      const { nodes, pageInfo } = data.person.customers
      seen.push(...nodes.map(({ id }: { id: string }) => id))
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null
      await createCustomer({ externalId: 'usr_1' }, YORLET_CUSTOMER)
    } while (after !== null)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toHaveLength(231)
  })

  test.each(['applicants', 'customers', 'sessions'])('has an error for %s with an invalid page only', async field => {
    await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const { data, errors } = await app.execute(`{
      many: person(externalId: "usr_1") { ${field}(first: 101) { totalCount } }
      both: person(externalId: "usr_1") { ${field}(first: 1, last: 1) { totalCount } }
      cursor: person(externalId: "usr_1") { ${field}(after: "nothing") { totalCount } }
      valid: person(externalId: "usr_1") { ${field} { totalCount } }
    }`)
    expect(data).toMatchObject({
      many: { [field]: null },
      both: { [field]: null },
      cursor: { [field]: null },
      valid: { [field]: { totalCount: expect.any(Number) } },
    })
    expect(errors.map(({ path, extensions }) => [path?.[0], extensions.code]).sort()).toEqual([
      ['both', 'INVALID_INPUT'],
      ['cursor', 'CURSOR_INVALID'],
      ['many', 'INVALID_INPUT'],
    ])
  })

  test('is read in batches, each page once: one statement for each field', async () => {
    for (const externalId of ['usr_1', 'usr_2', 'usr_3']) {
      await createApplicant({ externalId })
      await createSession({ kayle: {} }, { externalId })
      await createCustomer({ externalId })
    }
    const all = `applicants { nodes { externalId } } customers { nodes { externalId } }
      sessions { nodes { externalId } } nextAction { kind }`
    const pages = `applicants(first: 1) { nodes { externalId } } two: applicants(last: 1) { nodes { externalId } }`
    const one = await statementsOf(`{ a: person(externalId: "usr_1") { ${all} } }`)
    const many = await statementsOf(`{
      a: person(externalId: "usr_1") { ${all} } b: person(externalId: "usr_2") { ${all} }
      c: person(externalId: "usr_3") { ${all} } d: person(externalId: "usr_1") { ${all} } }`)
    expect(many.count).toBe(one.count)
    for (const [alias, externalId] of Object.entries({ a: 'usr_1', b: 'usr_2', c: 'usr_3', d: 'usr_1' })) {
      const own = { nodes: [{ externalId }] }
      expect(many.data[alias]).toMatchObject({ applicants: own, customers: own, sessions: own })
    }
    const other = await statementsOf(`{
      a: person(externalId: "usr_1") { ${pages} } b: person(externalId: "usr_2") { ${pages} } }`)
    expect(other.count).toBe(
      (await statementsOf(`{ a: person(externalId: "usr_1") { applicants { nodes { id } } } }`)).count,
    )
  })

  test('of each session of a list is read in as many statements as that of one', async () => {
    for (let index = 0; index < 6; index++) await createSession({ kayle: {} }, { externalId: `usr_${index % 3}` })
    const query = (first: number) => `{ sessions(first: ${first}) { nodes {
      externalId person { externalId sessions(last: 1) { nodes { externalId } } nextAction { kind } } } } }`
    const [one, many] = [await statementsOf(query(1)), await statementsOf(query(6))]
    expect(many.count).toBe(one.count)
    for (const { externalId, person } of many.data.sessions.nodes) {
      expect(person).toMatchObject({
        externalId,
        sessions: { nodes: [{ externalId }] },
        nextAction: { kind: 'VERIFY' },
      })
    }
  })

  test.each([
    [
      'sessions(first: 100) { nodes { attempts { totalCount } customer { id } again: customer { id } applicant { id } } }',
      false,
    ],
    ['sessions(first: 20) { nodes { attempts { totalCount } customer { id } } }', true],
    [
      'applicants(first: 100) { nodes { attempts { totalCount } customer { id } again: customer { id } more: customer { id } } }',
      false,
    ],
    ['applicants { nodes { attempts { totalCount } customer { id } } } customers(last: 100) { nodes { id } }', true],
  ])('can be selected with %s: %s, since its cost is counted', async (fields, allowed) => {
    await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const { errors } = await app.execute(`{ person(externalId: "usr_1") { ${fields} } }`)
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(allowed ? [] : ['QUERY_TOO_COMPLEX'])
  })

  test('is shown by the example, in one request', async () => {
    const query = loadDocuments().find(({ name }) => name === '05-person')?.query ?? ''
    const { access, id } = await createSession({ kayle: {} }, { externalId: 'usr_1337' })
    const { data, errors } = await app.execute(query)
    expect(errors).toEqual([])
    expect(data.person).toMatchObject({
      nextAction: { kind: 'VERIFY', url: access.hostedUrl, session: { id } },
      sessions: { nodes: [{ id, status: 'CREATED' }] },
    })
  })
})

describe('a record belongs to the person by the external id', () => {
  test('that Verilock stores with a session created elsewhere', async () => {
    const { settings } = app.sandboxes.find(({ provider }) => provider === 'VERILOCK') ?? {}
    const { providerId } = await createSession(VERILOCK, { externalId: 'usr_1' })
    const other = await startApp({
      VERILOCK_BASE_URL: String(settings?.baseUrl),
      VERILOCK_API_KEY: String(settings?.apiKey),
    })
    const query = `query ($ref: ProviderRef!) { session(by: { atProvider: $ref }) { id externalId } }`
    const met = await other.execute(query, { ref: { provider: 'VERILOCK', providerId } })
    const { data } = await other.execute(PERSON, { externalId: 'usr_1' })
    await other.close()
    expect(met.errors).toEqual([])
    expect(data.person).toMatchObject({
      applicants: { nodes: [{ provider: 'VERILOCK' }] },
      sessions: { nodes: [{ id: met.data.session.id, externalId: 'usr_1' }] },
    })
  })

  test('that is the first of Personr’s externalUserIds that is not our marker', async () => {
    const session = await createSession({ personr: { applicant: { applicantProviderId: PERSONR_SEED } } })
    expect(session.externalId).toBe(null)
    const read = await app.execute('query ($id: ID!) { applicant(by: { id: $id }) { externalId } }', {
      id: session.applicant.id,
    })
    expect(read.data.applicant.externalId).toBe('UUID1')
    expect(await sessionsOf('UUID1')).toEqual([session.id])
    const given = await createApplicant({}, { externalUserIds: ['usr_1', 'usr_2'] })
    const { data } = await app.execute(PERSON, { externalId: 'usr_1' })
    expect(data.person.applicants.nodes).toEqual([{ id: given.id, provider: 'PERSONR', externalId: 'usr_1' }])
  })

  test('that Rapidly stores as a customer’s external_id', async () => {
    const { id } = await createSession({ rapidly: { customer: { customerExternalId: 'usr_1337' } } })
    const { data } = await app.execute(PERSON, { externalId: 'usr_1337' })
    expect(data.person).toMatchObject({
      customers: { nodes: [{ provider: 'RAPIDLY' }] },
      sessions: { nodes: [{ id }] },
    })
  })

  test('that linkApplicant sets, together with its sessions', async () => {
    const applicant = await createApplicant()
    const plain = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    const { id: applicantId } = applicant

    await run('LinkApplicant', 'linkApplicant', { applicantId, externalId: 'usr_1' })
    expect(await sessionsOf('usr_1')).toEqual([plain.id])
    await run('LinkApplicant', 'linkApplicant', { applicantId, externalId: 'usr_2' })
    expect(await sessionsOf('usr_1')).toEqual([])
    expect(await sessionsOf('usr_2')).toEqual([plain.id])
    await run('LinkApplicant', 'linkApplicant', { applicantId, externalId: null })
    expect(await sessionsOf('usr_2')).toEqual([])
  })

  test('that linkApplicant sets, unless one of its sessions has another one of its own', async () => {
    const applicant = await createApplicant()
    const input = { personr: { applicant: { applicantId: applicant.id } } }
    const plain = await createSession(input)
    const own = await createSession(input, { externalId: 'usr_own' })
    const { id: applicantId } = applicant

    expect(await run('LinkApplicant', 'linkApplicant', { applicantId, externalId: 'usr_1' })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['input', 'externalId'] }],
    })
    expect(await sessionsOf('usr_1')).toEqual([])
    expect(await sessionsOf('usr_own')).toEqual([own.id])
    await run('LinkApplicant', 'linkApplicant', { applicantId, externalId: 'usr_own' })
    expect((await sessionsOf('usr_own')).sort()).toEqual([plain.id, own.id].sort())
  })

  test('that linkCustomer sets', async () => {
    const customer = await createCustomer()
    const { id } = await createSession({ kayle: {} }, { customerId: customer.id })
    await run('LinkCustomer', 'linkCustomer', { customerId: customer.id, externalId: 'usr_1' })
    expect(await sessionsOf('usr_1')).toEqual([id])
  })

  test('of the record that linkSession links, until another is linked', async () => {
    const [one, two] = [await createCustomer({ externalId: 'usr_1' }), await createCustomer({ externalId: 'usr_2' })]
    const { id } = await createSession({ kayle: {} })
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: one.id })
    expect(await sessionsOf('usr_1')).toEqual([id])
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: two.id })
    expect([await sessionsOf('usr_1'), await sessionsOf('usr_2')]).toEqual([[], [id]])
    await run('LinkSession', 'linkSession', { sessionId: id, customerId: null })
    expect(await sessionsOf('usr_2')).toEqual([])
  })

  test('and by no other: a contradiction is an InvalidInputError without an effect', async () => {
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

  test('at Kayle: verify until it is decided, and a decision stays if another session is cancelled', async () => {
    const { id, providerId, access } = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    const go = async (to: string) => {
      await app.sandbox('KAYLE').advance({ id: providerId, to })
      await app.execute('query ($i: SessionLookup!) { session(by: $i, freshness: { maxAgeSeconds: 0 }) { id } }', {
        i: { id },
      })
      return next()
    }
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl, session: { id } })
    expect(await go('attempt_started')).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    expect(await go('attempt_succeeded')).toMatchObject({ kind: 'DONE', url: null, session: { id } })

    const second = await createSession({ kayle: {} }, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'VERIFY', session: { id: second.id } })
    await app.execute('mutation ($i: CancelSessionInput!) { cancelSession(input: $i) { __typename } }', {
      i: { sessionId: second.id },
    })
    expect(await next(), 'the first one holds').toMatchObject({ kind: 'DONE', url: null, session: { id } })
  })

  test('at Verilock: verify, then wait', async () => {
    const { id, providerId, access } = await createSession(VERILOCK, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    await app.sandbox('VERILOCK').advance({ id: providerId, to: 'processing' })
    await app.execute('query ($i: SessionLookup!) { session(by: $i, freshness: { maxAgeSeconds: 0 }) { id } }', {
      i: { id },
    })
    expect(await next()).toMatchObject({ kind: 'WAIT', url: null })
  })

  test('at Yorlet: apply. At Rapidly: open the portal, until it is closed', async () => {
    const yorlet = await createSession(YORLET, { externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'APPLY', url: yorlet.access.hostedUrl })
    const rapidly = await createSession({ rapidly: { customer: { customerExternalId: 'usr_1338' } } })
    const portal = await next('usr_1338')
    expect(portal).toMatchObject({ kind: 'OPEN_PORTAL', url: rapidly.access.hostedUrl })
    ahead = (Date.parse(portal.expiresAt) - Date.now()) / 1000 + 1
    expect(await next('usr_1338')).toMatchObject({ kind: 'DONE', url: null, session: { id: rapidly.id } })
  })

  test('at Personr: again, at the same link, if a retry is requested', async () => {
    const applicant = await createApplicant({ externalId: 'usr_1' })
    const { id, access } = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    expect(await next()).toMatchObject({ kind: 'VERIFY', url: access.hostedUrl })
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_retry' })
    await app.execute('query ($i: SessionLookup!) { session(by: $i, freshness: { maxAgeSeconds: 0 }) { id } }', {
      i: { id },
    })
    expect(await next()).toMatchObject({ kind: 'RETRY', url: access.hostedUrl, session: { id } })
  })

  test.each([
    ['approved', 'DONE'],
    ['rejected_final', 'REJECTED'],
  ])('at Personr: nothing more, if the applicant is decided (%s) and gets a second link', async (to, kind) => {
    const applicant = await createApplicant({ externalId: 'usr_1' })
    const first = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to })
    const refresh = async ({ id }: { id: string }) =>
      app.execute('query ($i: SessionLookup!) { session(by: $i, freshness: { maxAgeSeconds: 0 }) { id } }', {
        i: { id },
      })
    await refresh(first)
    const second = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    expect(await next()).toMatchObject({ kind, url: null, session: { id: first.id } })
    await refresh(second)
    expect(await next()).toMatchObject({ kind, url: null, session: { id: first.id } })
  })

  test('at Personr: the requested retry, whatever portal is opened later', async () => {
    const applicant = await createApplicant({ externalId: 'usr_1337' })
    const { id, access } = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_retry' })
    await app.execute('query ($i: SessionLookup!) { session(by: $i, freshness: { maxAgeSeconds: 0 }) { id } }', {
      i: { id },
    })
    await createSession({ rapidly: { customer: { customerExternalId: 'usr_1337' } } })
    expect(await next('usr_1337')).toMatchObject({ kind: 'RETRY', url: access.hostedUrl, session: { id } })
  })

  test('is START if a record is known and no session is', async () => {
    await createCustomer({ externalId: 'usr_1' })
    expect(await next()).toMatchObject({ kind: 'START', needsNewSession: true, url: null, session: null })
  })
})
