import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import type { SessionSnapshot } from '../../src/domain/records/session.ts'
import { createFetchedAtWriter } from '../../src/services/snapshots/fetched-at-writer.ts'
import { upsertApplicant } from '../../src/services/snapshots/upsert-applicant.ts'
import { upsertCustomer } from '../../src/services/snapshots/upsert-customer.ts'
import { upsertSession } from '../../src/services/snapshots/upsert-session.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type CreatedRecord, makeRecord, READS, type ReadSubject, readByProviderId } from '../harness/clients/reads.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** A response with an unchanged record: only fetchedAt is new, and is written in a batch. */

let app: TestApp
let time = Date.now()

beforeEach(async () => {
  app = await startApp({}, { now: () => new Date(++time), jobs: false })
})
afterEach(() => app.close())

describe('a record that is read again unchanged', () => {
  test.each(READS)(
    'shows its new fetchedAt at once, and stores it a moment later: $recordType of $provider',
    async subject => {
      const made = await makeRecord(app, subject)
      const first = await readNow(subject.recordType, made)
      const row = await readRow(subject.recordType, made)
      const second = await readNow(subject.recordType, made)
      const stored = await app.execute(
        `query ($id: ID!) { ${subject.recordType}(by: { id: $id }) { sync { fetchedAt stale } } }`,
        {
          id: made.id,
        },
      )

      expect(Date.parse(second)).toBeGreaterThan(Date.parse(first))
      expect(stored.data[subject.recordType].sync).toEqual({ fetchedAt: second, stale: false })
      await app.services.fetchedAtWriter.flush()
      const written = await readRow(subject.recordType, made)
      expect(written.fetched_at).toBe(Date.parse(second))
      expect(written.read_id).not.toBe(row.read_id)
    },
  )

  test('is stored before other writes', async () => {
    const made = await session()
    await readNow('session', made)
    await readNow('session', made)
    const before = await readRow('session', made)
    await app.execute(
      'mutation ($id: ID!) { linkSession(input: { sessionId: $id, externalId: "ann" }) { __typename } }',
      {
        id: made.id,
      },
    )

    expect((await readRow('session', made)).read_id).not.toBe(before.read_id)
  })

  test('is not overwritten by an older response that arrives late', async () => {
    const made = await session()
    await readNow('session', made)
    const [row] = await rows<{ provider_id: string }>('sessions', made)
    const account = await app.services.accounts.get('dev', 'KAYLE')
    const reported = await account.client.getSession?.(
      { providerId: row?.provider_id ?? '', applicantProviderId: null },
      {},
    )
    if (!reported) throw new Error('Kayle reads no session.')
    const providerRead = app.services.readSequence.start()
    await readNow('session', made)
    const output = { account, source: 'FETCH', providerRead, now: new Date(++time) } as const
    await app.services.fetchedAtWriter.transaction(app.db, trx =>
      upsertSession(trx, output, { ...reported, status: 'CANCELED' }),
    )

    const answer = await app.execute('query ($id: ID!) { session(by: { id: $id }) { status } }', { id: made.id })
    expect(answer.data.session.status).toBe('CREATED')
  })

  test.each([
    ['is read again where the record changed since it was compared', { revision: 99 }, 1],
    ['is unchanged if another read fetched it meanwhile', { read_id: 'another:1' }, 0],
  ])('%s', async (_, changed, calls) => {
    const made = await session()
    await readNow('session', made)
    await app.services.fetchedAtWriter.flush()
    await readNow('session', made)
    const { id } = decodeGlobalId(made.id) ?? { id: '' }
    await app.db.sql.updateTable('sessions').set(changed).where('id', '=', id).execute()
    await app.sandbox('KAYLE').forget()
    await app.services.fetchedAtWriter.flush()

    expect(await readRow('session', made)).toMatchObject(changed)
    await vi.waitFor(async () => expect(await app.sandbox('KAYLE').requests()).toHaveLength(calls))
  })
})

test('a failed write of fetchedAt does not fail another write', async () => {
  const unavailable = {
    ...app.db,
    get sql(): never {
      throw new Error('The disk is full.')
    },
  }
  const reported: unknown[] = []
  const fetchedAtWriter = createFetchedAtWriter(unavailable, error => reported.push(error))
  const providerRead = app.services.readSequence.start()
  const seen = {
    table: 'sessions',
    id: 'any',
    providerRead,
    revision: 1,
    comparedIds: ['', ''],
    attempts: undefined,
  } as const
  fetchedAtWriter.add({ ...seen, refetch: async () => {} })

  expect(await fetchedAtWriter.transaction(app.db, async () => 'written')).toBe('written')
  expect(reported).toEqual([new Error('The disk is full.')])
})

describe('an unchanged response', () => {
  test.each(READS)('is stored if another process changed the row since: $recordType of $provider', async subject => {
    const made = await makeRecord(app, subject)
    await readNow(subject.recordType, made)
    await readNow(subject.recordType, made)
    await app.services.fetchedAtWriter.flush()
    const [column, changed] =
      subject.recordType === 'customer' ? (['created_at', 1] as const) : (['status', 'UNKNOWN'] as const)
    const reported = (await readRow(subject.recordType, made))[column]
    const { id } = decodeGlobalId(made.id) ?? {}
    const row = sql`${sql.table(`${subject.recordType}s`)} set ${sql.ref(column)} = ${changed}, revision = revision + 1 where id = ${id}`
    await sql`update ${row}`.execute(app.db.sql)

    await readNow(subject.recordType, made)
    expect(reported).not.toBe(changed)
    expect((await readRow(subject.recordType, made))[column]).toBe(reported)
  })

  test('is stored if one of its attempts changed since', async () => {
    const made = await session()
    await app.sandbox('KAYLE').advance({ id: made.providerId, to: 'attempt_failed', failureCode: 'nfc_read_error' })
    const attempts = () => app.execute(ATTEMPTS, { id: made.id })
    const reported = await attempts()
    await attempts()
    await sql`update attempts set failure_code = 'else'`.execute(app.db.sql)
    await sql`update sessions set revision = revision + 1`.execute(app.db.sql)

    expect(reported.data.session.attempts.nodes).toEqual([{ failureCode: 'nfc_read_error' }])
    expect((await attempts()).data.session.attempts.nodes).toEqual(reported.data.session.attempts.nodes)
  })

  test('is stored if another response came in between', async () => {
    const made = await session()
    const say = async (word?: string) => {
      const fault = { kind: 'drift', change: 'word', field: 'data.status', to: word } as const
      if (word) await app.sandbox('KAYLE').faults([{ method: 'GET', fault }])
      const { data } = await app.execute(STATUS, { id: made.id })
      await app.sandbox('KAYLE').clearFaults()
      return data.session.status
    }
    await say()

    expect([await say(), await say('in_progress'), await say('in_progress'), await say()]).toEqual([
      'CREATED',
      'IN_PROGRESS',
      'IN_PROGRESS',
      'CREATED',
    ])
  })

  test('is refused if its record was erased', async () => {
    const { id, providerId } = await createKayleSession(app, 'ann')
    await readNow('session', { id, providerId })
    await readNow('session', { id, providerId })
    await app.services.erasure.erase({ tenantId: 'dev' }, 'ann')

    const { errors } = await readByProviderId(app, providerId)
    expect(errors.map(error => error.extensions.code)).toEqual(['NOT_FOUND'])
  })
})

const STATUS = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'
const ATTEMPTS = `query ($id: ID!) {
  session(by: { id: $id }) { attempts(freshness: { maxAgeSeconds: 0 }) { nodes { failureCode } } }
}`

async function session(): Promise<CreatedRecord> {
  const [subject] = READS
  if (!subject) throw new Error('Nothing can be read.')
  return makeRecord(app, subject)
}

/** Reads from the provider now. Returns the time. */
describe('a record that is stored again', () => {
  test.each(READS)('unchanged keeps its revision: $recordType of $provider', async subject => {
    const made = await makeRecord(app, subject)
    await readNow(subject.recordType, made)
    await app.services.fetchedAtWriter.flush()
    const before = await readRow(subject.recordType, made)
    await storeAgain(subject, made)

    const after = await readRow(subject.recordType, made)
    expect(after.revision).toBe(before.revision)
    expect(after.read_id).not.toBe(before.read_id)
    await storeAgain(subject, made, { createdAt: new Date(1) })
    expect((await readRow(subject.recordType, made)).revision).toBe(before.revision + 1)
  })

  test('keeps its revision if a record that it links is another now', async () => {
    const made = await session()
    const customer = (name: string) => ({ customer: { providerId: 'cus_1', snapshot: { ...CUSTOMER, name } } })
    await storeAgain(KAYLE, made, customer('Ann'))
    const before = await readRow('session', made)
    await storeAgain(KAYLE, made, customer('Ben'))

    expect((await readRow('session', made)).revision).toBe(before.revision)
    const revisions = await app.db.sql.selectFrom('customers').select('revision').execute()
    expect(revisions).toEqual([{ revision: 2 }])
  })
})

const KAYLE = { provider: 'KAYLE', recordType: 'session' } as const
const CUSTOMER = { providerId: 'cus_1', email: null, phone: null, metadata: null, details: {} }

/** Stores the provider's current response, and `more`. */
async function storeAgain({ provider, recordType }: Subject, made: CreatedRecord, more: object = {}): Promise<void> {
  const account = await app.services.accounts.get('dev', provider)
  const { client } = account
  const row = await readRow(recordType, made)
  const ref = { providerId: row.provider_id, parentProviderId: row.parent_provider_id, applicantProviderId: null }
  const output = {
    account,
    source: 'FETCH',
    providerRead: app.services.readSequence.start(),
    now: new Date(++time),
  } as const
  const requests = await {
    applicant: () => client.getApplicant?.(ref, {}),
    customer: () => client.getCustomer?.(ref, {}),
    session: () => client.getSession?.(ref, {}),
  }[recordType]()
  const store = { applicant: upsertApplicant, customer: upsertCustomer, session: upsertSession }[
    recordType
  ] as typeof upsertSession
  const snapshot = { ...requests, ...more } as SessionSnapshot
  await app.services.fetchedAtWriter.transaction(app.db, trx => store(trx, output, snapshot))
}

type Subject = Pick<ReadSubject, 'recordType' | 'provider'>

async function readNow(recordType: string, { id }: CreatedRecord): Promise<string> {
  const query = `query ($id: ID!) { ${recordType}(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { sync { fetchedAt } } }`
  const answer = await app.execute(query, { id })
  expect(answer.errors).toEqual([])
  return answer.data[recordType].sync.fetchedAt
}

interface Row {
  readonly read_id: string
  readonly created_at: number
  readonly parent_provider_id: string | null
  readonly provider_id: string
  readonly revision: number
  readonly fetched_at: number
  readonly status?: string
}

async function readRow(recordType: string, made: CreatedRecord): Promise<Row> {
  const [row] = await rows<Row>(`${recordType}s`, made)
  if (!row) throw new Error('The row is missing.')
  return row
}

async function rows<T>(table: string, made: CreatedRecord): Promise<T[]> {
  const { id } = decodeGlobalId(made.id) ?? { id: '' }
  return (await sql<T>`select * from ${sql.table(table)} where id = ${id}`.execute(app.db.sql)).rows
}
