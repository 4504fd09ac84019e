import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { useBrowser } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { follow } from '../harness/clients/subscriber.ts'

const browser = useBrowser()
let app: TestApp

beforeAll(async () => {
  if (CHROMIUM) app = await startApp({ SANDBOX_WEBHOOKS: 'on' })
})

afterAll(() => app?.close())

const FOLLOW = `subscription {
  sessionsUpdated {
    event { __typename source ... on SessionStatusChanged { sessionStatus outcome } ... on WebhookReceived { providerEvent applied } }
    session { status outcome }
  }
}`

const READ = `{
  sessions(first: 1) {
    nodes { status outcome attempts { nodes { status } } timeline { nodes { __typename source } } }
  }
}`

test('a session is created in GraphiQL, completed on its hosted page, and every subscriber receives the result', async () => {
  const stream = await follow(app.url, { query: FOLLOW })
  const { page, close } = await browser.visit()
  await page.route('https://app.example.com/**', route => route.fulfill({ body: 'Thank you.' }))

  await page.goto(app.url)
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
    __typename: 'SessionStatusChanged',
    source: 'WEBHOOK',
    sessionStatus: 'COMPLETED',
    outcome: 'APPROVED',
  })
  await stream.unsubscribe()

  const { nodes } = (await app.execute(READ)).data.sessions
  expect(nodes[0]).toMatchObject({
    status: 'COMPLETED',
    outcome: 'APPROVED',
    attempts: { nodes: [{ status: 'SUCCEEDED' }] },
  })
  expect(nodes[0].timeline.nodes).toContainEqual({ __typename: 'WebhookReceived', source: 'WEBHOOK' })
})
