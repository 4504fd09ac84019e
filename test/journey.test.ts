import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHROMIUM, useBrowser } from './harness/browser.ts'
import { type House, startHouse } from './harness/house.ts'
import { follow } from './harness/subscriber.ts'

const browser = useBrowser()
let house: House

beforeAll(async () => {
  if (CHROMIUM) house = await startHouse({ SANDBOX_WEBHOOKS: 'on' })
})

afterAll(() => house?.close())

const FOLLOW = `subscription {
  sessionsUpdated {
    event { __typename source ... on StatusChanged { to outcome } ... on WebhookReceived { providerEvent applied } }
    session { status outcome }
  }
}`

const READ = `{
  sessions(first: 1) {
    nodes { status outcome attempts { nodes { status } } timeline { nodes { __typename source } } }
  }
}`

test('a session is created in GraphiQL, done on its hosted page, and everybody who follows it knows', async () => {
  const stream = await follow(house.url, { query: FOLLOW })
  const { page, close } = await browser.visit()
  await page.route('https://app.example.com/**', route => route.fulfill({ body: 'Thank you.' }))

  await page.goto(house.url)
  await page.getByRole('button', { name: /execute query/i }).click()
  const answer = page.locator('.result-window')
  await answer.getByText('hostedUrl').waitFor()
  const shown = await answer.innerText()
  const hostedUrl = /"(http:\/\/localhost:\d+\/hosted\/[^"]+)"/.exec(shown.replace(/\s/g, ''))?.[1] ?? ''

  await page.goto(hostedUrl)
  await page.getByRole('button', { name: 'Succeed' }).click()
  await page.waitForURL('https://app.example.com/**')
  await close()

  const isApproved = () =>
    stream.messages.some(({ data }) => data?.data?.sessionsUpdated.session.outcome === 'APPROVED')
  await expect.poll(isApproved, { timeout: 10_000 }).toBe(true)
  const events = stream.messages.map(({ data }) => data.data.sessionsUpdated.event)
  expect(events).toContainEqual({
    __typename: 'StatusChanged',
    source: 'WEBHOOK',
    to: 'COMPLETED',
    outcome: 'APPROVED',
  })
  await stream.leave()

  const { nodes } = (await house.ask(READ)).data.sessions
  expect(nodes[0]).toMatchObject({
    status: 'COMPLETED',
    outcome: 'APPROVED',
    attempts: { nodes: [{ status: 'SUCCEEDED' }] },
  })
  expect(nodes[0].timeline.nodes).toContainEqual({ __typename: 'WebhookReceived', source: 'WEBHOOK' })
})
