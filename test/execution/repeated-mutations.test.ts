import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRandom } from '../harness/documents/fuzz.ts'
import { SESSION_INPUTS, TRIED, WHOSE } from '../harness/documents/session-inputs.ts'

/**
 * A mutation has the effect of its variables, however often its document was used before, and with whichever others.
 */

let app: TestApp
let applicantId: string
let customerId: string

beforeAll(async () => {
  app = await startApp({}, { jobs: false, prepareAfter: 2 })
  applicantId = await createApplicant('a')
  customerId = await createCustomer('c')
})
afterAll(() => app.close())

async function createApplicant(key: string): Promise<string> {
  const query = `mutation ($key: String!) {
    createApplicant(input: { idempotencyKey: $key, applicant: { personr: { email: "ann@example.com", phone: "+46700000000", flowName: "KYC basic" } } }) {
      ... on CreateApplicantPayload { applicant { id } }
    }
  }`
  return (await app.execute(query, { key })).data.createApplicant.applicant.id
}

async function createCustomer(key: string): Promise<string> {
  const query = `mutation ($key: String!, $email: String!) {
    createCustomer(input: { idempotencyKey: $key, customer: { rapidly: { email: $email } } }) {
      ... on CreateCustomerPayload { customer { id } }
    }
  }`
  return (await app.execute(query, { key, email: `${key}@example.com` })).data.createCustomer.customer.id
}

const CREATE = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id } } ... on MutationError { code message } }
}`

async function createSession(key: string, externalId: string): Promise<string> {
  const input = { idempotencyKey: key, externalId, session: { kayle: {} } }
  return (await app.execute(CREATE, { input })).data.createSession.session.id
}

interface Links {
  readonly externalId: string | null
  readonly applicant: string | null
  readonly customer: string | null
}

async function linksOf(id: string): Promise<Links> {
  const query = 'query ($id: ID!) { session(by: { id: $id }) { externalId applicant { id } customer { id } } }'
  const { externalId, applicant, customer } = (await app.execute(query, { id })).data.session
  return { externalId, applicant: applicant?.id ?? null, customer: customer?.id ?? null }
}

const SELECTION =
  '{ __typename ... on LinkSessionPayload { session { externalId } } ... on MutationError { code message } }'
const LINKS: Readonly<Record<string, string>> = {
  'fields by variables': `mutation L($id: ID!, $e: String, $a: ID, $c: ID) {
    linkSession(input: { sessionId: $id, externalId: $e, applicantId: $a, customerId: $c }) ${SELECTION}
  }`,
  'one variable for the whole input': `mutation L($input: LinkSessionInput!) { linkSession(input: $input) ${SELECTION} }`,
  'variables with defaults': `mutation L($id: ID!, $e: String = "by-default", $a: ID, $c: ID = null) {
    linkSession(input: { sessionId: $id, externalId: $e, applicantId: $a, customerId: $c }) ${SELECTION}
  }`,
}

/** An omitted value stays, or gets its default; null removes; a value replaces. */
function expected(before: Links, given: Readonly<Record<string, string | null>>, document: string): Links {
  const hasDefaults = document === 'variables with defaults'
  return {
    externalId: given.e !== undefined ? given.e : hasDefaults ? 'by-default' : before.externalId,
    applicant: given.a !== undefined ? given.a : before.applicant,
    customer: given.c !== undefined ? given.c : hasDefaults ? null : before.customer,
  }
}

describe.each(Object.keys(LINKS))('linkSession (%s)', name => {
  test('used 40 times with variables omitted, null and set changes only what they set', async () => {
    const id = await createSession(`link ${name}`, 'user-0')
    const random = createRandom(7)
    let links = await linksOf(id)
    for (let use = 0; use < 40; use++) {
      const pick = (value: string) => ({ value, how: random() })
      const choices = { e: pick(`user-${use}`), a: pick(applicantId), c: pick(customerId) }
      const given = Object.fromEntries(
        Object.entries(choices).flatMap(([key, { value, how }]) =>
          how < 0.45 ? [] : [[key, how < 0.6 ? null : value]],
        ),
      )
      const input = { sessionId: id, externalId: given.e, applicantId: given.a, customerId: given.c }
      const variables = name === 'one variable for the whole input' ? { input } : { id, ...given }
      const { data, errors } = await app.execute(LINKS[name] as string, variables)
      expect(errors).toEqual([])
      expect(data.linkSession.__typename).toBe('LinkSessionPayload')
      links = expected(links, given, name)
      expect([use, given, await linksOf(id)]).toEqual([use, given, links])
    }
  })
})

test.each(['Applicant', 'Customer'] as const)(
  'link%s keeps an omitted external id and removes it for null, however often it is used',
  async recordType => {
    const create = { Applicant: createApplicant, Customer: createCustomer }[recordType]
    const [id, record] = [await create(`${recordType}-of-nobody`), recordType.toLowerCase()]
    const query = `mutation ($id: ID!, $e: String) {
      link${recordType}(input: { ${record}Id: $id, externalId: $e }) {
        __typename ... on Link${recordType}Payload { ${record} { externalId } } ... on MutationError { message }
      } }`
    let now: string | null = null
    for (const given of [{ e: 'ann' }, {}, {}, {}, { e: null }, {}, { e: 'bea' }, {}, {}, { e: null }] as {
      e?: string | null
    }[]) {
      const { data } = await app.execute(query, { id, ...given })
      if (given.e !== undefined) now = given.e
      expect(data[`link${recordType}`][record]?.externalId).toBe(now)
    }
  },
)

const OPTIONAL = `mutation ($key: String!, $e: String, $a: ID, $c: ID, $m: JSON, $session: ProviderSessionInput!) {
  createSession(input: { idempotencyKey: $key, externalId: $e, applicantId: $a, customerId: $c, metadata: $m, session: $session }) {
    __typename
    ... on CreateSessionPayload { replayed session { id externalId metadata } }
    ... on MutationError { code message }
  }
}`

test.each(TRIED)(
  'createSession at %s with the same key is the same create, whichever variables are omitted',
  async provider => {
    const session = SESSION_INPUTS[provider]
    for (const [index, more] of [{}, { e: WHOSE[provider] }, { m: { plan: 'gold' } }, { m: null }].entries()) {
      const variables = { key: `${provider}-${index}`, session, ...more }
      const answers = []
      for (let use = 0; use < 5; use++) answers.push((await app.execute(OPTIONAL, variables)).data.createSession)
      expect(answers.map(({ __typename, replayed, code }) => [__typename, replayed, code])).toEqual(
        [false, true, true, true, true].map(replayed => ['CreateSessionPayload', replayed, undefined]),
      )
      // A read in between may add the external id.
      const known = answers.map(({ session: { id, metadata } }) => JSON.stringify([id, metadata]))
      expect(new Set(known).size).toBe(1)
    }
  },
)

test('variables inside a literal keep their own values, however often the document is used', async () => {
  const query = `mutation ($key: String!, $plan: String, $reason: String!, $required: Boolean = true) {
    createSession(input: {
      idempotencyKey: $key
      metadata: { plan: $plan, more: [$plan, { reason: $reason }] }
      session: { kayle: { shareFields: [{ key: "date_of_birth", required: $required, reason: $reason }] } }
    }) {
      ... on CreateSessionPayload { session { metadata details { ... on KayleSessionDetails { shareFields { reason required } } } } }
      ... on MutationError { message }
    }
  }`
  for (const [use, given] of [
    { plan: 'a', required: false },
    { plan: 'b' },
    { plan: null },
    { plan: 'c' },
    { plan: 'd' },
  ].entries()) {
    const reason = `because ${use}`
    const { data } = await app.execute(query, { key: `literal-${use}`, reason, ...given })
    expect(data.createSession.session).toMatchObject({
      metadata: { plan: given.plan, more: [given.plan, { reason }] },
      details: { shareFields: expect.arrayContaining([{ reason, required: given.required ?? true }]) },
    })
  }
})
