import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { DEV, deliver, fromPersonr, fromRapidly, fromVerilock, openEndpoint } from '../harness/providers/deliveries.ts'

/**
 * The owner of a record. However it gets its externalId, its links or its owner: a contradiction by the input or the
 * store is refused and nothing is sent; a contradiction by the provider's response leaves the record without an
 * externalId.
 */

let app: TestApp
let person: string
let mallory: string

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())
beforeEach(() => {
  person = `usr_${randomUUID()}`
  mallory = `mal_${randomUUID()}`
})

const RECORD = 'id provider providerId externalId'
const SESSION = `${RECORD} applicant { ${RECORD} } customer { ${RECORD} } timeline { nodes { __typename } }`

async function run(name: string, payload: string, input: object) {
  const field = name[0]?.toLowerCase() + name.slice(1)
  const { data, errors } = await app.execute(
    `mutation ($input: ${name}Input!) { made: ${field}(input: $input) { __typename ... on MutationError { code message }
      ... on InvalidInputError { issues { path message } } ... on ${name}Payload { ${payload} } } }`,
    { input },
  )
  expect(errors).toEqual([])
  return data.made
}

const createSession = (session: object, more: object = {}) =>
  run('CreateSession', `session { ${SESSION} }`, { idempotencyKey: randomUUID(), session, ...more })
const linkSession = (input: object) => run('LinkSession', `session { ${SESSION} }`, input)
const linkApplicant = (applicantId: string, externalId: string | null) =>
  run('LinkApplicant', `applicant { ${RECORD} }`, { applicantId, externalId })
const linkCustomer = (customerId: string, externalId: string | null) =>
  run('LinkCustomer', `customer { ${RECORD} }`, { customerId, externalId })

async function createApplicant(externalId?: string, more: object = {}) {
  const personr = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic', ...more }
  const input = { idempotencyKey: randomUUID(), externalId, applicant: { personr } }
  return (await run('CreateApplicant', `applicant { ${RECORD} }`, input)).applicant
}

async function createCustomer(externalId?: string) {
  const rapidly = { email: `${randomUUID()}@example.com` }
  const input = { idempotencyKey: randomUUID(), externalId, customer: { rapidly } }
  return (await run('CreateCustomer', `customer { ${RECORD} }`, input)).customer
}

function settingsOf(provider: string): Record<string, string> {
  const found = app.sandboxes.find(sandbox => sandbox.provider === provider)
  return Object.fromEntries(Object.entries(found?.settings ?? {}).map(([name, value]) => [name, String(value)]))
}

/** Creates an object at a provider without this server. */
async function post(provider: string, path: string, body: object) {
  const { baseUrl, apiKey = '' } = settingsOf(provider)
  const token = provider === 'PERSONR' ? PERSONR_TOKEN : apiKey
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(response.ok, await response.clone().text()).toBe(true)
  return response.json()
}

/** This token of Personr's sandbox survives every login. */
const PERSONR_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'

async function strangeApplicant(externalId: string): Promise<string> {
  const form = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const sent = { ...form, externalUserId: JSON.stringify([externalId]) }
  return (await post('PERSONR', '/api-applicant-create', sent)).response.applicantId
}

async function strangeCustomer(externalId: string): Promise<string> {
  return (await post('RAPIDLY', '/customers/', { email: `${randomUUID()}@example.com`, external_id: externalId })).id
}

/** A stored applicant of Yorlet, and its customer. */
async function yorletApplicant() {
  const { session } = await createSession({ yorlet: { applicantProviderId: YORLET_APPLICANT } })
  return { applicant: session.applicant, customer: session.customer }
}
const YORLET_APPLICANT = 'apst_manvb9c4m2WsXy5Z'
const VERILOCK = { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' }

/** No stored row has the external id, and no create is stored. */
async function countOf(externalId: string): Promise<number> {
  let count = 0
  for (const table of ['sessions', 'applicants', 'customers'] as const) {
    const rows = await app.db.sql.selectFrom(table).select('id').where('external_id', '=', externalId).execute()
    count += rows.length
  }
  return count
}

async function creates(): Promise<number> {
  return (await app.db.sql.selectFrom('operations').select('id').execute()).length
}

const PROVIDERS = ['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const

async function posts(): Promise<number> {
  let count = 0
  for (const provider of PROVIDERS) {
    const requests = await app.sandbox(provider).requests()
    count += requests.filter(
      ({ method, path }) => method === 'POST' && /session|link-create|customers\/$/.test(path),
    ).length
  }
  return count
}

/** Records of another person that a create for mallory can refer to. */
const CONTRADICTIONS: Readonly<Record<string, () => Promise<{ session: object; more?: object }>>> = {
  'an applicant': async () => ({ session: { kayle: {} }, more: { applicantId: (await createApplicant(person)).id } }),
  'a customer': async () => ({ session: { kayle: {} }, more: { customerId: (await createCustomer(person)).id } }),
  "Personr's applicant by our id": async () => ({
    session: { personr: { applicant: { applicantId: (await createApplicant(person)).id } } },
  }),
  "Personr's applicant by its id": async () => ({
    session: { personr: { applicant: { applicantProviderId: (await createApplicant(person)).providerId } } },
  }),
  "Personr's applicant by its id, never met": async () => ({
    session: { personr: { applicant: { applicantProviderId: await strangeApplicant(person) } } },
  }),
  "Rapidly's customer by our id": async () => ({
    session: { rapidly: { customer: { customerId: (await createCustomer(person)).id } } },
  }),
  "Rapidly's customer by its id": async () => ({
    session: { rapidly: { customer: { customerProviderId: (await createCustomer(person)).providerId } } },
  }),
  "Rapidly's customer by its id, never met": async () => ({
    session: { rapidly: { customer: { customerProviderId: await strangeCustomer(person) } } },
  }),
  "Rapidly's customer by the external id": async () => ({
    session: { rapidly: { customer: { customerExternalId: 'usr_1337' } } },
  }),
  'an applicant beside one of its own': async () => ({
    session: { personr: { applicant: { applicantId: (await createApplicant(person)).id } } },
    more: { applicantId: (await createApplicant(mallory)).id },
  }),
  'a customer beside one of its own': async () => ({
    session: { rapidly: { customer: { customerId: (await createCustomer(person)).id } } },
    more: { customerId: (await createCustomer(mallory)).id },
  }),
}

describe('a session that is created for one person', () => {
  test.each(Object.entries(CONTRADICTIONS))(
    'is refused with %s of another, and nothing is sent',
    async (_what, contradict) => {
      const { session, more } = await contradict()
      for (const provider of PROVIDERS) await app.sandbox(provider).forget()
      const before = [await creates(), await countOf(mallory)]

      const made = await createSession(session, { ...more, externalId: mallory })

      expect(made).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: ['input', 'externalId'] }] })
      expect(JSON.stringify(made)).not.toContain(person)
      expect(await posts()).toBe(0)
      expect([await creates(), await countOf(mallory)]).toEqual(before)
    },
  )

  test.each(Object.entries(CONTRADICTIONS).slice(0, 9))(
    'is created with %s of the same person',
    async (_what, name) => {
      const owner = _what.includes('external id') ? 'usr_1337' : person
      const { session, more } = await name()
      const [given, inherited] = [
        await createSession(session, { ...more, externalId: owner }),
        await createSession(session, more),
      ]
      expect(given.session).toMatchObject({ externalId: owner })
      // An unknown record is stored by the create that refers to it.
      expect([owner, null]).toContain(inherited.session.externalId)
    },
  )

  test('is refused with records of two other persons', async () => {
    const more = { applicantId: (await createApplicant(person)).id, customerId: (await createCustomer(mallory)).id }
    const made = await createSession({ kayle: {} }, more)
    expect(made).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: ['input', 'externalId'] }] })
  })

  test('is refused with a Yorlet applicant whose customer is another person’s, and nothing is sent', async () => {
    const { applicant, customer } = await yorletApplicant()
    await app.db.sql
      .updateTable('applicants')
      .set({ customer_id: idOf(customer.id) })
      .where('id', '=', idOf(applicant.id))
      .execute()
    expect(await linkCustomer(customer.id, person)).toMatchObject({
      customer: { externalId: person },
    })
    await app.sandbox('YORLET').forget()
    const made = await createSession({ yorlet: { applicantProviderId: YORLET_APPLICANT } }, { externalId: mallory })
    await linkCustomer(customer.id, null)
    expect(made).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: ['input', 'externalId'] }] })
    expect(await app.sandbox('YORLET').requests()).toEqual([])
  })

  test('is refused with a record that its provider cannot return now, and nothing is sent', async () => {
    const customerProviderId = await strangeCustomer(person)
    await app.sandbox('RAPIDLY').faults([{ method: 'GET', fault: { kind: 'status', status: 503 } }])
    for (const provider of PROVIDERS) await app.sandbox(provider).forget()
    const made = await createSession({ rapidly: { customer: { customerProviderId } } }, { externalId: mallory })
    await app.sandbox('RAPIDLY').clearFaults()
    expect(made).toMatchObject({ __typename: 'ProviderUnavailableError' })
    expect(await posts()).toBe(0)
  })
})

/** Our own id inside a global id. */
function idOf(globalId: string): string {
  return Buffer.from(globalId, 'base64url').toString().split(':')[1] ?? ''
}

describe('a session that belongs to another person only by the response', () => {
  const conflict = { __typename: 'ExternalIdConflict' }

  test('is stored without an external id, with a timeline entry: at Yorlet by its customer', async () => {
    const { customer } = await yorletApplicant()
    await app.db.sql.updateTable('applicants').set({ customer_id: null }).where('provider', '=', 'YORLET').execute()
    await linkCustomer(customer.id, person)
    const made = await createSession({ yorlet: { applicantProviderId: YORLET_APPLICANT } }, { externalId: mallory })
    const { session } = made
    expect(session).toMatchObject({ externalId: null, customer: { id: customer.id } })
    expect(session.timeline.nodes).toContainEqual(conflict)
    expect(await countOf(mallory)).toBe(0)
    const given = await linkSession({ sessionId: session.id, externalId: person })
    expect(given.session).toMatchObject({ externalId: person })
    await linkSession({ sessionId: session.id, externalId: null, customerId: null })
    await linkCustomer(customer.id, null)
  })

  const answered = (provider: 'PERSONR' | 'RAPIDLY', path: string, field: string, to: unknown) =>
    app
      .sandbox(provider)
      .faults([{ method: 'POST', path, fault: { kind: 'drift', change: 'retype', field, to: to as string } }])

  test('is stored without an external id: at Rapidly by the customer in the response', async () => {
    const customer = await createCustomer()
    await answered('RAPIDLY', '*customer-sessions/', 'customer.external_id', person)
    const made = await createSession({ rapidly: { customer: { customerId: customer.id } } }, { externalId: mallory })
    await app.sandbox('RAPIDLY').clearFaults()
    expect(made.session).toMatchObject({ externalId: null, customer: { id: customer.id, externalId: person } })
    expect(made.session.timeline.nodes).toContainEqual(conflict)
    expect(await countOf(mallory)).toBe(0)
  })

  test('is stored unchanged if it was created for that person', async () => {
    const customer = await createCustomer(person)
    const theirs = await createSession({ rapidly: { customer: { customerId: customer.id } } }, { externalId: person })
    const another = await createCustomer()
    await answered('RAPIDLY', '*customer-sessions/', 'id', theirs.session.providerId)
    const made = await createSession({ rapidly: { customer: { customerId: another.id } } }, { externalId: mallory })
    await app.sandbox('RAPIDLY').clearFaults()
    expect(made.session).toMatchObject({ id: theirs.session.id, externalId: person })
    expect(made.session.timeline.nodes).toContainEqual(conflict)
    expect(await countOf(mallory)).toBe(0)
  })

  test('and likewise a customer and an applicant', async () => {
    await answered('RAPIDLY', '*customers/', 'external_id', person)
    expect(await createCustomer(mallory)).toMatchObject({ externalId: null })
    await app.sandbox('RAPIDLY').clearFaults()
    await answered('PERSONR', '*api-applicant-create', 'response.externalUserId', [person])
    const applicant = await createApplicant(mallory)
    await app.sandbox('PERSONR').clearFaults()
    expect([mallory, null]).toContain(applicant.externalId)
    expect(await countOf(person)).toBe(0)
  })
})

describe('linkSession', () => {
  test.each(['applicant', 'customer'] as const)(
    'to %s of another person, or away from it, is refused',
    async recordType => {
      const record = recordType === 'applicant' ? await createApplicant(person) : await createCustomer(person)
      const link = { [`${recordType}Id`]: record.id }
      const theirs = (await createSession({ kayle: {} }, link)).session
      const mine = (await createSession({ kayle: {} }, { externalId: mallory })).session
      for (const input of [
        { sessionId: theirs.id, externalId: mallory },
        { sessionId: mine.id, ...link },
        { sessionId: mine.id, externalId: mallory, ...link },
      ]) {
        expect(await linkSession(input)).toMatchObject({
          __typename: 'InvalidInputError',
          issues: [{ path: ['input', 'externalId'] }],
        })
      }
      const moved = await linkSession({ sessionId: theirs.id, externalId: mallory, [`${recordType}Id`]: null })
      expect(moved.session).toMatchObject({ externalId: mallory, [recordType]: null })
    },
  )
})

describe('a link mutation', () => {
  test.each(['applicant', 'customer'] as const)(
    'of %s with a session of another person is refused',
    async recordType => {
      const linkRecord = { applicant: linkApplicant, customer: linkCustomer }[recordType]
      const record = recordType === 'applicant' ? await createApplicant() : await createCustomer()
      const link = { [`${recordType}Id`]: record.id }
      const { session } = await createSession({ kayle: {} }, { ...link, externalId: person })
      const follower = (await createSession({ kayle: {} }, link)).session
      expect(await linkRecord(record.id, mallory)).toMatchObject({
        __typename: 'InvalidInputError',
        issues: [{ path: ['input', 'externalId'] }],
      })
      expect(await countOf(mallory)).toBe(0)
      await linkRecord(record.id, person)
      await linkSession({ sessionId: session.id, [`${recordType}Id`]: null })
      await linkRecord(record.id, mallory)
      const { data } = await app.execute('query ($id: ID!) { session(by: { id: $id }) { externalId } }', {
        id: follower.id,
      })
      expect(data.session).toEqual({ externalId: mallory })
    },
  )

  test('of one of two records of a session is refused, and unlinking it leaves the session with the other one', async () => {
    const [applicant, customer] = [await createApplicant(person), await createCustomer(person)]
    const { session } = await createSession({ kayle: {} }, { applicantId: applicant.id, customerId: customer.id })
    expect(await linkApplicant(applicant.id, mallory)).toMatchObject({
      __typename: 'InvalidInputError',
    })
    await linkApplicant(applicant.id, null)
    const { data } = await app.execute('query ($id: ID!) { session(by: { id: $id }) { externalId } }', {
      id: session.id,
    })
    expect(data.session).toEqual({ externalId: person })
  })
})

describe('a later response of a provider', () => {
  test('moves no customer of Rapidly, neither by webhook nor by a read', async () => {
    const { id, providerId } = await createCustomer(person)
    const policy = await openEndpoint(app, 'RAPIDLY')
    await app.sandbox('RAPIDLY').faults([{ method: 'GET', fault: { kind: 'status', status: 404 } }])
    const reported = { id: providerId, email: 'x@example.com', external_id: mallory }
    const sent = { type: 'customer.updated', timestamp: new Date().toISOString(), data: reported }
    expect(await deliver(app, policy, fromRapidly(policy, sent))).toBe(204)
    await app.services.webhookInbox.applyDue()
    await app.sandbox('RAPIDLY').clearFaults()
    const { data } = await app.execute('query ($id: ID!) { customer(by: { id: $id }) { externalId email } }', { id })
    expect(data.customer).toMatchObject({ externalId: person })
    expect(await countOf(mallory)).toBe(0)
  })

  test('about a customer without an owner leaves a session of another person without an external id', async () => {
    const { id, providerId } = await createCustomer()
    const { session } = await createSession({ rapidly: { customer: { customerId: id } } }, { externalId: mallory })
    const follower = (await createSession({ rapidly: { customer: { customerId: id } } })).session
    const policy = await openEndpoint(app, 'RAPIDLY')
    await app.sandbox('RAPIDLY').faults([{ method: 'GET', fault: { kind: 'status', status: 404 } }])
    const reported = { id: providerId, email: 'x@example.com', external_id: person }
    const sent = { type: 'customer.updated', timestamp: new Date().toISOString(), data: reported }
    expect(await deliver(app, policy, fromRapidly(policy, sent))).toBe(204)
    await app.services.webhookInbox.applyDue()
    await app.sandbox('RAPIDLY').clearFaults()
    const query = `query ($id: ID!) { session(by: { id: $id }) { externalId timeline { nodes { __typename } } } }`
    const contradicted = (await app.execute(query, { id: session.id })).data.session
    expect(contradicted.externalId).toBe(null)
    expect(contradicted.timeline.nodes).toContainEqual({ __typename: 'ExternalIdConflict' })
    expect((await app.execute(query, { id: follower.id })).data.session.externalId).toBe(person)
  })

  test('about a Verilock session does not move it to another person', async () => {
    const { session } = await createSession({ verilock: VERILOCK }, { externalId: person })
    await linkSession({ sessionId: session.id, externalId: null, applicantId: null })
    const policy = await openEndpoint(app, 'VERILOCK')
    const event = {
      event: 'session.approved',
      webhook_id: randomUUID(),
      data: { session_id: session.providerId, status: 'approved' },
    }
    expect(await deliver(app, policy, fromVerilock(policy, event))).toBe(204)
    await app.services.webhookInbox.applyDue()
    const query = 'query ($id: ID!) { session(by: { id: $id }) { externalId } }'
    expect((await app.execute(query, { id: session.id })).data.session.externalId).toBe(null)
  })
})

describe('a record that was never fetched', () => {
  const unread = async () => {
    const applicantProviderId = await strangeApplicant(person)
    const input = { idempotencyKey: randomUUID(), session: { personr: { applicant: { applicantProviderId } } } }
    const { session } = await run('CreateSession', 'session { id }', input)
    const find = app.db.sql.selectFrom('applicants').select(['id', 'fetched_at'])
    const row = await find.where('provider_id', '=', applicantProviderId).executeTakeFirstOrThrow()
    expect(row.fetched_at).toBe(null)
    return { sessionId: session.id, applicantId: Buffer.from(`Applicant:${row.id}`).toString('base64url') }
  }

  test('is fetched before its session is linked to a person', async () => {
    const { sessionId } = await unread()
    const linked = await run('LinkSession', 'session { id }', { sessionId, externalId: mallory })
    expect(linked.__typename).toBe('InvalidInputError')
    expect(await countOf(mallory)).toBe(0)
  })

  test('is fetched before a session of a person is linked to it', async () => {
    const { applicantId } = await unread()
    const { session } = await createSession({ kayle: {} }, { externalId: mallory })
    const linked = await run('LinkSession', 'session { id }', { sessionId: session.id, applicantId })
    expect(linked.__typename).toBe('InvalidInputError')
  })

  test('is fetched before it is linked to a person, and is not linked against what its provider reports', async () => {
    const [one, two] = [await unread(), await unread()]
    expect(await linkApplicant(one.applicantId, mallory)).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['input', 'externalId'] }],
    })
    expect(await countOf(mallory)).toBe(0)
    expect(await linkApplicant(two.applicantId, person)).toMatchObject({
      applicant: { externalId: person },
    })
  })

  test('is not linked while its provider is unavailable, and the error is retryable', async () => {
    const { applicantId } = await unread()
    await app.sandbox('PERSONR').faults([{ fault: { kind: 'status', status: 503 } }])
    const { data, errors } = await app.execute(
      `mutation ($input: LinkApplicantInput!) { linkApplicant(input: $input) { __typename } }`,
      { input: { applicantId, externalId: mallory } },
    )
    await app.sandbox('PERSONR').clearFaults()
    expect(data).toEqual({ linkApplicant: null })
    expect(errors).toMatchObject([{ extensions: { code: 'PROVIDER_UNAVAILABLE', retryable: true } }])
    expect(await countOf(mallory)).toBe(0)
    expect(await linkApplicant(applicantId, person)).toMatchObject({
      applicant: { externalId: person },
    })
  })

  test('is fetched before a create names it by our id', async () => {
    const [one, two] = [await unread(), await unread()]
    const made = [
      await createSession({ kayle: {} }, { externalId: mallory, applicantId: one.applicantId }),
      await createSession({ personr: { applicant: { applicantId: two.applicantId } } }, { externalId: mallory }),
    ]
    expect(made.map(({ __typename }) => __typename)).toEqual(['InvalidInputError', 'InvalidInputError'])
    expect(await countOf(mallory)).toBe(0)
  })
})

test('a Verilock session with an external id is not linked to another person’s applicant', async () => {
  const another = await createApplicant(mallory)
  const { session } = await createSession({ verilock: VERILOCK }, { externalId: person })
  await app.db.sql
    .updateTable('sessions')
    .set({ external_id_pinned: 0 })
    .where('provider_id', '=', session.providerId)
    .execute()
  const linked = await linkSession({ sessionId: session.id, applicantId: another.id })
  expect(linked.__typename).toBe('InvalidInputError')
})

test.each(['', '  ', 'usr_\u0000', 'u'.repeat(256)])('an invalid external id is ignored: %j', async reported => {
  const customer = await createCustomer(person)
  const strange = await strangeCustomer(`usr_${randomUUID()}`)
  await app
    .sandbox('RAPIDLY')
    .faults([{ method: 'GET', fault: { kind: 'drift', change: 'retype', field: 'external_id', to: reported } }])
  const { data } = await app.execute(
    `query ($known: ProviderRef!, $new: ProviderRef!) { known: customer(by: { atProvider: $known }, freshness: { maxAgeSeconds: 0 }) { externalId }
      new: customer(by: { atProvider: $new }) { externalId } }`,
    {
      known: { provider: 'RAPIDLY', providerId: customer.providerId },
      new: { provider: 'RAPIDLY', providerId: strange },
    },
  )
  await app.sandbox('RAPIDLY').clearFaults()
  expect(data).toEqual({ known: { externalId: person }, new: { externalId: null } })
})

test('an operator cannot settle a create as the record of another person', async () => {
  const theirs = await createApplicant(person)
  await app.sandbox('PERSONR').faults([{ path: '*api-applicant-create', fault: { kind: 'reset', when: 'after' } }])
  const personr = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const idempotencyKey = randomUUID()
  const made = await run('CreateApplicant', 'replayed', { idempotencyKey, externalId: mallory, applicant: { personr } })
  await app.sandbox('PERSONR').clearFaults()
  expect(made.__typename).toBe('UnconfirmedError')
  const { id } = await app.services.operations.get(DEV, { idempotencyKey })
  await expect(app.services.operations.settleFound(DEV, id, theirs.providerId)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  })
  await app.services.operations.settleAbsent(DEV, id)
  expect(await countOf(mallory)).toBe(0)
})

test('a notice whose create cannot be settled as its record is still applied', async () => {
  const theirs = await createApplicant(person)
  await app.sandbox('PERSONR').faults([{ path: '*api-applicant-create', fault: { kind: 'reset', when: 'after' } }])
  const personr = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const idempotencyKey = randomUUID()
  await run('CreateApplicant', 'replayed', { idempotencyKey, externalId: mallory, applicant: { personr } })
  await app.sandbox('PERSONR').clearFaults()
  const { id, reference } = await app.services.operations.get(DEV, { idempotencyKey })
  const policy = await openEndpoint(app, 'PERSONR')
  const sent = { applicantId: theirs.providerId, actionStatus: 'Reviewed', externalUserId: [reference] }
  expect(await deliver(app, policy, fromPersonr(policy, sent))).toBe(204)
  await app.services.webhookInbox.applyDue()
  expect((await app.services.webhookEndpoints.deliveries(DEV, 1))[0]).toMatchObject({ state: 'APPLIED' })
  await app.services.operations.settleAbsent(DEV, id)
})
