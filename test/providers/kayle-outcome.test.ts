import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { makeRecord, read, subjectOf } from '../harness/clients/reads.ts'

/** The outcome of a completed Kayle session depends on its attempts alone. */

let app: AppWithFaultyProvider
let at = Date.now()

beforeAll(async () => {
  app = await startAppWithFaultyProvider({}, { now: () => new Date(at++), jobs: false })
})
afterAll(() => app.close())

const KAYLE = subjectOf('KAYLE')
const FAILED = { status: 'failed', failure_code: 'liveness_failed' }
const SUCCEEDED = { status: 'succeeded' }
const IN_PROGRESS = { status: 'in_progress' }

/** From now on reads return a completed session with these attempts. */
function complete(attempts: readonly object[] | undefined): void {
  app.at('KAYLE').behave(({ method }) => {
    if (method !== 'GET') return 'PASS'
    return given => {
      const { data, ...rest } = JSON.parse(given.text)
      const reported = attempts?.map((attempt, index) => ({
        id: `vat_${String(index).padStart(24, 'a')}`,
        verification_session_id: data.id,
        risk_score: 0,
        created_at: data.created_at,
        updated_at: data.updated_at,
        ...attempt,
      }))
      return { ...given, text: JSON.stringify({ ...rest, data: { ...data, status: 'completed', attempts: reported } }) }
    }
  })
}

async function outcomeOf(made: Awaited<ReturnType<typeof makeRecord>>): Promise<string> {
  at += 60_000
  await read(app, KAYLE, made, '{ maxAgeSeconds: 0 }')
  const { data } = await app.execute('query ($id: ID!) { session(by: { id: $id }) { status outcome } }', {
    id: made.id,
  })
  expect(data.session.status).toBe('COMPLETED')
  return data.session.outcome
}

test.each([
  ['no attempt is returned', []],
  ['its attempt is open', [IN_PROGRESS]],
  ['its last attempt is open', [FAILED, IN_PROGRESS]],
])('the outcome of a session is not known while %s, and is polled until it is', async (_why, attempts) => {
  const made = await makeRecord(app, KAYLE)
  complete(attempts)
  expect(await outcomeOf(made)).toBe('UNKNOWN')
  const [row] = await app.db.sql
    .selectFrom('sessions')
    .select('next_poll_at')
    .where('provider_id', '=', made.providerId)
    .execute()
  expect(row?.next_poll_at).not.toBeNull()
  complete([SUCCEEDED])
  expect(await outcomeOf(made)).toBe('APPROVED')
  app.at('KAYLE').behave()
})

test.each([
  ['APPROVED', [SUCCEEDED]],
  ['REJECTED', [FAILED]],
])('the outcome of a session that was %s stays when no attempt is returned any more', async (outcome, attempts) => {
  const made = await makeRecord(app, KAYLE)
  complete(attempts)
  expect(await outcomeOf(made)).toBe(outcome)
  complete([])
  expect(await outcomeOf(made)).toBe(outcome)
  complete(undefined)
  expect(await outcomeOf(made)).toBe(outcome)
  app.at('KAYLE').behave()
})
