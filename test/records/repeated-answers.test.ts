import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reviseOwners } from '../../db/core/revision.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { type CreatedRecord, makeRecord, READS, type ReadSubject, read, subjectOf } from '../harness/clients/reads.ts'
import type { FaultyResponse } from '../harness/providers/faulty-provider.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'
import { until } from '../harness/waiting.ts'

/** A provider sends the same bytes again: the answer is not parsed again, and means the same as if it were. */

let ahead = 0
let app: AppWithFaultyProvider

beforeEach(async () => {
  ahead = 0
  let last = 0
  const now = () => {
    last = Math.max(last + 1, Date.now())
    return new Date(last + ahead)
  }
  app = await startAppWithFaultyProvider({}, { now })
})
afterEach(() => app.close())

const SESSION = `id status outcome externalId expiresAt sync { fetchedAt stale source }
  attempts { nodes { id status failureCode } sync { fetchedAt } }`

async function readSession(id: string) {
  const { data, errors } = await app.execute(
    `query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { ${SESSION} } }`,
    { id },
  )
  expect(errors).toEqual([])
  return data.session
}

function changeBody(change: (body: { data: Record<string, unknown> }) => void) {
  return (given: FaultyResponse): FaultyResponse => {
    const body = JSON.parse(given.text)
    change(body)
    return { ...given, text: JSON.stringify(body) }
  }
}

async function readTwice(id: string) {
  await readSession(id)
  return readSession(id)
}

describe('an answer with the same bytes', () => {
  test.each(READS)(
    'is read at the provider each time, and only its time is new: $recordType of $provider',
    async subject => {
      const made = await makeRecord(app, subject)
      const answers = await readAll(subject, made, 4)
      const times = answers.map(({ sync }) => Date.parse(sync.fetchedAt))
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
      expect(new Set(answers.map(({ sync: _, ...content }) => JSON.stringify(content))).size).toBe(1)
    },
  )

  async function readAll(subject: ReadSubject, made: CreatedRecord, times: number) {
    const answers = []
    for (let nth = 0; nth < times; nth++) {
      app.at(subject.provider).behave()
      const { data, errors } = await read(app, subject, made)
      expect(errors).toEqual([])
      expect(app.at(subject.provider).received.length).toBeGreaterThan(0)
      answers.push(data[subject.provider])
    }
    return answers
  }

  test('counts its unknown fields each time', async () => {
    const { id } = await createKayleSession(app, 'ann')
    app.at('KAYLE').behave(() => changeBody(({ data }) => Object.assign(data, { new_field: 'x' })))
    const { upstream } = await app.services.accounts.get('dev', 'KAYLE')
    const count = () =>
      upstream
        .drift()
        .filter(({ path }) => path.includes('new_field'))
        .reduce((sum, drift) => sum + drift.count, 0)
    await readTwice(id)
    const before = count()
    await readSession(id)
    await readSession(id)
    expect(count()).toBe(before + 2)
  })

  test('is applied again after something else changed the status', async () => {
    const { id } = await createKayleSession(app, 'ann')
    const { status } = await readTwice(id)
    await app.db.sql
      .updateTable('sessions')
      .set(({ eb }) => ({ status: 'COMPLETED', revision: eb('revision', '+', 1) }))
      .where('id', '=', localId(id))
      .execute()
    expect((await readSession(id)).status).toBe(status)
  })

  test('brings back attempts that something else changed', async () => {
    const { id } = await createKayleSession(app, 'ann')
    const attempt = { id: 'att_1', status: 'failed', failure_code: null, created_at: new Date().toISOString() }
    app.at('KAYLE').behave(() => changeBody(({ data }) => Object.assign(data, { attempts: [attempt] })))
    const before = await readTwice(id)
    expect(before.attempts.nodes).toHaveLength(1)
    await app.db.sql.updateTable('attempts').set({ status: 'PENDING' }).execute()
    await reviseOwners(app.db, { applicants: [], sessions: [localId(id)] })
    expect((await readSession(id)).attempts.nodes).toEqual(before.attempts.nodes)
  })

  test('does not return a record that was changed while the provider was called', async () => {
    const { id } = await createKayleSession(app, 'ann')
    await readTwice(id)
    const held = hold('KAYLE')
    const answer = readSession(id)
    await until(() => app.at('KAYLE').received.length === 1)
    const link = 'mutation ($id: ID!) { linkSession(input: { sessionId: $id, externalId: "bob" }) { __typename } }'
    await app.execute(link, { id })
    held.release()
    expect((await answer).externalId).toBe('bob')
  })

  test.each(['KAYLE', 'RAPIDLY', 'YORLET', 'VERILOCK'] as const)(
    'does not return the record of a person who is erased while %s is called',
    async provider => {
      const subject = subjectOf(provider)
      const made = await makeRecord(app, subject)
      const link = `mutation ($id: ID!) { link${subject.recordType === 'session' ? 'Session' : 'Customer'}(
        input: { ${subject.recordType}Id: $id, externalId: "ann" }) { __typename } }`
      const linked = await app.execute(link, { id: made.id })
      expect(linked.errors).toEqual([])
      for (let nth = 0; nth < 2; nth++) expect((await read(app, subject, made)).errors).toEqual([])
      const held = hold(provider)
      const answer = read(app, subject, made)
      await until(() => app.at(provider).received.length === 1)
      await app.services.erasure.erase({ tenantId: 'dev' }, 'ann')
      held.release()
      const { errors } = await answer
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND'])
    },
  )

  test('expires the session when its time has passed', async () => {
    const { id } = await createKayleSession(app, 'ann')
    const before = await readTwice(id)
    expect(before.status).not.toBe('EXPIRED')
    ahead = Date.parse(before.expiresAt) - Date.now() + 1_000
    const after = await readSession(id)
    expect(after).toMatchObject({ status: 'EXPIRED', sync: { source: 'DERIVED' } })
  })

  test('of another tenant or record is never taken for it', async () => {
    const [ann, bob] = [await createKayleSession(app, 'ann'), await createKayleSession(app, 'bob')]
    await readTwice(ann.id)
    await readTwice(bob.id)
    const answer = await responseOf(ann.providerId)
    app.at('KAYLE').behave(() => answer)
    const { errors } = await app.execute(
      'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { id } }',
      { id: bob.id },
    )
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['PROVIDER_CONTRACT_BROKEN'])
  })
})

/** Holds the next answers of a provider until `release`. */
function hold(provider: Parameters<AppWithFaultyProvider['at']>[0]) {
  let release: () => void = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  app.at(provider).behave(() => released.then(() => 'PASS' as const))
  return { release: () => release() }
}

async function responseOf(providerId: string): Promise<FaultyResponse> {
  let seen: FaultyResponse | undefined
  app.at('KAYLE').behave(() => given => {
    seen = given
    return given
  })
  await app.execute(
    `query ($id: String!) { session(by: { atProvider: { provider: KAYLE, providerId: $id } }, freshness: { maxAgeSeconds: 0 }) { id } }`,
    { id: providerId },
  )
  if (!seen) throw new Error('Kayle was not called.')
  return seen
}

function localId(id: string): string {
  const decoded = decodeGlobalId(id)
  if (!decoded) throw new Error(`Expected a global id, not ${id}.`)
  return decoded.id
}
