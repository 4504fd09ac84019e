import { afterEach, expect, test, vi } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { until } from '../harness/waiting.ts'

/** A response that arrives after its process lost the lease of the operation. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { rapidly: { customer: { customerExternalId: "usr_1337" } } } }
    ) {
      ... on CreateSessionPayload { replayed session { id providerId access { sdkToken } } }
      ... on MutationError { code }
    }
  }
`
const LIST =
  '{ sessions { totalCount edges { node { id } } } operation(by: { idempotencyKey: "late" }) { state session { id } } }'

let app: TestApp
afterEach(() => app.close())

test('a late response after a successful repeat stores no second record and returns that of the repeat', async () => {
  let at = Date.now()
  app = await startApp({ CREATE_DEADLINE_MS: '8000' }, { jobs: false, now: () => new Date(at) })
  await app.sandbox('RAPIDLY').faults([{ times: 1, fault: { kind: 'latency', ms: 1_500 } }])
  const first = app.execute(CREATE, { key: 'late' })
  await until(async () => (await app.sandbox('RAPIDLY').requests()).length === 1)

  // The process is suspended: its 29 seconds have passed, and the reconciler takes over.
  at += 30_000
  await app.services.createReconciler.run()
  at += 130_000
  await app.services.createReconciler.run()
  const settled = (await app.execute(LIST)).data
  expect(settled.operation).toMatchObject({ state: 'SUCCEEDED', session: { id: expect.any(String) } })

  const { data } = await first
  const after = (await app.execute(LIST)).data
  expect(Object.keys((await app.sandbox('RAPIDLY').objects()).customer_sessions ?? {})).toHaveLength(2)
  expect(after.sessions).toEqual({ totalCount: 1, edges: [{ node: { id: settled.operation.session.id } }] })
  expect(data.createSession.session.id).toBe(settled.operation.session.id)
  expect((await app.execute(CREATE, { key: 'late' })).data.createSession.session.providerId).toBe(
    data.createSession.session.providerId,
  )
})

test('a late response about a record that was found meanwhile adds what only the create reports', async () => {
  let at = Date.now()
  app = await startApp({ CREATE_DEADLINE_MS: '8000' }, { jobs: false, now: () => new Date(at) })
  await app.sandbox('KAYLE').faults([{ method: 'POST', times: 1, fault: { kind: 'latency', ms: 1_500 } }])
  const create = CREATE.replace(
    /session: \{ rapidly.*\} \}/,
    'session: { kayle: { redirectUrl: "https://app.example.com/done" } } }',
  ).replace('sdkToken', 'hostedUrl')
  const first = app.execute(create, { key: 'late' })
  await vi.waitUntil(async () => Object.keys((await app.sandbox('KAYLE').objects()).sessions ?? {}).length === 1, {
    timeout: 4_000,
  })
  at += 30_000
  await app.services.createReconciler.run()
  at += 130_000
  await app.services.createReconciler.run()

  const { data } = await first
  const after = (await app.execute(LIST)).data
  expect(after.sessions.totalCount).toBe(1)
  expect(after.operation).toMatchObject({ state: 'SUCCEEDED', session: { id: data.createSession.session.id } })
  expect(data.createSession.session.access.hostedUrl).toEqual(expect.any(String))
})
