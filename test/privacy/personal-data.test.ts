import { expect, test } from 'vitest'
import { takeDatabase } from '../harness/app/database.ts'
import { startApp } from '../harness/app/test-app.ts'
import { createCanaries, createPerson, findOpened } from '../harness/canaries.ts'
import { DEV } from '../harness/providers/deliveries.ts'

/** The same on both databases: a key is replaced, then a person erased. */

const [OLD, NEW] = ['d4'.repeat(32), 'e5'.repeat(32)]

test('key rotation and erasure work on the database of this test run', async () => {
  const { url, release } = await takeDatabase()
  const start = (keys: string) => startApp({ DATABASE_URL: url, ENCRYPTION_KEY: keys }, { jobs: false })
  const [canaries, others] = [createCanaries(), createCanaries()]

  const before = await start(OLD)
  const person = await createPerson(before, canaries, `usr_${canaries.mark}`)
  await createPerson(before, others, `usr_${others.mark}`)
  const held = await findOpened(before, canaries)
  expect(held.length).toBeGreaterThan(20)
  await before.close()

  const both = await start(`${NEW},${OLD}`)
  expect(await both.services.keyRotation.rotate(() => {})).toMatchObject({ unreadable: 0, remaining: new Map() })
  expect(await both.services.keyRotation.rotate(() => {})).toMatchObject({ rewritten: 0 })
  await both.close()

  const after = await start(NEW)
  expect((await findOpened(after, canaries)).sort()).toEqual(held.sort())
  const email = canaries.all.get('RapidlyEmail')
  const found = await after.execute(
    `query ($email: String) { customers(first: 5, filter: { email: $email }) { nodes { email } } }`,
    { email },
  )
  expect(found.data.customers.nodes).toEqual([{ email }])
  expect(await after.services.erasure.erase(DEV, person.externalId)).toEqual({
    sessions: 5,
    applicants: 2,
    customers: 2,
    creates: 8,
    deliveries: 1,
  })
  expect(await findOpened(after, canaries)).toEqual([])
  expect((await findOpened(after, others)).length).toBeGreaterThan(20)
  await after.close()
  await release()
})
