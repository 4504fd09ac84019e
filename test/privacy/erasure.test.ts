import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { packageRoot } from '../../src/app/package.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import {
  type Canaries,
  type CanaryPerson,
  createCanaries,
  createPerson,
  findInFiles,
  findOpened,
} from '../harness/canaries.ts'
import { DEV, deliver, fromVerilock, openEndpoint } from '../harness/providers/deliveries.ts'

/** A person is erased: no data remains, and no response or webhook of a provider brings it back. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-erasure-'))
const env = { DATABASE_URL: `sqlite:${join(folder, 'erasure.db')}`, ENCRYPTION_KEY: 'c3'.repeat(32) }
let app: TestApp

beforeAll(async () => {
  app = await startApp(env, { jobs: false })
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

const erase = (externalId: string) => app.services.erasure.erase(DEV, externalId)

function ofCollection(recordType: string): string {
  return `query ($externalId: String) { ${recordType}s(first: 50, filter: { externalId: $externalId }) { nodes { id } } }`
}

async function countAll(externalId: string): Promise<number> {
  let count = 0
  for (const recordType of ['session', 'applicant', 'customer']) {
    const { data } = await app.execute(ofCollection(recordType), { externalId })
    count += data[`${recordType}s`].nodes.length
  }
  return count
}

test('an erasure is recorded in the audit log without personal data', async () => {
  const externalId = `usr_${randomUUID()}`
  const before = await listAudit(app.db, 'dev', 100)
  await erase(externalId)
  const [entry, ...rest] = await listAudit(app.db, 'dev', 100)
  expect(rest).toEqual(before)
  expect(entry).toMatchObject({ tenantId: 'dev', actor: 'cli', action: 'person.erase' })
  expect(entry?.subjectHash).toMatch(/^[\w-]{43}$/)
  expect(JSON.stringify(entry)).not.toContain(externalId)
})

describe('a person at all five providers', () => {
  const canaries: Canaries = createCanaries()
  const others: Canaries = createCanaries()
  let person: CanaryPerson
  let other: CanaryPerson

  beforeAll(async () => {
    person = await createPerson(app, canaries, `usr_${canaries.mark}`)
    other = await createPerson(app, others, `usr_${others.mark}`)
    expect(await countAll(person.externalId)).toBe(9)
    expect((await findOpened(app, canaries)).length).toBeGreaterThan(20)
  })

  test('is erased with all linked data, and no other person is', async () => {
    expect(await erase(person.externalId)).toEqual({
      sessions: 5,
      applicants: 2,
      customers: 2,
      creates: 8,
      deliveries: 1,
    })
    expect(await countAll(person.externalId)).toBe(0)
    expect(await countAll(other.externalId)).toBe(9)
  })

  test('is not in the database files, nor in any value that can be decrypted', async () => {
    expect(await findOpened(app, canaries)).toEqual([])
    canaries.add('externalId', person.externalId)
    for (const { id, providerId } of person.records) if (providerId.length > 20) canaries.add(id, providerId)
    expect(findInFiles(folder, canaries)).toEqual([])
    expect((await findOpened(app, others)).length).toBeGreaterThan(20)
  })

  test('is not found by our ids nor by provider ids, like an unknown person', async () => {
    for (const { recordType, provider, id, providerId } of person.records) {
      const byId = await app.execute(`query ($id: ID!) { node(id: $id) { id } }`, { id })
      expect(byId.data.node).toBeNull()
      const query = `query ($ref: ProviderRef!) { ${recordType}(by: { atProvider: $ref }) { id } }`
      const output = async (theirs: string) =>
        (await app.execute(query, { ref: { provider, providerId: theirs } })).errors[0]
      const [erased, missing] = [await output(providerId), await output(providerId.replace(/[0-9a-f]{4}$/, '0000'))]
      expect(['NOT_FOUND', 'UNSUPPORTED_BY_PROVIDER']).toContain(erased?.extensions.code)
      if (missing?.extensions.code === 'NOT_FOUND') expect(erased?.message).toBe(missing.message)
    }
    expect(await countAll(person.externalId)).toBe(0)
  })

  test('does not come back with a later webhook, which is acknowledged and not stored', async () => {
    const before = await app.services.webhookEndpoints.deliveries(DEV, 100)
    expect(await person.claims()).toBe(204)
    const policy = await openEndpoint(app, 'VERILOCK')
    const session = person.records.find(({ provider }) => provider === 'VERILOCK')
    const event = { event: 'session.approved', webhook_id: randomUUID(), data: { session_id: session?.providerId } }
    expect(await deliver(app, policy, fromVerilock(policy, event))).toBe(204)
    await app.services.webhookInbox.applyDue()
    expect(await app.services.webhookEndpoints.deliveries(DEV, 100)).toEqual(before)
    expect(await findOpened(app, canaries)).toEqual([])
  })

  test('does not come back with the jobs, nor with a late repeat of its creates', async () => {
    await app.services.polling.run()
    await app.services.createReconciler.run()
    for (const { mutation, input } of person.keys) {
      const { data, errors } = await app.execute(mutation, { input })
      expect(data?.made?.code ?? errors[0]?.extensions.code).toBe('NOT_FOUND')
    }
    expect(await countAll(person.externalId)).toBe(0)
  })

  test('does not come back through links of other records', async () => {
    const { id } =
      other.records.find(({ provider, recordType }) => provider === 'RAPIDLY' && recordType === 'session') ?? {}
    await app.execute(`query ($id: ID!) { node(id: $id) { ... on Session { customer { id } applicant { id } } } }`, {
      id,
    })
    expect(await countAll(person.externalId)).toBe(0)
  })

  test('is not linked to another person who names a record by its provider id', async () => {
    const create = `mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }`
    const idOf = (provider: string, recordType: string) =>
      person.records.find(record => record.provider === provider && record.recordType === recordType)?.providerId
    for (const session of [
      { personr: { applicant: { applicantProviderId: idOf('PERSONR', 'applicant') } } },
      { rapidly: { customer: { customerProviderId: idOf('RAPIDLY', 'customer') } } },
    ]) {
      const input = { idempotencyKey: randomUUID(), externalId: `usr_${randomUUID()}`, session }
      const { data, errors } = await app.execute(create, { input })
      expect(errors.map(error => error.extensions.code)).toEqual([])
      expect(data.createSession.__typename).toBe('NotFoundError')
      expect(await countAll(input.externalId)).toBe(0)
    }
  })

  test('can be erased again without an effect', async () => {
    expect(await erase(person.externalId)).toEqual({
      sessions: 0,
      applicants: 0,
      customers: 0,
      creates: 0,
      deliveries: 0,
    })
  })

  test('can be created again deliberately, with another idempotency key', async () => {
    const { mutation, input } = person.keys.at(-1) ?? { mutation: '', input: {} }
    const { data } = await app.execute(mutation, { input: { ...input, idempotencyKey: randomUUID() } })
    expect(data.made.record).toMatchObject({ provider: 'KAYLE' })
    expect(await countAll(person.externalId)).toBe(1)
  })
})

test('an interrupted erasure refuses new data, and completes when it runs again', async () => {
  const canaries = createCanaries()
  const person = await createPerson(app, canaries, `usr_${canaries.mark}`)
  const { sql: db } = app.db
  await sql`create trigger broken before delete on customers begin select raise(abort, 'broken off'); end`.execute(db)
  await expect(erase(person.externalId)).rejects.toThrow('broken off')
  await sql`drop trigger broken`.execute(db)
  expect(await countAll(person.externalId)).toBe(9)
  const before = await app.services.webhookEndpoints.deliveries(DEV, 100)
  expect(await person.claims()).toBe(204)
  expect(await app.services.webhookEndpoints.deliveries(DEV, 100)).toEqual(before)
  expect(await erase(person.externalId)).toMatchObject({ sessions: 5, customers: 2 })
  expect(await findOpened(app, canaries)).toEqual([])
  expect(findInFiles(folder, canaries)).toEqual([])
})

test('an erasure that is killed erases all or nothing, and completes when it runs again', async () => {
  const canaries = createCanaries()
  const person = await createPerson(app, canaries, `usr_${canaries.mark}`)
  const { sql: db } = app.db
  const tombstones = async () => (await db.selectFrom('tombstones').select('hash').execute()).length
  const before = await tombstones()
  // Deleting a customer takes many seconds, inside the transaction of the erasure.
  await sql`create trigger slow before delete on customers begin
    select count(*) from events a, events b, events c, events d, events e, tombstones f, tombstones g; end`.execute(db)
  const command = [builtFile('cli/main.js'), 'person', 'erase', person.externalId, '--yes']
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, command, {
    cwd: packageRoot(),
    env: { PATH, HOME, ...env, SANDBOX: 'off' },
    stdio: 'ignore',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await expect.poll(tombstones, { timeout: 20_000 }).toBeGreaterThan(before)
  await sleep(300)
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  await sql`drop trigger slow`.execute(db)
  expect(await countAll(person.externalId)).toBe(9)
  expect(await erase(person.externalId)).toMatchObject({ sessions: 5, customers: 2 })
  expect(await findOpened(app, canaries)).toEqual([])
  expect(findInFiles(folder, canaries)).toEqual([])
}, 60_000)

test('an erasure waits until creates of the person are settled', async () => {
  const canaries = createCanaries()
  const externalId = `usr_${canaries.mark}`
  await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
  const mutation = `mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }`
  const input = { idempotencyKey: randomUUID(), externalId, session: { kayle: {} } }
  expect((await app.execute(mutation, { input })).data.createSession.__typename).toBe('UnconfirmedError')
  await app.sandbox('KAYLE').clearFaults()
  await expect(erase(externalId)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining('not settled yet'),
  })
  const operation = await app.services.operations.get(DEV, { idempotencyKey: input.idempotencyKey })
  await app.services.operations.settleAbsent(DEV, operation.id)
  expect(await erase(externalId)).toMatchObject({ sessions: 0 })
})

test('a customer that another person also uses is not deleted, only unlinked', async () => {
  const [one, two] = [`usr_${randomUUID()}`, `usr_${randomUUID()}`]
  const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) {
    ... on CreateCustomerPayload { customer { id } } } }`
  const customer = { rapidly: { email: `team.${randomUUID()}@example.com` } }
  const { data } = await app.execute(create, { input: { idempotencyKey: randomUUID(), customer } })
  const { id } = data.createCustomer.customer
  const session = `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
    ... on CreateSessionPayload { session { id } } ... on MutationError { message } } }`
  for (const externalId of [one, two]) {
    const input = { idempotencyKey: randomUUID(), externalId, session: { rapidly: { customer: { customerId: id } } } }
    expect((await app.execute(session, { input })).data.createSession.session).toBeDefined()
  }
  expect(await erase(one)).toMatchObject({ sessions: 1, customers: 0 })
  expect((await app.execute(`query ($id: ID!) { node(id: $id) { id } }`, { id })).data.node).toEqual({ id })
  expect(await countAll(two)).toBe(1)
  expect(await erase(two)).toMatchObject({ sessions: 1, customers: 1 })
})

test('the remaining records of another person have a new revision once unlinked', async () => {
  const [gone, stays] = [`usr_${randomUUID()}`, `usr_${randomUUID()}`]
  const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) {
    ... on CreateCustomerPayload { customer { id } } } }`
  const customer = { rapidly: { email: `left.${randomUUID()}@example.com` } }
  const { data } = await app.execute(create, { input: { idempotencyKey: randomUUID(), externalId: gone, customer } })
  const { id } = decodeGlobalId(data.createCustomer.customer.id) ?? { id: '' }
  const rows = () =>
    app.db.sql.selectFrom('applicants').select(['customer_id', 'revision']).where('external_id', '=', stays).execute()
  const personr = { email: `stays.${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  await app.execute('mutation ($input: CreateApplicantInput!) { createApplicant(input: $input) { __typename } }', {
    input: { idempotencyKey: randomUUID(), externalId: stays, applicant: { personr } },
  })
  await app.db.sql.updateTable('applicants').set({ customer_id: id }).where('external_id', '=', stays).execute()
  const [before] = await rows()
  await erase(gone)
  expect(await rows()).toEqual([{ customer_id: null, revision: (before?.revision ?? 0) + 1 }])
})

test('an erasure erases no person of another tenant', async () => {
  const canaries = createCanaries()
  const person = await createPerson(app, canaries, `usr_${canaries.mark}`)
  expect(await app.services.erasure.erase({ tenantId: 'another' }, person.externalId)).toMatchObject({ sessions: 0 })
  expect(await countAll(person.externalId)).toBe(9)
})
