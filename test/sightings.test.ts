import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeGlobalId } from '../src/domain/global-id.ts'
import { type House, startHouse } from './harness/house.ts'
import { createKayleSession } from './harness/kayle-session.ts'
import { type Made, makeRecord, READS, readByProviderId } from './harness/reads.ts'

/** A provider that says what is stored already: only the time is new, and it is written down with that of others. */

let house: House
let time = Date.now()

beforeEach(async () => {
  house = await startHouse({}, { now: () => new Date(++time), jobs: false })
})
afterEach(() => house.close())

describe('a record that is read again and has not changed', () => {
  test.each(READS)(
    'is seen at once as read now, and written down a moment later: $noun of $provider',
    async subject => {
      const made = await makeRecord(house, subject)
      const first = await readNow(subject.noun, made)
      const row = await readRow(subject.noun, made)
      const second = await readNow(subject.noun, made)
      const stored = await house.ask(
        `query ($id: ID!) { ${subject.noun}(by: { id: $id }) { sync { fetchedAt stale } } }`,
        {
          id: made.id,
        },
      )

      expect(Date.parse(second)).toBeGreaterThan(Date.parse(first))
      expect(stored.data[subject.noun].sync).toEqual({ fetchedAt: second, stale: false })
      await house.services.sightings.flush()
      const written = await readRow(subject.noun, made)
      expect(written.fetched_at).toBe(Date.parse(second))
      expect(written.began_at).toBeGreaterThan(row.began_at)
    },
  )

  test('is written before anything else that happens', async () => {
    const made = await session()
    await readNow('session', made)
    await readNow('session', made)
    const before = await readRow('session', made)
    await house.ask(
      'mutation ($id: ID!) { linkSession(input: { sessionId: $id, externalId: "ann" }) { __typename } }',
      {
        id: made.id,
      },
    )

    expect((await readRow('session', made)).began_at).toBeGreaterThan(before.began_at)
  })

  test('is not overtaken by an older answer that comes late', async () => {
    const made = await session()
    await readNow('session', made)
    await readNow('session', made)
    const [row] = await rows<{ account_id: string; provider_id: string }>('sessions', made)
    const account = await house.services.accounts.get('dev', 'KAYLE')
    const told = await account.client.getSession?.(
      { providerId: row?.provider_id ?? '', applicantProviderId: null },
      {},
    )
    if (!told) throw new Error('Kayle reads no session.')
    const began = new Date((await readRow('session', made)).began_at)
    const { storeSession } = await import('../src/services/store-session.ts')
    const said = { account, source: 'FETCH', beganAt: new Date(began.getTime() + 1), now: new Date(++time) } as const
    await house.services.sightings.transaction(house.db, trx =>
      storeSession(trx, said, { ...told, status: 'CANCELED' }),
    )

    const answer = await house.ask('query ($id: ID!) { session(by: { id: $id }) { status } }', { id: made.id })
    expect(answer.data.session.status).toBe('CREATED')
  })

  test('is stored like any other answer where the record changed since it was compared', async () => {
    const made = await session()
    const stored: string[] = []
    const { id } = decodeGlobalId(made.id) ?? { id: '' }
    const at = new Date(++time)
    const sighting = {
      table: 'sessions',
      tenantId: 'dev',
      id,
      beganAt: at,
      fetchedAt: at,
      withAttempts: false,
    } as const
    house.services.sightings.add({
      ...sighting,
      comparedAt: new Date(1),
      store: async () => stored.push(id),
    })
    await house.services.sightings.flush()

    expect(stored).toEqual([id])
  })
})

describe('an answer that says again what it said before', () => {
  test.each(READS)('is stored where the row was changed since by somebody else: $noun of $provider', async subject => {
    const made = await makeRecord(house, subject)
    await readNow(subject.noun, made)
    await readNow(subject.noun, made)
    await house.services.sightings.flush()
    const [column, changed] =
      subject.noun === 'customer' ? (['created_at', 1] as const) : (['status', 'UNKNOWN'] as const)
    const told = (await readRow(subject.noun, made))[column]
    const { id } = decodeGlobalId(made.id) ?? {}
    const row = sql`${sql.table(`${subject.noun}s`)} set ${sql.ref(column)} = ${changed} where id = ${id}`
    await sql`update ${row}`.execute(house.db.sql)

    await readNow(subject.noun, made)
    expect(told).not.toBe(changed)
    expect((await readRow(subject.noun, made))[column]).toBe(told)
  })

  test('is stored where one of its attempts was changed since', async () => {
    const made = await session()
    await house.sandbox('KAYLE').advance({ id: made.providerId, to: 'attempt_failed', failureCode: 'nfc_read_error' })
    const attempts = () => house.ask(ATTEMPTS, { id: made.id })
    const told = await attempts()
    await attempts()
    await sql`update attempts set failure_code = 'else'`.execute(house.db.sql)

    expect(told.data.session.attempts.nodes).toEqual([{ failureCode: 'nfc_read_error' }])
    expect((await attempts()).data.session.attempts.nodes).toEqual(told.data.session.attempts.nodes)
  })

  test('is stored where the provider said something else in between', async () => {
    const made = await session()
    const say = async (word?: string) => {
      const fault = { kind: 'drift', change: 'word', field: 'data.status', to: word } as const
      if (word) await house.sandbox('KAYLE').faults([{ method: 'GET', fault }])
      const { data } = await house.ask(STATUS, { id: made.id })
      await house.sandbox('KAYLE').clearFaults()
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

  test('is refused where its record was erased', async () => {
    const { id, providerId } = await createKayleSession(house, 'ann')
    await readNow('session', { id, providerId })
    await readNow('session', { id, providerId })
    await house.services.erasure.erase({ tenantId: 'dev' }, 'ann')

    const { errors } = await readByProviderId(house, providerId)
    expect(errors.map(error => error.extensions.code)).toEqual(['NOT_FOUND'])
  })
})

const STATUS = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'
const ATTEMPTS = `query ($id: ID!) {
  session(by: { id: $id }) { attempts(freshness: { maxAgeSeconds: 0 }) { nodes { failureCode } } }
}`

async function session(): Promise<Made> {
  const [subject] = READS
  if (!subject) throw new Error('Nothing can be read.')
  return makeRecord(house, subject)
}

/** Asks its provider now. Gives when that was. */
async function readNow(noun: string, { id }: Made): Promise<string> {
  const query = `query ($id: ID!) { ${noun}(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { sync { fetchedAt } } }`
  const answer = await house.ask(query, { id })
  expect(answer.errors).toEqual([])
  return answer.data[noun].sync.fetchedAt
}

interface Row {
  readonly began_at: number
  readonly created_at: number
  readonly fetched_at: number
  readonly status?: string
}

async function readRow(noun: string, made: Made): Promise<Row> {
  const [row] = await rows<Row>(`${noun}s`, made)
  if (!row) throw new Error('There is no such row.')
  return row
}

async function rows<T>(table: string, made: Made): Promise<T[]> {
  const { id } = decodeGlobalId(made.id) ?? { id: '' }
  return (await sql<T>`select * from ${sql.table(table)} where id = ${id}`.execute(house.db.sql)).rows
}
