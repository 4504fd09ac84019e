import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { DEV } from '../harness/providers/deliveries.ts'

/**
 * The owner of a record stays consistent while records are linked, created and erased, and external ids change,
 * concurrently.
 */

let app: TestApp

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

const ROUNDS = 40
const AT_ONCE = 4

/** Several rounds at once, so that they interleave, but few enough to avoid timeouts. */
async function inRounds<T>(rounds: number, run: (round: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let first = 0; first < rounds; first += AT_ONCE) {
    results.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => run(first + at)))))
  }
  return results
}

async function run(name: string, payload: string, input: object) {
  const field = name[0]?.toLowerCase() + name.slice(1)
  const { data, errors } = await app.execute(
    `mutation ($input: ${name}Input!) { made: ${field}(input: $input) { __typename ... on MutationError { code message }
      ... on ${name}Payload { ${payload} } } }`,
    { input },
  )
  expect(errors).toEqual([])
  return data.made
}

async function createApplicant(externalId?: string) {
  const personr = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const input = { idempotencyKey: randomUUID(), externalId, applicant: { personr } }
  return (await run('CreateApplicant', 'applicant { id providerId }', input)).applicant
}

async function createCustomer(externalId?: string) {
  const input = {
    idempotencyKey: randomUUID(),
    externalId,
    customer: { rapidly: { email: `${randomUUID()}@example.com` } },
  }
  return (await run('CreateCustomer', 'customer { id providerId }', input)).customer
}

const createSession = (session: object, more: object = {}) =>
  run('CreateSession', 'session { id providerId }', { idempotencyKey: randomUUID(), session, ...more })
const linkApplicant = (applicantId: string, externalId: string) =>
  run('LinkApplicant', 'applicant { externalId }', { applicantId, externalId })
const linkCustomer = (customerId: string, externalId: string) =>
  run('LinkCustomer', 'customer { externalId }', { customerId, externalId })
const linkSession = (input: object) => run('LinkSession', 'session { id }', input)
const erase = (externalId: string) => app.services.erasure.erase(DEV, externalId)

async function externalIdOf(recordType: string, id: string): Promise<string | null> {
  const { data } = await app.execute(`query ($id: ID!) { it: ${recordType}(by: { id: $id }) { externalId } }`, { id })
  return data.it.externalId
}

const VERILOCK = {
  verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' },
}

describe('a record whose external id changes', () => {
  test.each(['applicant', 'customer'] as const)(
    '%s, by two requests at once, has the external id of its sessions',
    async recordType => {
      const rounds = await inRounds(ROUNDS, async round => {
        const linkRecord = { applicant: linkApplicant, customer: linkCustomer }[recordType]
        const record = await (recordType === 'applicant' ? createApplicant() : createCustomer())
        const link = { [`${recordType}Id`]: record.id }
        const { session } = await createSession({ kayle: {} }, link)
        await Promise.all([
          linkRecord(record.id, `one_${recordType}_${round}`),
          linkRecord(record.id, `two_${recordType}_${round}`),
        ])
        return [await externalIdOf(recordType, record.id), await externalIdOf('session', session.id)]
      })
      for (const [ofRecord, ofSession] of rounds) expect(ofSession).toBe(ofRecord)
    },
  )

  test.each([
    ['KAYLE', (id: string) => ({ session: { kayle: {} }, applicantId: id })],
    ['VERILOCK', (id: string) => ({ session: VERILOCK, applicantId: id })],
    ['PERSONR', (id: string) => ({ session: { personr: { applicant: { applicantId: id } } } })],
  ] as const)(
    'while a session of %s is created for it has the external id of that session',
    async (_provider, inputOf) => {
      const rounds = await inRounds(ROUNDS, async round => {
        const applicant = await createApplicant(`old_${_provider}_${round}`)
        const { session, ...more } = inputOf(applicant.id) as { session: object }
        const [made] = await Promise.all([
          createSession(session, more),
          linkApplicant(applicant.id, `new_${_provider}_${round}`),
        ])
        return [await externalIdOf('applicant', applicant.id), await externalIdOf('session', made.session.id)]
      })
      for (const [at, [ofRecord, ofSession]] of rounds.entries()) {
        expect(ofRecord).toBe(`new_${_provider}_${at}`)
        expect(ofSession).toBe(ofRecord)
      }
    },
  )
})

async function isAnythingOf(externalId: string, ids: readonly string[]): Promise<boolean> {
  for (const table of ['sessions', 'applicants', 'customers'] as const) {
    const rows = await app.db.sql.selectFrom(table).select(['id', 'external_id', 'provider_id']).execute()
    if (rows.some(row => row.external_id === externalId || ids.includes(row.provider_id))) return true
  }
  return false
}

describe('a person that is erased', () => {
  test.each([
    ['KAYLE', (id: string) => ({ session: { kayle: {} }, applicantId: id })],
    ['VERILOCK', (id: string) => ({ session: VERILOCK, applicantId: id })],
    ['PERSONR', (id: string) => ({ session: { personr: { applicant: { applicantId: id } } } })],
  ] as const)('while a session of %s is created for it is gone, or the erasure waits', async (provider, inputOf) => {
    const outcomes = await Promise.all(
      Array.from({ length: ROUNDS / 2 }, async (_, round) => {
        const externalId = `erased_${provider}_${round}`
        const applicant = await createApplicant(externalId)
        const { session, ...more } = inputOf(applicant.id) as { session: object }
        const idempotencyKey = randomUUID()
        const [made, erased] = await Promise.all([
          run('CreateSession', 'session { providerId }', { idempotencyKey, session, ...more }),
          erase(externalId).catch((error: { code: string }) => error.code),
        ])
        if (erased === 'BAD_REQUEST') await erase(externalId)
        const ids = [applicant.providerId, made.session?.providerId].filter(Boolean)
        return { made, left: await isAnythingOf(externalId, ids) }
      }),
    )
    for (const { made, left } of outcomes) {
      expect(['CreateSessionPayload', 'NotFoundError']).toContain(made.__typename)
      expect(left).toBe(false)
    }
    const open = await app.db.sql
      .selectFrom('operations')
      .select('id')
      .where('state', 'in', ['SENT', 'UNKNOWN'])
      .execute()
    expect(open).toEqual([])
  })

  test('after a create for it was sent stays erased: the create FAILED, and its object is not stored', async () => {
    const externalId = `erased_${randomUUID()}`
    const applicant = await createApplicant()
    await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'latency', ms: 1_500 } }])
    await app.sandbox('KAYLE').forget()
    const idempotencyKey = randomUUID()
    const making = run('CreateSession', 'session { id }', {
      idempotencyKey,
      applicantId: applicant.id,
      session: { kayle: {} },
    })
    await expect.poll(async () => (await app.sandbox('KAYLE').requests()).length, { timeout: 10_000 }).toBe(1)
    // As if nothing showed that the create is about this person.
    const open = app.db.sql.updateTable('operations').where('idempotency_key', '=', idempotencyKey)
    await open.set({ subject_hashes: '' }).execute()
    await linkApplicant(applicant.id, externalId)
    await erase(externalId)
    expect(await making).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
    await app.sandbox('KAYLE').clearFaults()
    const operation = await app.services.operations.get(DEV, { idempotencyKey })
    expect(operation).toMatchObject({ state: 'FAILED', lastError: { code: 'NOT_FOUND' } })
    const { sessions = {} } = await app.sandbox('KAYLE').objects()
    const providerId = Object.keys(sessions).at(-1)
    const query = 'query ($ref: ProviderRef!) { session(by: { atProvider: $ref }) { id } }'
    const { errors } = await app.execute(query, { ref: { provider: 'KAYLE', providerId } })
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
  })

  test('leaves no data, whatever happened to its records before', async () => {
    const [old, now] = [`old_${randomUUID()}`, `now_${randomUUID()}`]
    const [applicant, customer] = [await createApplicant(old), await createCustomer()]
    const kayle = await createSession({ kayle: {} }, { applicantId: applicant.id })
    const verilock = await createSession(VERILOCK, { applicantId: applicant.id })
    const personr = await createSession({ personr: { applicant: { applicantId: applicant.id } } })
    const rapidly = await createSession({ rapidly: { customer: { customerId: customer.id } } })
    await linkSession({ sessionId: kayle.session.id, customerId: customer.id })
    await linkApplicant(applicant.id, now)
    await erase(now)
    const ids = [applicant, customer, kayle.session, verilock.session, personr.session, rapidly.session]
    const left = ids.map(({ providerId }) => providerId)
    expect(await isAnythingOf(now, [...left, `${verilock.session.providerId}:applicant`])).toBe(false)
    const { rows } = await app.db.sql
      .selectFrom('events')
      .select('session_id')
      .execute()
      .then(events => ({ rows: events.map(event => event.session_id) }))
    for (const { session } of [kayle, verilock, personr, rapidly]) {
      expect(rows).not.toContain(Buffer.from(session.id, 'base64url').toString().split(':')[1])
    }
  })

  test('is NOT_FOUND for a link, and a session of another person loses its link to it', async () => {
    const person = `usr_${randomUUID()}`
    const applicant = await createApplicant(person)
    const { session } = await createSession({ kayle: {} })
    const theirs = (await createSession({ kayle: {} }, { externalId: `other_${randomUUID()}` })).session
    // The link from before both had an external id.
    const applicantId = Buffer.from(applicant.id, 'base64url').toString().split(':')[1]
    const row = Buffer.from(theirs.id, 'base64url').toString().split(':')[1] ?? ''
    await app.db.sql.updateTable('sessions').set({ applicant_id: applicantId }).where('id', '=', row).execute()
    await erase(person)
    const query = `query ($id: ID!) { session(by: { id: $id }) { applicant { id } timeline { nodes { __typename } } } }`
    const { data } = await app.execute(query, { id: theirs.id })
    expect(data.session.applicant).toBe(null)
    expect(data.session.timeline.nodes.at(-1)).toEqual({ __typename: 'SessionLinksChanged' })
    for (const answer of [
      await linkSession({ sessionId: session.id, applicantId: applicant.id }),
      await linkApplicant(applicant.id, person),
      await createSession({ kayle: {} }, { applicantId: applicant.id }),
    ])
      expect(answer).toMatchObject({ __typename: 'NotFoundError' })
  })

  test('while it is linked is NOT_FOUND or unlinked again', async () => {
    const rounds = await inRounds(ROUNDS / 2, async round => {
      const externalId = `linked_${round}`
      const applicant = await createApplicant(externalId)
      const { session } = await createSession({ kayle: {} })
      const [linked] = await Promise.all([
        linkSession({ sessionId: session.id, applicantId: applicant.id }),
        erase(externalId),
      ])
      return linked.__typename
    })
    for (const typename of rounds) expect(['LinkSessionPayload', 'NotFoundError']).toContain(typename)
  })
})
