import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** The stored records: sessions s0 to s6, a second apart, and customers and applicants. */

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId createdAt } } }
  }
`
const CREATE_CUSTOMER = /* GraphQL */ `
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id createdAt } } }
  }
`
const CREATE_APPLICANT = /* GraphQL */ `
  mutation ($input: CreateApplicantInput!) {
    createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id createdAt } } }
  }
`

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
  readonly createdAt: string
}

interface Page {
  readonly nodes: readonly { readonly id: string }[]
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[]
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
  readonly totalCount: number
}

let app: TestApp
const ahead = 0
let made = 0
const now = () => new Date(Date.now() + ahead * 1000)

const sessions: CreatedRecord[] = []
const customers: CreatedRecord[] = []
const applicants: CreatedRecord[] = []

beforeAll(async () => {
  app = await startApp({}, { now, jobs: false })
  for (let index = 0; index < 3; index++) {
    customers.push(await createCustomer(`usr_${index}`, `Person${index}@example.com`))
    applicants.push(await createApplicant(`usr_${index}`, `Person${index}@example.com`))
  }
  for (let index = 0; index < 7; index++) {
    const session = index === 5 ? RAPIDLY : index === 6 ? VERILOCK : { kayle: {} }
    const customerId = [1, 4].includes(index) ? customers[1]?.id : undefined
    const applicantId = [2, 6].includes(index) ? applicants[2]?.id : undefined
    sessions.push(await create({ session, customerId, applicantId }))
  }
  await app.sandbox('KAYLE').advance({ id: at(0).providerId, to: 'attempt_succeeded' })
  await app.sandbox('KAYLE').advance({ id: at(4).providerId, to: 'attempt_started' })
  for (const index of [0, 4]) await refresh(at(index).id)
}, 30_000)
afterAll(() => app.close())

const RAPIDLY = { rapidly: { customer: { customerExternalId: 'usr_1' } } }
const VERILOCK = { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', expiresInSeconds: 86_400 } }

function at(index: number): CreatedRecord {
  const session = sessions[index]
  if (!session) throw new Error(`There is no session ${index}.`)
  return session
}

function ids(...indexes: number[]): string[] {
  return indexes.map(index => at(index).id)
}

/** Each record is created at a later millisecond than the one before. */
async function make(mutation: string, input: object): Promise<CreatedRecord> {
  made += 1
  await new Promise(resolve => setTimeout(resolve, 5))
  const { data } = await app.execute(mutation, { input: { idempotencyKey: `key-${made}`, ...input } })
  const [payload] = Object.values(data) as Record<string, CreatedRecord>[]
  const [record] = Object.values(payload ?? {})
  if (!record) throw new Error(`Create failed: ${JSON.stringify(input)}.`)
  return record
}

function create(input: object): Promise<CreatedRecord> {
  return make(CREATE, input)
}

function createCustomer(externalId: string, email: string): Promise<CreatedRecord> {
  return make(CREATE_CUSTOMER, { externalId, customer: { rapidly: { email } } })
}

function createApplicant(externalId: string, email: string): Promise<CreatedRecord> {
  return make(CREATE_APPLICANT, {
    externalId,
    applicant: { personr: { email, phone: '+46 1', flowName: 'KYC basic' } },
  })
}

async function refresh(id: string): Promise<void> {
  await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', { id })
}

async function list(field: string): Promise<Page> {
  const { data, errors } = await execute(field)
  expect(errors).toEqual([])
  return data.page
}

function execute(field: string) {
  return app.execute(
    `{ page: ${field} {
      totalCount nodes { id } edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }`,
  )
}

async function listIds(field: string): Promise<string[]> {
  return (await list(field)).nodes.map(({ id }) => id)
}

const RECORD_TYPES = ['sessions', 'applicants', 'customers'] as const

function newestFirst(recordType: (typeof RECORD_TYPES)[number]): string[] {
  return { sessions, applicants, customers }[recordType].map(({ id }) => id).reverse()
}

describe.each(RECORD_TYPES)('the pages of %s', recordType => {
  test('paginate forward through all of them, newest first', async () => {
    const seen: string[] = []
    let page = await list(`${recordType}(first: 2)`)
    expect(page.pageInfo.hasPreviousPage).toBe(false)
    for (;;) {
      expect(page.edges.map(({ node }) => node)).toEqual(page.nodes)
      expect(page.pageInfo).toMatchObject({
        startCursor: page.edges[0]?.cursor,
        endCursor: page.edges.at(-1)?.cursor,
      })
      seen.push(...page.nodes.map(({ id }) => id))
      if (!page.pageInfo.hasNextPage) break
      page = await list(`${recordType}(first: 2, after: "${page.pageInfo.endCursor}")`)
      expect(page.pageInfo.hasPreviousPage).toBe(true)
    }
    expect(seen).toEqual(newestFirst(recordType))
  })

  test('paginate backward through all of them, each page in the same order', async () => {
    const seen: string[] = []
    let page = await list(`${recordType}(last: 2)`)
    expect(page.pageInfo.hasNextPage).toBe(false)
    for (;;) {
      seen.unshift(...page.nodes.map(({ id }) => id))
      if (!page.pageInfo.hasPreviousPage) break
      page = await list(`${recordType}(last: 2, before: "${page.pageInfo.startCursor}")`)
      expect(page.pageInfo.hasNextPage).toBe(true)
    }
    expect(seen).toEqual(newestFirst(recordType))
  })

  test('are limited by cursors on both sides', async () => {
    const { edges } = await list(`${recordType}(first: 100)`)

    const between = await listIds(
      `${recordType}(first: 10, after: "${edges[0]?.cursor}", before: "${edges.at(-1)?.cursor}")`,
    )

    expect(between).toEqual(newestFirst(recordType).slice(1, -1))
  })

  test('report the total count', async () => {
    expect((await list(`${recordType}(first: 1)`)).totalCount).toBe(newestFirst(recordType).length)
    expect((await list(`${recordType}(first: 0)`)).totalCount).toBe(newestFirst(recordType).length)
  })

  test('are empty for first: 0', async () => {
    expect((await list(`${recordType}(first: 0)`)).nodes).toEqual([])
  })

  test.each([
    ['first: 101', ['first']],
    ['first: -1', ['first']],
    ['last: 101', ['last']],
    ['last: -1', ['last']],
    ['first: 1, last: 1', ['last']],
  ])('with %s are refused', async (args, path) => {
    const { data, errors } = await execute(`${recordType}(${args})`)

    expect(data).toEqual({ page: null })
    expect(errors).toMatchObject([{ path: ['page'], extensions: { code: 'INVALID_INPUT', issues: [{ path }] } }])
  })

  test('have at most 100 rows', async () => {
    expect(await listIds(`${recordType}(first: 100)`)).toEqual(newestFirst(recordType))
    expect(await listIds(`${recordType}(last: 100)`)).toEqual(newestFirst(recordType))
  })

  test.each([
    ['empty', ''],
    ['garbage', 'not a cursor'],
    ['base64 of garbage', Buffer.from('1.2.3').toString('base64url')],
    ['an id', Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')],
  ])('after a cursor that is %s are CURSOR_INVALID', async (_what, cursor) => {
    for (const args of [`first: 1, after: "${cursor}"`, `last: 1, before: "${cursor}"`]) {
      const { data, errors } = await execute(`${recordType}(${args})`)
      expect(data).toEqual({ page: null })
      expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID', retryable: false } }])
    }
  })

  test('after a cursor that was changed are CURSOR_INVALID', async () => {
    const cursor = (await list(`${recordType}(first: 1)`)).pageInfo.endCursor ?? ''
    for (const at of [0, 20, -1]) {
      const bytes = Buffer.from(cursor, 'base64url')
      bytes.writeUInt8((bytes.at(at) ?? 0) ^ 1, at < 0 ? bytes.length + at : at)
      expect((await execute(`${recordType}(after: "${bytes.toString('base64url')}")`)).errors).toMatchObject([
        { extensions: { code: 'CURSOR_INVALID' } },
      ])
    }
  })

  test.each(RECORD_TYPES.filter(other => other !== recordType))(
    'after a cursor of %s are CURSOR_INVALID',
    async other => {
      const cursor = (await list(`${other}(first: 1)`)).pageInfo.endCursor

      expect((await execute(`${recordType}(after: "${cursor}")`)).errors).toMatchObject([
        { extensions: { code: 'CURSOR_INVALID' } },
      ])
    },
  )
})

test('a cursor of another order or of another server is CURSOR_INVALID', async () => {
  const cursor = (await list('sessions(first: 1)')).pageInfo.endCursor
  const other = await startApp({ ENCRYPTION_KEY: '11'.repeat(32) })
  const foreign = await other.execute(`{ sessions(after: "${cursor}") { nodes { id } } }`)
  await other.close()

  const reordered = await execute(`sessions(orderBy: CREATED_AT_ASC, after: "${cursor}")`)

  for (const { errors } of [foreign, reordered]) {
    expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }])
  }
})

test('a page has 20 rows by default', async () => {
  const other = await startApp()
  for (let index = 0; index < 21; index++) {
    const input = { idempotencyKey: `key-${index}`, session: { kayle: {} } }
    await other.execute(CREATE, { input })
  }
  const { data } = await other.execute('{ sessions { totalCount nodes { id } pageInfo { hasNextPage } } }')
  await other.close()

  expect(data.sessions).toMatchObject({ totalCount: 21, pageInfo: { hasNextPage: true } })
  expect(data.sessions.nodes).toHaveLength(20)
})

test('pages are stable while sessions are created in between', async () => {
  const other = await startApp()
  const add = async (key: string) => {
    await new Promise(resolve => setTimeout(resolve, 2))
    const { data } = await other.execute(CREATE, { input: { idempotencyKey: key, session: { kayle: {} } } })
    return data.createSession.session.id as string
  }
  const before = []
  for (let index = 0; index < 6; index++) before.unshift(await add(`before-${index}`))
  const seen: string[] = []
  let after = 'null'
  for (let pages = 0; pages < 3; pages++) {
    const { data } = await other.execute(
      `{ sessions(first: 2, after: ${after}) { nodes { id } pageInfo { endCursor } } }`,
    )
    seen.push(...data.sessions.nodes.map(({ id }: { id: string }) => id))
    after = `"${data.sessions.pageInfo.endCursor}"`
    await add(`between-${pages}`)
  }
  await other.close()

  expect(seen).toEqual(before)
})

describe('sessions', () => {
  test.each([
    ['providers: [VERILOCK]', [6]],
    ['providers: [RAPIDLY, VERILOCK]', [6, 5]],
    ['providers: []', []],
    ['statuses: [COMPLETED]', [0]],
    ['statuses: [COMPLETED, IN_PROGRESS]', [5, 4, 0]],
    ['statuses: [UNKNOWN]', []],
    ['statuses: []', []],
    ['outcomes: []', []],
    ['statuses: [], externalId: "usr_1"', []],
    ['outcomes: [APPROVED]', [0]],
    ['outcomes: [NOT_APPLICABLE]', [5]],
    ['externalId: "usr_1"', [5, 4, 1]],
    ['externalId: "usr_2"', [6, 2]],
    ['externalId: "nobody"', []],
    ['providers: [KAYLE], externalId: "usr_1", statuses: [IN_PROGRESS]', [4]],
    ['providers: null, statuses: null, externalId: null', [6, 5, 4, 3, 2, 1, 0]],
  ])('filtered by %s are those alone', async (filter, indexes) => {
    const page = await list(`sessions(filter: { ${filter} })`)

    expect(page.nodes.map(({ id }) => id)).toEqual(ids(...indexes))
    expect(page.totalCount).toBe(indexes.length)
  })

  test('are filtered by the applicant and by the customer they are linked to', async () => {
    const [applicant, customer] = [applicants[2], customers[1]]

    expect(await listIds(`sessions(filter: { applicantId: "${applicant?.id}" })`)).toEqual(ids(6, 2))
    expect(await listIds(`sessions(filter: { customerId: "${customer?.id}" })`)).toEqual(ids(5, 4, 1))
    expect(await listIds('sessions(filter: { customerId: "garbage" })')).toEqual([])
    expect(await listIds(`sessions(filter: { customerId: "${applicant?.id}" })`)).toEqual([])
  })

  test('are filtered by createdAt, the bounds excluded', async () => {
    const [from, to] = [at(1).createdAt, at(4).createdAt]

    expect(await listIds(`sessions(filter: { createdAfter: "${from}", createdBefore: "${to}" })`)).toEqual(ids(3, 2))
    expect(await listIds(`sessions(filter: { createdBefore: "${from}" })`)).toEqual(ids(0))
  })

  test('are filtered by updatedAt, the bound excluded', async () => {
    const changed = (await app.execute('{ sessions(orderBy: UPDATED_AT_ASC) { nodes { updatedAt } } }')).data.sessions
    const [bound, last] = [5, 6].map(index => changed.nodes[index].updatedAt)

    expect(await listIds(`sessions(filter: { updatedAfter: "${bound}" })`)).toEqual(ids(4))
    expect(await listIds(`sessions(filter: { updatedAfter: "${last}" })`)).toEqual([])
  })

  test('are listed in each order, and a page ends where the order says', async () => {
    expect(await listIds('sessions(orderBy: CREATED_AT_DESC)')).toEqual(ids(6, 5, 4, 3, 2, 1, 0))
    expect(await listIds('sessions(orderBy: CREATED_AT_ASC)')).toEqual(ids(0, 1, 2, 3, 4, 5, 6))
    const byChange = ids(4, 0, 6, 5, 3, 2, 1)
    for (const [order, expected] of [
      ['UPDATED_AT_DESC', byChange],
      ['UPDATED_AT_ASC', byChange.toReversed()],
    ] as const) {
      const updated = await list(`sessions(orderBy: ${order}, first: 2)`)
      const rest = await listIds(`sessions(orderBy: ${order}, after: "${updated.pageInfo.endCursor}")`)
      expect([...updated.nodes.map(({ id }) => id), ...rest]).toEqual(expected)
    }
  })

  test('are listed under their applicant and their customer, newest first, in pages', async () => {
    const { data } = await app.execute(
      `query ($a: ID!, $c: ID!) {
        applicant(by: { id: $a }) { sessions(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } } }
        customer(by: { id: $c }) { sessions { totalCount nodes { id } } }
      }`,
      { a: applicants[2]?.id, c: customers[1]?.id },
    )

    expect(data.applicant.sessions).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } })
    expect(data.applicant.sessions.nodes).toEqual(ids(6).map(id => ({ id })))
    expect(data.customer.sessions.nodes).toEqual(ids(5, 4, 1).map(id => ({ id })))
  })
})

describe.each(['applicants', 'customers'] as const)('%s', recordType => {
  const mine = (index: number) => ({ applicants, customers })[recordType][index]
  const provider = recordType === 'applicants' ? 'PERSONR' : 'RAPIDLY'

  test.each([
    [`providers: [${provider}]`, [2, 1, 0]],
    ['providers: [YORLET]', []],
    ['providers: []', []],
    ['providers: [], externalId: "usr_1"', []],
    ['externalId: "usr_1"', [1]],
    ['email: "person2@example.com"', [2]],
    ['email: " PERSON2@Example.com "', [2]],
    ['email: "person"', []],
    [`providers: [${provider}], email: "person0@example.com", externalId: "usr_0"`, [0]],
    ['email: "person0@example.com", externalId: "usr_1"', []],
  ])('filtered by %s are those alone', async (filter, indexes) => {
    const page = await list(`${recordType}(filter: { ${filter} })`)

    expect(page.nodes.map(({ id }) => id)).toEqual(indexes.map(index => mine(index)?.id))
    expect(page.totalCount).toBe(indexes.length)
  })

  test('are filtered by createdAt, the bounds excluded', async () => {
    const [from, to] = [mine(0)?.createdAt, mine(2)?.createdAt]

    const between = await listIds(`${recordType}(filter: { createdAfter: "${from}", createdBefore: "${to}" })`)

    expect(between).toEqual([mine(1)?.id])
  })

  test('are filtered by updatedAt, the bound excluded', async () => {
    const changed = (await app.execute(`{ ${recordType} { nodes { updatedAt } } }`)).data[recordType].nodes
    const [last, bound] = changed.map(({ updatedAt }: { updatedAt: string }) => updatedAt)

    expect(await listIds(`${recordType}(filter: { updatedAfter: "${bound}" })`)).toEqual([mine(2)?.id])
    expect(await listIds(`${recordType}(filter: { updatedAfter: "${last}" })`)).toEqual([])
  })

  test('that are known by a link only are not listed', async () => {
    const other = await startApp()
    const session = { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }
    await other.execute(CREATE, { input: { idempotencyKey: 'link', session } })
    const before = await other.execute(`{ ${recordType} { totalCount } }`)
    await other.execute(`{ sessions { nodes { ${recordType.slice(0, -1)} { id } } } }`)
    const after = await other.execute(`{ ${recordType} { totalCount } }`)
    await other.close()

    expect([before.data[recordType].totalCount, after.data[recordType].totalCount]).toEqual([0, 1])
  })
})

test.each([
  ['statuses: [CREATED]', [2, 1, 0]],
  ['statuses: [COMPLETED, IN_PROGRESS]', []],
  ['statuses: []', []],
  ['outcomes: [PENDING, APPROVED]', [2, 1, 0]],
  ['outcomes: [APPROVED]', []],
  ['outcomes: []', []],
  ['outcomes: [], externalId: "usr_1"', []],
  ['statuses: [CREATED], outcomes: [PENDING], externalId: "usr_1"', [1]],
])('applicants filtered by %s are those alone', async (filter, indexes) => {
  const page = await list(`applicants(filter: { ${filter} })`)

  expect(page.nodes.map(({ id }) => id)).toEqual(indexes.map(index => applicants[index]?.id))
  expect(page.totalCount).toBe(indexes.length)
})

describe('an overdue session', () => {
  test('is listed as EXPIRED, and matches that filter', async () => {
    const clock = { ahead: 0 }
    const other = await startApp({}, { now: () => new Date(Date.now() + clock.ahead * 1000) })
    for (const [key, session] of Object.entries({ kayle: { kayle: {} }, RAPIDLY, VERILOCK })) {
      const given = key === 'RAPIDLY' ? { rapidly: { customer: { customerExternalId: 'usr_1337' } } } : session
      await other.execute(CREATE, { input: { idempotencyKey: key, session: given } })
    }
    const query = `{ sessions { nodes { provider status outcome sync { source } } }
      open: sessions(filter: { statuses: [CREATED, IN_PROGRESS] }) { totalCount }
      over: sessions(filter: { statuses: [EXPIRED], outcomes: [NOT_APPLICABLE] }) { totalCount } }`
    const before = (await other.execute(query)).data
    clock.ahead = 3601
    const after = (await other.execute(query)).data
    await other.close()

    expect([before.open.totalCount, before.over.totalCount]).toEqual([3, 0])
    expect([after.open.totalCount, after.over.totalCount]).toEqual([1, 2])
    expect(after.sessions.nodes).toMatchObject([
      { provider: 'VERILOCK', status: 'CREATED' },
      { provider: 'RAPIDLY', status: 'EXPIRED', outcome: 'NOT_APPLICABLE', sync: { source: 'DERIVED' } },
      { provider: 'KAYLE', status: 'EXPIRED', outcome: 'NOT_APPLICABLE', sync: { source: 'DERIVED' } },
    ])
  })
})

describe('node and nodes', () => {
  const UNKNOWN_ID = '01970000-0000-7000-8000-000000000000'
  const idOf = (typename: string, id: string) => Buffer.from(`${typename}:${id}`).toString('base64url')

  test('find any record by its id', async () => {
    const { data } = await app.execute(
      `query ($s: ID!, $a: ID!, $c: ID!) {
        session: node(id: $s) { __typename id ... on Session { provider } }
        applicant: node(id: $a) { __typename id ... on Applicant { externalId } }
        customer: node(id: $c) { __typename id ... on Customer { externalId } }
        operation(by: { idempotencyKey: "key-1" }) { id }
        session2: session(by: { id: $s }) { attempts { nodes { id } } }
      }`,
      { s: at(0).id, a: applicants[0]?.id, c: customers[0]?.id },
    )
    const operation = data.operation.id
    const attempt = data.session2.attempts.nodes[0].id
    const more = await app.execute(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Attempt { status session { id } } } }',
      { ids: [operation, attempt] },
    )

    expect(data).toMatchObject({
      session: { __typename: 'Session', id: at(0).id, provider: 'KAYLE' },
      applicant: { __typename: 'Applicant', externalId: 'usr_0' },
      customer: { __typename: 'Customer', externalId: 'usr_0' },
    })
    expect(more.data.nodes).toEqual([
      { __typename: 'ProviderOperation', id: operation },
      { __typename: 'Attempt', id: attempt, status: 'SUCCEEDED', session: { id: at(0).id } },
    ])
  })

  test('keep the requested order, with null for each miss', async () => {
    const misses = [
      idOf('Session', UNKNOWN_ID),
      idOf('Nonsense', UNKNOWN_ID),
      idOf('Customer', at(0).id),
      idOf('constructor', UNKNOWN_ID),
      'garbage',
      '',
    ]

    const requests = [at(3).id, ...misses, at(1).id, customers[0]?.id, at(3).id]
    const { data, errors } = await app.execute('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: requests })

    expect(errors).toEqual([])
    expect(data.nodes.map((node: { id: string } | null) => node?.id ?? null)).toEqual(
      requests.map((id = '') => (misses.includes(id) ? null : id)),
    )
    for (const id of misses) {
      const miss = await app.execute('query ($id: ID!) { node(id: $id) { id } }', { id })
      expect(miss).toMatchObject({ data: { node: null }, errors: [] })
    }
  })

  test('accept at most 100 ids', async () => {
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'

    const most = await app.execute(query, { ids: Array(100).fill(at(0).id) })
    const tooMany = await app.execute(query, { ids: Array(101).fill(at(0).id) })

    expect(most.data.nodes).toHaveLength(100)
    expect(tooMany.data).toEqual({ nodes: null })
    expect(tooMany.errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', issues: [{ path: ['ids'] }] } }])
  })
})

test('a session in a list is the same as by itself, whichever field is selected alone', async () => {
  const { id } = at(1)
  const { data } = await app.execute('{ __type(name: "Session") { fields { name type { kind ofType { kind } } } } }')
  const fields: SessionField[] = data.__type.fields
  expect(fields.length).toBeGreaterThan(20)

  for (const { name, type } of fields.filter(field => field.name !== 'liveCursor')) {
    const isLeaf = ['SCALAR', 'ENUM'].includes(type.ofType?.kind ?? type.kind)
    const selection = `id it: ${name} ${isLeaf ? '' : '{ __typename }'}`
    const alone = await app.execute(`query ($id: ID!) { session(by: { id: $id }) { ${selection} } }`, { id })
    const listed = await app.execute(`{ sessions(first: 100) { edges { node { ...Row } } } }
      fragment Row on Session { ${selection} }`)

    expect(listed.errors, name).toEqual([])
    const rows: { node: { id: string } }[] = listed.data.sessions.edges
    expect(rows.find(({ node }) => node.id === id)?.node, name).toEqual(alone.data.session)
  }
})

interface SessionField {
  readonly name: string
  readonly type: { readonly kind: string; readonly ofType: { readonly kind: string } | null }
}

test('attempts are paginated, and a cursor of another session is CURSOR_INVALID', async () => {
  const [one, other] = [await create({ session: { kayle: {} } }), await create({ session: { kayle: {} } })]
  for (const { providerId } of [one, one, one, other]) {
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_failed' })
  }
  const read = (id: string, args: string) =>
    app.execute(
      `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) {
        attempts(${args}) { totalCount nodes { id } pageInfo { hasNextPage endCursor } }
      }
    }`,
      { id },
    )

  const first = (await read(one.id, 'first: 2')).data.session.attempts
  expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } })
  const next = (await read(one.id, `first: 2, after: "${first.pageInfo.endCursor}"`)).data.session.attempts
  expect(next).toMatchObject({ nodes: [{ id: expect.any(String) }], pageInfo: { hasNextPage: false } })
  expect(new Set([...first.nodes, ...next.nodes].map(({ id }: { id: string }) => id)).size).toBe(3)

  const foreign = await read(other.id, `after: "${first.pageInfo.endCursor}"`)
  expect(foreign.errors).toMatchObject([{ path: ['session', 'attempts'], extensions: { code: 'CURSOR_INVALID' } }])
})

test('a cursor of a deleted attempt continues after its position', async () => {
  const one = await create({ session: { kayle: {} } })
  for (let count = 0; count < 3; count++) {
    await app.sandbox('KAYLE').advance({ id: one.providerId, to: 'attempt_failed' })
  }
  const read = async (args: string) => {
    const query = `query ($id: ID!) { session(by: { id: $id }) { attempts(${args}) { nodes { id } pageInfo { endCursor } } } }`
    return (await app.execute(query, { id: one.id })).data.session.attempts
  }
  const all = (await read('freshness: { maxAgeSeconds: 0 }')).nodes
  const { pageInfo } = await read('first: 2')
  await app.db.sql.deleteFrom('attempts').where('id', '=', localId(all[1].id)).execute()

  expect((await read(`after: "${pageInfo.endCursor}"`)).nodes).toEqual([all[2]])
})

function localId(globalId: string): string {
  return Buffer.from(globalId, 'base64url').toString().split(':')[1] ?? ''
}
