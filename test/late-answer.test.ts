import { afterEach, expect, test, vi } from 'vitest'
import { type House, startHouse } from './harness/house.ts'

/** An answer that comes when its process does not own the operation any more. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { rapidly: { customer: { customerExternalId: "usr_1337" } } } }
    ) {
      ... on CreateSessionPayload { replayed session { id providerId access { token } } }
      ... on Error { code }
    }
  }
`
const LIST =
  '{ sessions { totalCount edges { node { id } } } operation: createOperation(by: { idempotencyKey: "late" }) { state session { id } } }'

let house: House
afterEach(() => house.close())

test('after a repeat succeeded, stores no second record and hands out the one of the repeat', async () => {
  let at = Date.now()
  house = await startHouse({ CREATE_DEADLINE_MS: '8000' }, { jobs: false, now: () => new Date(at) })
  await house.sandbox('RAPIDLY').faults([{ times: 1, fault: { kind: 'latency', ms: 1_500 } }])
  const first = house.ask(CREATE, { key: 'late' })
  await vi.waitUntil(async () => (await house.sandbox('RAPIDLY').requests()).length === 1)

  // The process is asleep: its 29 seconds are over, and the reconciler looks after what it left.
  at += 30_000
  await house.services.recovery.run()
  at += 130_000
  await house.services.recovery.run()
  const settled = (await house.ask(LIST)).data
  expect(settled.operation).toMatchObject({ state: 'SUCCEEDED', session: { id: expect.any(String) } })

  const { data } = await first
  const after = (await house.ask(LIST)).data
  expect(Object.keys((await house.sandbox('RAPIDLY').objects()).customer_sessions ?? {})).toHaveLength(2)
  expect(after.sessions).toEqual({ totalCount: 1, edges: [{ node: { id: settled.operation.session.id } }] })
  expect(data.createSession.session.id).toBe(settled.operation.session.id)
  expect((await house.ask(CREATE, { key: 'late' })).data.createSession.session.providerId).toBe(
    data.createSession.session.providerId,
  )
})

test('of the same record, which was found meanwhile, adds what only the create told', async () => {
  let at = Date.now()
  house = await startHouse({ CREATE_DEADLINE_MS: '8000' }, { jobs: false, now: () => new Date(at) })
  await house.sandbox('KAYLE').faults([{ method: 'POST', times: 1, fault: { kind: 'latency', ms: 1_500 } }])
  const create = CREATE.replace(
    /session: \{ rapidly.*\} \}/,
    'session: { kayle: { redirectUrl: "https://app.example.com/done" } } }',
  ).replace('token', 'hostedUrl')
  const first = house.ask(create, { key: 'late' })
  await vi.waitUntil(async () => Object.keys((await house.sandbox('KAYLE').objects()).sessions ?? {}).length === 1, {
    timeout: 4_000,
  })
  at += 30_000
  await house.services.recovery.run()
  at += 130_000
  await house.services.recovery.run()

  const { data } = await first
  const after = (await house.ask(LIST)).data
  expect(after.sessions.totalCount).toBe(1)
  expect(after.operation).toMatchObject({ state: 'SUCCEEDED', session: { id: data.createSession.session.id } })
  expect(data.createSession.session.access.hostedUrl).toEqual(expect.any(String))
})
