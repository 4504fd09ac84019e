import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createCanaries, createPerson, findIn } from '../harness/canaries.ts'
import { cliOf } from '../harness/cli.ts'
import { DEV } from '../harness/providers/deliveries.ts'

/** `sessiongraph person show` prints all stored data of a person, as a data subject may request. */

const canaries = createCanaries()
const externalId = `usr_${canaries.mark}`
let database: TestDatabase
let app: TestApp
let cli: ReturnType<typeof cliOf>

beforeAll(async () => {
  database = await takeDatabase()
  const env = { DATABASE_URL: database.url, ENCRYPTION_KEY: '0b'.repeat(32) }
  app = await startApp(env, { jobs: false })
  cli = cliOf({ ...env, SANDBOX: 'off' })
  await createPerson(app, canaries, externalId)
  const others = createCanaries()
  await createPerson(app, others, `usr_${others.mark}`)
})
afterAll(async () => {
  await app.close()
  await database.release()
})

const show = () => cli.rows('person', 'show', externalId)

test('person show prints every record of the person at all five providers, and of no other person', async () => {
  const rows = await show()
  const count = (record: string) => rows.filter(row => row.record === record).length
  expect(['session', 'applicant', 'customer', 'create'].map(count)).toEqual([5, 2, 2, 8])
  expect(new Set(rows.flatMap(({ provider }) => provider ?? []))).toHaveLength(5)
  const ofOwner = rows.flatMap(row => row.externalId ?? [])
  expect(new Set(ofOwner)).toEqual(new Set([externalId]))
})

test('person show prints the attempts and the timeline of each session', async () => {
  const rows = await show()
  expect(rows).toContainEqual(expect.objectContaining({ record: 'attempt', provider: 'KAYLE', status: 'SUCCEEDED' }))
  for (const session of rows.filter(({ record }) => record === 'session')) {
    const events = rows.filter(({ sessionId }) => sessionId === session.id).map(({ type }) => type)
    expect(events, session.provider).toContain('SessionCreated')
  }
  const types = rows.filter(({ record }) => record === 'event').map(({ type }) => type)
  expect(types).toContain('WebhookReceived')
})

test('person show --json prints all personal data of the person, and no credentials', async () => {
  const asJson = JSON.stringify(await show())
  const lettingIn = [...canaries.all.keys()].filter(name => /^[A-Z]+ /.test(name))
  expect(lettingIn.length).toBeGreaterThan(4)
  const reported = [...canaries.all.keys()].filter(name => !lettingIn.includes(name))
  expect(findIn(asJson, canaries).sort()).toEqual(reported.sort())
})

test('person show prints a summary without JSON, a table for each type of record with names and addresses', async () => {
  const { stdout } = await cli.run(['person', 'show', externalId])
  expect(stdout).not.toMatch(/[{}]|details|metadata/)
  for (const heading of ['5 sessions', '2 applicants', '2 customers', '8 creates'])
    expect(stdout.split('\n')).toContain(heading)
  expect(stdout).toMatch(/^\d+ events, the latest 10$/m)
  expect(stdout).toMatch(/^provider +providerId +status +outcome +createdAt$/m)
  const [applicant] = (await show()).filter(({ record }) => record === 'applicant')
  expect(stdout.replaceAll(/\s/g, '')).toContain(applicant.email)
  expect(stdout).toMatch(/\nWith --json: all stored data\.\n$/)
})

test('person show prints nothing for an erased person, as for an unknown one', async () => {
  await app.services.erasure.erase(DEV, externalId)
  expect(await show()).toEqual([])
  expect(await cli.rows('person', 'show', 'usr_who_never_was')).toEqual([])
})
