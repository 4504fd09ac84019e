import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { API_KEY } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/** An omitted `freshness` is inherited from the nearest ancestor that has one, whatever the form of the document. */

const USED = ['PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const satisfies readonly Provider[]

let app: AppWithFaultyProvider
let made = 0
/** Global ids: a session of Verilock with an attempt, an applicant of Yorlet, who has a customer, and one of Rapidly. */
const ids = { session: '', applicant: '', customer: '' }

beforeAll(async () => {
  // With the default freshness nothing is read again.
  const now = new Date()
  const settings = { MAX_AGE_SECONDS: '86400', MAX_COST: '10000000' }
  app = await startAppWithFaultyProvider(settings, { now: () => now })
  const yorlet = await create('Session', { session: SESSION_INPUTS.YORLET })
  const read = `query ($id: ID!) { session(by: { id: $id }) { applicant { id customer { id } } } }`
  ids.applicant = (await app.execute(read, { id: yorlet })).data.session.applicant.id
  ids.customer = await create('Customer', { customer: { rapidly: { email: 'ann@example.com' } }, externalId: 'usr_1' })
  const links = { applicantId: ids.applicant, customerId: ids.customer }
  ids.session = await create('Session', { session: SESSION_INPUTS.VERILOCK, ...links })
  await create('Applicant', {
    applicant: { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  })
  await readAll()
  const { data } = await app.execute('query ($id: ID!) { session(by: { id: $id }) { providerId } }', {
    id: ids.session,
  })
  const step = { id: data.session.providerId, to: 'processing' }
  await fetch(`${app.at('VERILOCK').origin}/_sandbox/advance`, { method: 'POST', body: JSON.stringify(step) })
  await readAll()
})

function readAll() {
  return app.execute(`{
    sessions(freshness: ${NOW}) { nodes { attempts { totalCount } customer { id } applicant { customer { id } } } }
    applicants(freshness: ${NOW}) { nodes { attempts { totalCount } } }
  }`)
}

beforeEach(() => {
  for (const provider of USED) app.at(provider).behave()
})
afterAll(() => app.close())

async function create(type: 'Applicant' | 'Customer' | 'Session', input: object): Promise<string> {
  made += 1
  const { data } = await app.execute(
    `mutation ($input: Create${type}Input!) {
      made: create${type}(input: $input) { ... on Create${type}Payload { record: ${type.toLowerCase()} { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, ...input } },
  )
  return data.made.record.id
}

interface Request {
  readonly query: string
  readonly variables?: Record<string, unknown>
}

const HEADERS = {
  'content-type': 'application/json',
  authorization: `Bearer ${API_KEY}`,
  accept: 'application/json, multipart/mixed;q=0.9',
}

async function executeByFastPath({ query, variables }: Request): Promise<string> {
  const body = Buffer.from(JSON.stringify({ query, variables }))
  const headers = { ...HEADERS, 'content-length': String(body.length) }
  const posted = Object.assign(Readable.from([body]), { method: 'POST', headers, rawHeaders: [] })
  return String((await app.app.handlePost(posted, new AbortController(), {})).body)
}

async function executeByYoga({ query, variables }: Request): Promise<string> {
  const body = JSON.stringify({ query, variables })
  return (await app.app.fetch('http://localhost/graphql', { method: 'POST', headers: HEADERS, body })).text()
}

const PATHS = { 'the fast path': executeByFastPath, Yoga: executeByYoga }

/** The calls to providers, and the body of the response. */
async function callsOf(execute: (request: Request) => Promise<string>, request: Request) {
  for (const provider of USED) app.at(provider).behave()
  const text = await execute(request)
  return { called: USED.flatMap(provider => app.at(provider).received.map(({ path }) => `${provider} ${path}`)), text }
}

type List = (row: string) => string
type RecordType = 'Applicant' | 'Customer' | 'Person' | 'Session'

/** A field with a `freshness` argument, and the operation that selects it. */
interface Holder {
  readonly type: RecordType
  readonly operation: 'mutation' | 'query'
  write(freshness: string, below: string, list: List): string
}

function queryOf(type: RecordType, write: Holder['write']): Holder {
  return { type, operation: 'query', write }
}

/** `freshness` is `, freshness: …` or empty. */
const HOLDERS: Readonly<Record<string, Holder>> = {
  'Query.session': queryOf('Session', (freshness, below) => `session(by: { id: $session }${freshness}) { ${below} }`),
  'Query.applicant': queryOf('Applicant', (freshness, below) => {
    return `applicant(by: { id: $applicant }${freshness}) { ${below} }`
  }),
  'Query.customer': queryOf('Customer', (freshness, below) => {
    return `customer(by: { id: $customer }${freshness}) { ${below} }`
  }),
  'Query.sessions': queryOf('Session', (freshness, below, list) => `sessions(first: 9${freshness}) ${list(below)}`),
  'Query.applicants': queryOf('Applicant', (freshness, below, list) => {
    return `applicants(first: 9${freshness}) ${list(below)}`
  }),
  'Query.customers': queryOf('Customer', (freshness, below, list) => `customers(first: 9${freshness}) ${list(below)}`),
  'Query.person': queryOf('Person', (freshness, below) => `person(externalId: "usr_1"${freshness}) { ${below} }`),
  'Session.applicant': queryOf('Applicant', (freshness, below) => {
    return `session(by: { id: $session }) { applicant${inParentheses(freshness)} { ${below} } }`
  }),
  'Session.customer': queryOf('Customer', (freshness, below) => {
    return `node(id: $session) { ... on Session { customer${inParentheses(freshness)} { ${below} } } }`
  }),
  'Session.attempts': queryOf('Session', (freshness, below, list) => {
    return `session(by: { id: $session }) { attempts(first: 1${freshness}) ${list(`session { ${below} }`)} }`
  }),
  'Session.customer below a freshness of its own': queryOf('Customer', (freshness, below, list) => {
    const customer = `customer${inParentheses(freshness)} { ${below} }`
    return `sessions(freshness: { maxAgeSeconds: 86400, onError: FAIL }) ${list(customer)}`
  }),
  'Session.applicant below a mutation': {
    type: 'Applicant',
    operation: 'mutation',
    write: (freshness, below) => `linkSession(input: { sessionId: $session }) {
      ... on LinkSessionPayload { session { applicant${inParentheses(freshness)} { ${below} } } }
    }`,
  },
}

function inParentheses(freshness: string): string {
  return freshness === '' ? '' : `(${freshness.replace(', ', '')})`
}

/** The selection that reaches a target from a parent, and the type that has the field of the target. */
const ROUTES: Readonly<
  Record<RecordType, readonly (readonly ['Applicant' | 'Session', (target: string, list: List) => string])[]>
> = {
  Session: [
    ['Session', target => target],
    ['Session', (target, list) => `timeline(last: 1) ${list(`session { ${target} }`)}`],
    ['Session', (target, list) => `person { sessions ${list(target)} }`],
    ['Applicant', target => `applicant { ${target} }`],
  ],
  Applicant: [
    ['Applicant', target => target],
    ['Session', (target, list) => `sessions ${list(target)}`],
  ],
  Customer: [
    ['Session', (target, list) => `sessions ${list(target)}`],
    ['Applicant', (target, list) => `sessions(first: 5) ${list(`applicant { ${target} }`)}`],
  ],
  Person: [
    ['Session', (target, list) => `sessions ${list(target)}`],
    ['Session', (target, list) => `nextAction { session { person { sessions(last: 5) ${list(target)} } } }`],
  ],
}

/** Fields whose `freshness` is omitted, and the beginning of the call that each makes. */
const TARGETS = {
  Applicant: [['customer', '{ id }', 'YORLET /v1/customers/']],
  Session: [
    ['applicant', '{ id }', 'YORLET /v1/applications/'],
    ['customer', '{ id }', 'RAPIDLY '],
    ['attempts', '{ totalCount }', 'VERILOCK '],
  ],
} as const
/** Only a list has applicants with attempts. */
const ATTEMPTS_OF_APPLICANT = ['attempts', '{ totalCount }', 'PERSONR '] as const

interface Case {
  readonly holder: Holder
  readonly below: (argument: string, list: List) => string
  readonly call: string
}

function casesOf(holder: Holder): Case[] {
  return ROUTES[holder.type].flatMap(([on, route]) => {
    const targets = holder === HOLDERS['Query.applicants'] && on === 'Applicant' ? [ATTEMPTS_OF_APPLICANT] : []
    return [...TARGETS[on], ...targets].map(([field, selection, call]) => ({
      holder,
      call,
      below: (argument: string, list: List) => route(`${field}${argument} ${selection}`, list),
    }))
  })
}

const NODES: List = row => `{ nodes { ${row} } }`
const EDGES: List = row => `{ edges { node { ${row} } } }`
const STREAM: List = row => `{ nodes @stream { ${row} } }`
const NOW = '{ maxAgeSeconds: 0 }'
const IDS = new RegExp(`[$](${Object.keys(ids).join('|')})\\b`, 'g')

function operationOf({ holder }: Case, selection: string, variables: string, more = ''): string {
  const head = variables === '' ? holder.operation : `${holder.operation} (${variables})`
  return `${head} { ${selection} } ${more}`.replace(IDS, (_, name: keyof typeof ids) => `"${ids[name]}"`)
}

function writeInline(it: Case, freshness: string, list: List = NODES, variables = ''): string {
  return operationOf(it, it.holder.write(freshness, it.below('', list), list), variables)
}

/** The forms of one document. */
const SHAPES: Readonly<Record<string, (it: Case) => Request>> = {
  'a literal': it => ({ query: writeInline(it, `, freshness: ${NOW}`) }),
  edges: it => ({ query: writeInline(it, `, freshness: ${NOW}`, EDGES) }),
  'a variable': it => ({
    query: writeInline(it, ', freshness: $freshness', NODES, '$freshness: Freshness'),
    variables: { freshness: { maxAgeSeconds: 0 } },
  }),
  'the default of a variable': it => ({
    query: writeInline(it, ', freshness: $freshness', NODES, `$freshness: Freshness = ${NOW}`),
  }),
  'a variable inside': it => ({
    query: writeInline(it, ', freshness: { maxAgeSeconds: $age }', NODES, '$age: Int!'),
    variables: { age: 0 },
  }),
  'null at the field below': it => ({
    query: operationOf(it, it.holder.write(`, freshness: ${NOW}`, it.below('(freshness: null)', NODES), NODES), ''),
  }),
  'a variable without a value at the field below': it => ({
    query: operationOf(
      it,
      it.holder.write(`, freshness: ${NOW}`, it.below('(freshness: $none)', NODES), NODES),
      '$none: Freshness',
    ),
  }),
  aliases: it => ({
    query: operationOf(
      it,
      it.holder
        .write(`, freshness: ${NOW}`, it.below('', NODES), NODES)
        .replace(/\b([a-z]\w*)(\s*[({])/g, (_, name: string, next: string) => `other_${name}: ${name}${next}`),
      '',
    ),
  }),
  'a named fragment': it => ({
    query: operationOf(
      it,
      it.holder.write(`, freshness: ${NOW}`, '...Below', NODES),
      '',
      `fragment Below on ${it.holder.type} { ${it.below('', NODES)} }`,
    ),
  }),
  'a fragment with the argument': it => ({
    query: operationOf(
      it,
      '...All',
      '',
      `fragment All on ${it.holder.operation === 'query' ? 'Query' : 'Mutation'} {
        ${it.holder.write(`, freshness: ${NOW}`, it.below('', NODES), NODES)}
      }`,
    ),
  }),
  'inline fragments': it => ({
    query: operationOf(
      it,
      it.holder.write(
        `, freshness: ${NOW}`,
        `... on ${it.holder.type} { ... @include(if: $yes) { ${it.below('', NODES)} } }`,
        NODES,
      ),
      '$yes: Boolean!',
    ),
    variables: { yes: true },
  }),
  'merged fields': it => ({
    query: operationOf(
      it,
      `${it.holder.write(`, freshness: ${NOW}`, '__typename', NODES)} ${it.holder.write(`, freshness: ${NOW}`, it.below('', NODES), NODES)}`,
      '',
    ),
  }),
  '@defer': it => ({
    query: operationOf(it, it.holder.write(`, freshness: ${NOW}`, `... @defer { ${it.below('', NODES)} }`, NODES), ''),
  }),
  '@stream': it => ({ query: writeInline(it, `, freshness: ${NOW}`, STREAM) }),
}

const isIncremental = (query: string) => /@defer|@stream/.test(query)

describe.each(Object.entries(HOLDERS))('the freshness of %s', (_name, holder) => {
  test('is that of its field’s ancestors, in every form of the document and on both paths', async () => {
    const faults: string[] = []
    for (const it of casesOf(holder)) {
      for (const [shape, toRequest] of Object.entries(SHAPES)) {
        for (const [path, execute] of Object.entries(PATHS)) {
          const request = toRequest(it)
          // The fast path leaves incremental responses to Yoga.
          if (isIncremental(request.query) && path !== 'Yoga') continue
          const { called, text } = await callsOf(execute, request)
          const isWhole = !text.includes('"errors"') && text.includes('"hasNext"') === isIncremental(request.query)
          if (isWhole && called.some(call => call.startsWith(it.call))) continue
          faults.push([shape, path, request.query, called.join(), text].join('\n'))
        }
      }
    }
    expect(faults.slice(0, 2).join('\n\n')).toBe('')
  })

  test('is the default if it is omitted', async () => {
    for (const it of casesOf(holder)) {
      for (const execute of Object.values(PATHS)) {
        const { called, text } = await callsOf(execute, { query: writeInline(it, '') })
        expect([text.includes('"errors"') ? text : '', called]).toEqual(['', []])
      }
    }
  })
})

/** Each field by its path: a provider that was called, or the code of its error. */
async function execute(query: string) {
  for (const provider of USED) app.at(provider).behave(() => ({ status: 500, text: '{}' }))
  const { data, errors } = await app.execute(query.replace(IDS, (_, name: keyof typeof ids) => `"${ids[name]}"`))
  return { data, codes: errors.map(({ path, extensions }) => `${path?.join('.')} ${extensions.code}`) }
}

describe('the nearest freshness', () => {
  const STALE = { sync: { stale: true } }
  const FRESH = { sync: { stale: false } }
  const NOW_OR_FAIL = '{ maxAgeSeconds: 0, onError: FAIL }'

  test('replaces outer ones as a whole', async () => {
    const { data, codes } = await execute(`{
      session(by: { id: $session }, freshness: { maxAgeSeconds: 86400, onError: FAIL }) {
        customer(freshness: ${NOW}) { sync { stale } }
        applicant(freshness: {}) { sync { stale } }
        attempts { sync { stale } }
      }
    }`)

    expect([data.session, codes]).toEqual([{ customer: STALE, applicant: FRESH, attempts: FRESH }, []])
  })

  test('applies with its onError', async () => {
    const { data, codes } = await execute(`{
      person(externalId: "usr_1", freshness: ${NOW_OR_FAIL}) {
        sessions { nodes { customer { id } attempts { totalCount } applicant { id } } }
      }
    }`)

    const session = { customer: null, attempts: null, applicant: null }
    expect(data.person.sessions.nodes).toEqual([session])
    expect(codes.sort()).toEqual(
      ['applicant', 'attempts', 'customer'].map(field => `person.sessions.nodes.0.${field} PROVIDER_UNAVAILABLE`),
    )
  })

  test('comes from its own ancestors only', async () => {
    const { data, codes } = await execute(`{
      a: sessions(freshness: ${NOW}) { nodes { id customer { sync { stale } } } }
      b: sessions(freshness: { maxAgeSeconds: 86400 }) { nodes { id customer { sync { stale } } } }
      c: sessions { nodes { id customer { sync { stale } } } }
    }`)

    const customerOf = (alias: string) => {
      return data[alias].nodes.find(({ id }: { id: string }) => id === ids.session).customer
    }
    expect([customerOf('a'), customerOf('b'), customerOf('c'), codes]).toEqual([STALE, FRESH, FRESH, []])
  })

  test('does not refresh the rows of lists and of a person', async () => {
    const { codes } = await execute(`{
      sessions(freshness: ${NOW_OR_FAIL}) { nodes { status sync { stale } } }
      applicants(freshness: ${NOW_OR_FAIL}) { nodes { status sync { stale } sessions { nodes { status } } } }
      customers(freshness: ${NOW_OR_FAIL}) { nodes { sync { stale } sessions { nodes { status timeline { totalCount } } } } }
      person(externalId: "usr_1", freshness: ${NOW_OR_FAIL}) { nextAction { kind } sessions { nodes { status } } }
    }`)

    expect([codes, USED.flatMap(provider => app.at(provider).received)]).toEqual([[], []])
  })

  test('applies to one event of a subscription', async () => {
    const subscriber = await follow(app.url, {
      query: `subscription ($id: ID!) {
        sessionUpdated(id: $id) {
          session { attempts { sync { stale } } customer(freshness: ${NOW}) { sync { stale } sessions { nodes { attempts { sync { stale } } } } } }
        }
      }`,
      variables: { id: ids.session },
    })
    for (const provider of USED) app.at(provider).behave(() => ({ status: 500, text: '{}' }))
    const link = 'mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }'
    await app.execute(link, { input: { sessionId: ids.session, applicantId: null } })
    await app.execute(link, { input: { sessionId: ids.session, applicantId: ids.applicant } })

    const messages = await subscriber.first(2)
    await subscriber.unsubscribe()

    const session = { attempts: FRESH, customer: { ...STALE, sessions: { nodes: [{ attempts: STALE }] } } }
    expect(messages.map(({ data }) => data.data.sessionUpdated)).toEqual([{ session }, { session }])
  })
})
