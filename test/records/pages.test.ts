import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { onPostgres } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** The pages of every connection have the same arguments, rules and page info. */

/** `RUNS` runs longer, `SEED` sets other pages. */
const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 20 : 60))
const SEED = Number(process.env.SEED ?? 20_261_129)

const PAGE = /* GraphQL */ `
  totalCount edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
`
const LINK_CUSTOMER = 'mutation ($input: LinkCustomerInput!) { linkCustomer(input: $input) { __typename } }'
const VERILOCK = { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', expiresInSeconds: 86_400 } }
const PERSONR = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
const SESSIONS = 7

interface Page {
  readonly totalCount: number
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[]
  readonly nodes: readonly { readonly id: string }[]
  readonly pageInfo: Readonly<Record<'hasNextPage' | 'hasPreviousPage', boolean>> &
    Readonly<Record<'startCursor' | 'endCursor', string | null>>
}

interface PageArguments {
  readonly first?: number
  readonly last?: number
  readonly after?: string
  readonly before?: string
}

let app: TestApp
let made = 0
/** The global ids of the records that have the nested connections. */
const ids = { session: '', decided: '', applicant: '', customer: '' }

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  ids.applicant = await create('Applicant', { externalId: 'usr_1', applicant: { personr: PERSONR } })
  ids.customer = await create('Customer', { externalId: 'usr_1', customer: { rapidly: { email: 'ann@example.com' } } })
  for (let index = 1; index < SESSIONS; index++) {
    const links = { applicantId: ids.applicant, customerId: ids.customer }
    ids.session = await create('Session', { session: { kayle: {} }, ...links })
    const externalId = index > 4 ? 'usr_1' : undefined
    await create('Applicant', { externalId, applicant: { personr: PERSONR } })
    const customerId = await create('Customer', { customer: { rapidly: { email: `bob-${index}@example.com` } } })
    // At Rapidly, an external id belongs to one customer.
    if (externalId) await app.execute(LINK_CUSTOMER, { input: { customerId, externalId } })
  }
  ids.decided = await create('Session', { session: VERILOCK })
  for (const step of ['attempt_started', 'attempt_failed nfc_read_error', 'attempt_succeeded']) {
    await advance('session', ids.session, step)
  }
  await advance('session', ids.decided, 'approved')
  for (const step of ['rejected_retry', 'approved']) await advance('applicant', ids.applicant, step)
}, 60_000)
afterAll(() => app.close())

async function create(type: 'Applicant' | 'Customer' | 'Session', input: object): Promise<string> {
  made += 1
  // Records of one millisecond would be ordered by id.
  await new Promise(resolve => setTimeout(resolve, 2))
  const { data } = await app.execute(
    `mutation ($input: Create${type}Input!) {
      made: create${type}(input: $input) { ... on Create${type}Payload { record: ${type.toLowerCase()} { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, ...input } },
  )
  return data.made.record.id
}

/** Changes the record at its provider, then reads it. */
async function advance(field: 'applicant' | 'session', id: string, step: string): Promise<void> {
  const read = `query ($id: ID!) {
    record: ${field}(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { provider providerId attempts { totalCount } }
  }`
  const { provider, providerId } = (await app.execute(read, { id })).data.record
  const [to = '', failureCode] = step.split(' ')
  await app.sandbox(provider).advance({ id: providerId, to, failureCode })
  await app.execute(read, { id })
}

/** A document with the page of each connection, and the number of its rows. */
const CONNECTIONS: Readonly<Record<string, readonly [(page: string) => string, number]>> = {
  'Query.sessions': [page => `{ ${page.replace('LIST', 'sessions')} }`, SESSIONS],
  'Query.applicants': [page => `{ ${page.replace('LIST', 'applicants')} }`, SESSIONS],
  'Query.customers': [page => `{ ${page.replace('LIST', 'customers')} }`, SESSIONS],
  'Session.attempts': [page => below('session', ids.decided, page.replace('LIST', 'attempts')), 5],
  'Session.timeline': [page => below('session', ids.session, page.replace('LIST', 'timeline')), 9],
  'Applicant.attempts': [page => below('applicant', ids.applicant, page.replace('LIST', 'attempts')), 2],
  'Applicant.sessions': [page => below('applicant', ids.applicant, page.replace('LIST', 'sessions')), SESSIONS - 1],
  'Customer.sessions': [page => below('customer', ids.customer, page.replace('LIST', 'sessions')), SESSIONS - 1],
  'Person.applicants': [page => `{ person(externalId: "usr_1") { ${page.replace('LIST', 'applicants')} } }`, 3],
  'Person.customers': [page => `{ person(externalId: "usr_1") { ${page.replace('LIST', 'customers')} } }`, 3],
  'Person.sessions': [page => `{ person(externalId: "usr_1") { ${page.replace('LIST', 'sessions')} } }`, SESSIONS - 1],
}
const NAMES = Object.keys(CONNECTIONS)

function below(field: string, id: string, page: string): string {
  return `{ ${field}(by: { id: "${id}" }) { ${page} } }`
}

/** The arguments as literals; an undefined one is omitted. */
function toLiterals(args: PageArguments): string[] {
  return Object.entries(args).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`],
  )
}

function execute(name: string, args: PageArguments) {
  const given = toLiterals(args)
  const page = `page: LIST${given.length > 0 ? `(${given.join(', ')})` : ''} { ${PAGE} }`
  return app.execute(CONNECTIONS[name]?.[0](page) ?? '')
}

async function read(name: string, args: PageArguments): Promise<Page> {
  const { data, errors } = await execute(name, args)
  expect(errors).toEqual([])
  return data.page ?? (Object.values(data)[0] as { page: Page }).page
}

/** The codes and the issue paths of a refused page. */
async function refuse(name: string, args: PageArguments) {
  const { errors } = await execute(name, args)
  return errors.map(({ extensions: { code, issues } }) => [
    code,
    ...((issues ?? []) as { path: string[]; message: string }[]).map(({ path, message }) => `${path}: ${message}`),
  ])
}

/** The page by Relay's algorithm. */
function pageOf(edges: Page['edges'], { first, last, after, before }: PageArguments): Page {
  const from = after === undefined ? 0 : edges.findIndex(({ cursor }) => cursor === after) + 1
  const to = before === undefined ? edges.length : edges.findIndex(({ cursor }) => cursor === before)
  const between = edges.slice(from, Math.max(from, to))
  const page = last === undefined ? between.slice(0, first ?? 20) : between.slice(Math.max(0, between.length - last))
  const more = page.length < between.length
  // An empty page has no neighbours.
  const isMore = more && (last ?? first) !== 0
  return {
    totalCount: edges.length,
    edges: page,
    nodes: page.map(({ node }) => node),
    pageInfo: {
      hasNextPage: last === undefined ? isMore : before !== undefined,
      hasPreviousPage: last === undefined ? after !== undefined : isMore,
      startCursor: page[0]?.cursor ?? null,
      endCursor: page.at(-1)?.cursor ?? null,
    },
  }
}

describe.each(NAMES)('the pages of %s', name => {
  test('have the rows, the counts and the page info of their arguments', async () => {
    const all = await read(name, { first: 100 })
    expect(all.edges).toHaveLength(CONNECTIONS[name]?.[1] ?? 0)
    expect(await read(name, { last: 100 })).toEqual(all)
    expect(await read(name, {})).toEqual(all)
    const cursor = fc.option(fc.constantFrom(...all.edges.map(edge => edge.cursor)), { nil: undefined })
    const size = fc.nat(all.edges.length + 1)
    const sizes = fc.oneof(fc.record({ first: size }), fc.record({ last: size }), fc.constant({}))
    const pages = fc.tuple(sizes, cursor, cursor).map(([by, after, before]) => ({ ...by, after, before }))
    await fc.assert(
      fc.asyncProperty(pages, async page => {
        expect(await read(name, page)).toEqual(pageOf(all.edges, page))
      }),
      { numRuns: RUNS, seed: SEED },
    )
  })

  test.each([1, 2, 3])('of %i rows paginate forward and backward through the same rows', async size => {
    const { edges } = await read(name, { first: 100 })
    const forward: Page['edges'][number][] = []
    const backward: Page['edges'][number][] = []
    for (let after: string | undefined; ; ) {
      const page = await read(name, { first: size, after })
      forward.push(...page.edges)
      if (!page.pageInfo.hasNextPage) break
      after = page.pageInfo.endCursor ?? ''
    }
    for (let before: string | undefined; ; ) {
      const page = await read(name, { last: size, before })
      backward.unshift(...page.edges)
      if (!page.pageInfo.hasPreviousPage) break
      before = page.pageInfo.startCursor ?? ''
    }

    expect(forward).toEqual(edges)
    expect(backward).toEqual(edges)
  })

  test.each<[PageArguments, readonly string[]]>([
    [{ first: 101 }, ['first: Expected 0 to 100.']],
    [{ first: -1 }, ['first: Expected 0 to 100.']],
    [{ last: 101 }, ['last: Expected 0 to 100.']],
    [{ last: -1 }, ['last: Expected 0 to 100.']],
    [{ first: 1, last: 1 }, ['last: Expected first or last, not both.']],
    [
      { first: 101, last: -1 },
      ['first: Expected 0 to 100.', 'last: Expected 0 to 100.', 'last: Expected first or last, not both.'],
    ],
  ])('with %j are refused', async (args, issues) => {
    expect(await refuse(name, args)).toEqual([['INVALID_INPUT', ...issues]])
  })

  test('from an invalid cursor and from one of another list are refused', async () => {
    const others = NAMES.filter(other => !isSameList(name, other))
    const cursors = await Promise.all(others.map(async other => (await read(other, { first: 1 })).edges[0]?.cursor))
    for (const cursor of ['', 'nowhere', 'x'.repeat(50_000), ...cursors]) {
      expect(await refuse(name, { after: cursor })).toEqual([['CURSOR_INVALID']])
      expect(await refuse(name, { last: 1, before: cursor })).toEqual([['CURSOR_INVALID']])
    }
  })
})

/**
 * All lists of one record type, newest first, have the same cursors. Attempts have those of their session or applicant.
 */
function isSameList(one: string, other: string): boolean {
  const [kind, otherKind] = [one, other].map(name => name.split('.')[1])
  return one === other || (kind === otherKind && kind !== 'attempts')
}

describe('attempts', () => {
  test.each<PageArguments>([{ first: 101 }, { last: -1 }, { first: 1, last: 1 }, { after: 'nowhere' }, { before: '' }])(
    'with %j are refused before their provider is called',
    async args => {
      await Promise.all(PROVIDERS.map(provider => app.sandbox(provider).forget()))

      const { errors } = await app.execute(
        `query ($session: ID!, $applicant: ID!) {
          session(by: { id: $session }) { attempts(freshness: { maxAgeSeconds: 0 }, ${toLiterals(args)}) { totalCount } }
          applicant(by: { id: $applicant }) { attempts(freshness: { maxAgeSeconds: 0 }, ${toLiterals(args)}) { totalCount } }
        }`,
        { session: ids.session, applicant: ids.applicant },
      )

      expect(errors).toHaveLength(2)
      const requests = await Promise.all(PROVIDERS.map(provider => app.sandbox(provider).requests()))
      expect(requests.flat()).toEqual([])
    },
  )
})

test('the last attempt and the last event are the newest', async () => {
  const { data } = await app.execute(
    `query ($id: ID!) { session(by: { id: $id }) {
      attempts(last: 1) { nodes { status } }
      timeline(last: 1) { nodes { __typename ... on AttemptStatusChanged { attemptStatus } } }
    } }`,
    { id: ids.session },
  )

  expect(data.session).toEqual({
    attempts: { nodes: [{ status: 'SUCCEEDED' }] },
    timeline: { nodes: [{ __typename: 'AttemptStatusChanged', attemptStatus: 'SUCCEEDED' }] },
  })
})
