import { Readable } from 'node:stream'
import type { Scope } from '../../../src/domain/access/caller.ts'
import { type Answer, startApp, type TestApp } from '../app/test-app.ts'
import { withKey } from '../clients/callers.ts'
import { createRandom } from './fuzz.ts'
import { createPlainGraphql, type PlainAnswer, type PlainGraphql, pathsAndCodes } from './plain-graphql.ts'
import { randomDocument, sharedFields, type Vocabulary } from './random-documents.ts'
import { SESSION_INPUTS, TRIED, WHOSE } from './session-inputs.ts'

/** SAME_ANSWERS_DOCUMENTS: the number of documents per caller. SAME_ANSWERS_SEED: their seed. */
export const DOCUMENTS = Number(process.env.SAME_ANSWERS_DOCUMENTS ?? 1_500)
const SEED = Number(process.env.SAME_ANSWERS_SEED ?? 1)

/** A fixed clock: no record becomes stale, so the stored data does not change between documents. */
const NOW = new Date('2026-11-21T12:00:00.000Z')
const SETTINGS = {
  MAX_AGE_SECONDS: '86400',
  MAX_ALIASES: '10000',
  MAX_COST: '1000000000',
  MAX_DEPTH: '60',
  MAX_ROOT_FIELDS: '1000',
  MAX_TOKENS: '20000',
}

export interface Comparison {
  /** Responses that differ from those of graphql-js, with the seed and the request that reproduce them. */
  readonly faults: readonly string[]
  readonly withData: number
  readonly withErrors: number
  readonly withoutData: number
}

/** Executes random documents on the fast path, through Yoga and by graphql-js, with several variables, and compares. */
export async function compareAnswers(scopes: readonly Scope[]): Promise<Comparison> {
  const app = await startApp(SETTINGS, { jobs: false, now: () => NOW, prepareAfter: 0 })
  try {
    const plain = await createPlainGraphql(app, () => NOW)
    const { token } = await withKey(app, { scopes })
    return await compare(app, plain, await fillStore(app, plain), token)
  } finally {
    await app.close()
  }
}

async function compare(app: TestApp, plain: PlainGraphql, vocabulary: Vocabulary, token: string): Promise<Comparison> {
  const counts = { withData: 0, withErrors: 0, withoutData: 0 }
  const faults: string[] = []
  for (let at = 0; at < DOCUMENTS && faults.length < 3; at++) {
    const seed = SEED * 1_000_000 + at
    const { query, variables } = randomDocument(vocabulary, createRandom(seed), 2)
    const wanted = await plain.execute(query, variables, token)
    for (const [index, execute] of [
      executeByFastPath,
      executeByFastPath,
      executeByFastPath,
      executeByFastPath,
      executeByFetch,
    ].entries()) {
      const given = variables[index % 2] ?? {}
      const expected = wanted[index % 2] as PlainAnswer
      const answer = comparable(await execute(app, JSON.stringify({ query, variables: given }), token))
      if (isSame(answer, expected)) continue
      faults.push(
        [`seed ${seed}, use ${index}`, query, ...[given, answer, expected].map(each => JSON.stringify(each))].join(
          '\n',
        ),
      )
    }
    counts[kindOf(wanted[0] as PlainAnswer)]++
  }
  return { ...counts, faults }
}

function kindOf({ data, errors }: PlainAnswer): 'withData' | 'withErrors' | 'withoutData' {
  if (data === undefined) return 'withoutData'
  return errors.length > 0 ? 'withErrors' : 'withData'
}

/** For invalid requests, only the absence of data must match, because our errors have codes of their own. */
function isSame(answer: PlainAnswer, wanted: PlainAnswer): boolean {
  if (wanted.data === undefined) return answer.data === undefined && answer.errors.length > 0
  return answer.data === wanted.data && JSON.stringify(answer.errors) === JSON.stringify(wanted.errors)
}

function comparable({ data, errors = [] }: Partial<Answer>): PlainAnswer {
  return { data: data === undefined ? undefined : JSON.stringify(data), errors: pathsAndCodes(errors) }
}

async function executeByFastPath({ app }: TestApp, body: string, token: string): Promise<Partial<Answer>> {
  const headers = { ...headersFor(token), 'content-length': String(Buffer.byteLength(body)) }
  const posted = Object.assign(Readable.from([Buffer.from(body)]), { method: 'POST', headers, rawHeaders: [] })
  return JSON.parse(String((await app.handlePost(posted, new AbortController(), {})).body)) as Partial<Answer>
}

async function executeByFetch({ app }: TestApp, body: string, token: string): Promise<Partial<Answer>> {
  const answer = await app.fetch('http://localhost/graphql', { method: 'POST', headers: headersFor(token), body })
  return (await answer.json()) as Partial<Answer>
}

function headersFor(token: string): Record<string, string> {
  return { 'content-type': 'application/json', authorization: `Bearer ${token}` }
}

const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } operation { id } } ... on MutationError { message } }
}`
const CREATE_APPLICANT = `mutation { createApplicant(input: { idempotencyKey: "a", applicant: { personr: { email: "ann@example.com", phone: "+46700000000", flowName: "KYC basic" } } }) {
  ... on CreateApplicantPayload { applicant { id providerId } } ... on MutationError { message } } }`
const CREATE_CUSTOMER = `mutation { createCustomer(input: { idempotencyKey: "c", customer: { rapidly: { email: "ann@example.com" } } }) {
  ... on CreateCustomerPayload { customer { id providerId } } ... on MutationError { message } } }`
const LINK = `mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename ... on MutationError { message } } }`
const READ_ALL = `{ sessions(first: 100) { nodes { id attempts { nodes { id } } customer { id attempts: id } applicant { id attempts { nodes { id } } }
  timeline(first: 5) { edges { cursor node { id } } } } edges { cursor } } }`

/** Creates sessions at every provider, some linked, some with attempts. Returns the vocabulary to query them. */
async function fillStore(app: TestApp, plain: PlainGraphql): Promise<Vocabulary> {
  const applicant = (await app.execute(CREATE_APPLICANT)).data.createApplicant.applicant
  const customer = (await app.execute(CREATE_CUSTOMER)).data.createCustomer.customer
  const sessions = []
  for (const provider of TRIED) {
    for (const externalId of [WHOSE[provider], null]) {
      const input = { idempotencyKey: `${provider}-${externalId}`, session: SESSION_INPUTS[provider], externalId }
      const { data } = await app.execute(CREATE_SESSION, { input: { ...input, metadata: { plan: provider } } })
      if (!data.createSession.session) throw new Error(`${provider}: ${data.createSession.message}`)
      sessions.push(data.createSession.session)
    }
  }
  for (const sessionId of [sessions[1].id, sessions[3].id]) {
    const { data } = await app.execute(LINK, { input: { sessionId, customerId: customer.id } })
    if (data.linkSession.message) throw new Error(data.linkSession.message)
  }
  await app.execute(LINK, { input: { sessionId: sessions[1].id, applicantId: applicant.id } })
  await app.sandbox('KAYLE').advance({ id: sessions[0].providerId, to: 'attempt_started' })
  await app.sandbox('KAYLE').advance({ id: sessions[0].providerId, to: 'attempt_succeeded' })
  await app.execute(
    `{ session(by: { id: "${sessions[0].id}" }, freshness: { maxAgeSeconds: 0 }) { id attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } } }`,
  )
  for (let times = 0; times < 2; times++) await app.execute(READ_ALL)
  const { data } = await app.execute(READ_ALL)
  const nodes = data.sessions.nodes as {
    attempts: { nodes: { id: string }[] } | null
    timeline: { edges: { cursor: string; node: { id: string } }[] }
  }[]
  const attempts = nodes.flatMap(node => node.attempts?.nodes.map(({ id }) => id) ?? [])
  const cursors = [...data.sessions.edges, ...(nodes[0]?.timeline.edges ?? [])].map(({ cursor }) => cursor)
  const ids = [...sessions.map(({ id }) => id), applicant.id, customer.id, ...attempts, 'nobody', 'U2Vzc2lvbjox']
  const entities = ids.map(id => ({ __typename: 'Session', id }))
  return {
    schema: plain.schema,
    shared: sharedFields(plain.schema),
    // Fields whose values change over time.
    unselected: new Set(['ProviderInfo.health', 'Query._service']),
    values: {
      _Any: [...entities, { __typename: 'Person', externalId: 'user-1' }, { __typename: 'Customer', id: customer.id }],
      after: [...cursors, ...cursors, 'nowhere'],
      applicantId: [applicant.id],
      before: cursors,
      createdAfter: ['2020-01-01T00:00:00.000Z', '2030-01-01T00:00:00Z'],
      createdBefore: ['2020-01-01T00:00:00.000Z', '2030-01-01T00:00:00Z'],
      customerId: [customer.id],
      DateTime: ['2026-11-21T12:00:00.000Z'],
      email: ['ann@example.com', 'nobody@example.com'],
      externalId: ['user-1', 'user-1', 'usr_1337', 'nobody'],
      ID: ids,
      idempotencyKey: ['KAYLE-user-1', 'nobody'],
      Int: [0, 1, 2, 5, 100, -1],
      maxAgeSeconds: [86_400, 1_000_000, -1],
      providerId: sessions.map(({ providerId }) => providerId),
      String: ['a'],
    },
  }
}
