import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { useBrowser, VIEWPORTS } from '../harness/clients/browser.ts'
import { CHROMIUM } from '../harness/clients/chromium.ts'
import { faintTexts, namelessControls, overflow } from '../harness/contrast-check.ts'
import { TRIED, type Tried } from '../harness/documents/session-inputs.ts'

/** The hosted pages in a browser: by mouse, by keyboard, on a phone, in dark mode, without scripts. */

const browser = useBrowser()
let app: TestApp

beforeAll(async () => {
  if (CHROMIUM) app = await startApp()
})
afterAll(() => app?.close())

const BACK = 'https://app.example.com/done'
const APPLICANT = '4242424242424x424242424242424242'
const INPUTS: Readonly<Record<Tried, object>> = {
  KAYLE: { kayle: { redirectUrl: BACK } },
  PERSONR: { personr: { applicant: { applicantProviderId: APPLICANT } } },
  RAPIDLY: { rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: BACK } },
  VERILOCK: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', redirectUrl: BACK } },
  YORLET: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } },
}

let made = 0
async function hostedUrl(provider: Tried, session = INPUTS[provider]): Promise<string> {
  made += 1
  const { data } = await app.execute(
    `mutation ($key: String!, $session: ProviderSessionInput!) {
      createSession(input: { idempotencyKey: $key, session: $session }) {
        ... on CreateSessionPayload { session { access { hostedUrl } } }
      }
    }`,
    { key: `browser-${made}`, session },
  )
  return data.createSession.session.access.hostedUrl
}

async function open(url: string, options?: BrowserContextOptions) {
  const visit = await browser.visit(options)
  await visit.page.route(`${BACK}**`, route => route.fulfill({ body: 'Thank you.' }))
  const answer = await visit.page.goto(url)
  return { ...visit, status: answer?.status() }
}

describe.each(VIEWPORTS)('at %s', (_, options) => {
  test.each(TRIED)('the page of %s fits, is legible and requests nothing from other hosts', async provider => {
    const url = await hostedUrl(provider)
    const { page, hosts, close } = await open(url, options)
    expect(await overflow(page)).toBe(0)
    expect(await faintTexts(page)).toEqual([])
    expect(await namelessControls(page)).toEqual([])
    expect([...hosts]).toEqual([new URL(url).host])
    await close()
  })

  test.each([
    ['success', 'Approve'],
    ['failure', 'Decline'],
  ])('its result is legible: %s', async (_, choice) => {
    const { page, close } = await open(await hostedUrl('VERILOCK'), options)
    await page.getByRole('button', { name: choice }).click()
    await page.getByRole('status').waitFor()
    expect(await faintTexts(page)).toEqual([])
    await close()
  })
})

test('the keyboard alone is enough: every control is reached in order, visibly focused, and pressed', async () => {
  const { page, close } = await open(await hostedUrl('KAYLE'))
  const reached: string[] = []
  for (let press = 0; press < 7; press += 1) {
    await page.keyboard.press('Tab')
    reached.push(await page.evaluate('document.activeElement.innerText.split("\\n")[0] || document.activeElement.name'))
    expect(await page.evaluate('getComputedStyle(document.activeElement).outline')).toMatch(/solid [2-9]/)
  }
  expect(reached).toEqual([
    'app.example.com',
    'Succeed',
    'selfie_face_mismatch',
    'Fail this attempt',
    'Start an attempt',
    'Cancel',
    'Expire',
  ])
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  expect(await page.getByRole('status').innerText()).toContain('selfie_face_mismatch')
  await close()
})

test('without scripts it works, fails with the chosen reason, allows another attempt, and redirects back', async () => {
  const { page, close } = await open(await hostedUrl('KAYLE'), { javaScriptEnabled: false })
  await page.getByLabel('Failure code').selectOption('liveness_failed')
  await page.getByRole('button', { name: 'Fail this attempt' }).click()
  expect(await page.getByRole('status').innerText()).toContain('liveness_failed')
  await page.getByRole('button', { name: 'Succeed' }).click()
  expect(await page.getByRole('status').innerText()).toContain('Verified')
  expect(await page.getByRole('link', { name: 'Continue to app.example.com' }).getAttribute('href')).toContain(BACK)
  expect(await page.getByRole('button').count()).toBe(0)
  await page.waitForURL(`${BACK}**`)
  await close()
})

test('the return link is a web address or absent', async () => {
  const { baseUrl } = app.sandboxes.find(({ provider }) => provider === 'VERILOCK') ?? { baseUrl: '' }
  const profile_id = '01234567-89ab-cdef-0123-456789abcdef'
  const answer = await fetch(`${baseUrl}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer qi_test_sandbox' },
    body: JSON.stringify({ profile_id, redirect_url: 'javascript:document.title="taken"' }),
  })
  const { page, close } = await open(((await answer.json()) as { session_url: string }).session_url)
  await page.getByRole('button', { name: 'Approve' }).click()
  expect(await page.getByRole('link').count()).toBe(0)
  expect(await page.locator('meta[http-equiv=refresh]').count()).toBe(0)
  await close()
})

test.each([
  ['a token that is wrong', 'RAPIDLY', /(customer_session_token=)[^&]+/, '$1wrong', 403],
  ['no token', 'RAPIDLY', /customer_session_token=[^&]+/, '', 403],
  ['a cancel token that is wrong', 'KAYLE', /(cancel_token=)[^&]+/, '$1wrong', 403],
  ['an id that is wrong', 'YORLET', /$/, 'x', 404],
] as const)('%s opens a page that reports it', async (_, provider, part, corrupt, expected) => {
  const url = (await hostedUrl(provider)).replace(part, corrupt)
  const { page, status, close } = await open(url)
  expect(status).toBe(expected)
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
  expect(await page.getByRole('button').count()).toBe(0)
  await close()
})

test('without its cancel token the page of Kayle opens, and cannot cancel', async () => {
  const url = new URL(await hostedUrl('KAYLE'))
  url.search = ''
  const { page, close } = await open(url.href)
  expect(await page.getByRole('button', { name: 'Succeed' }).count()).toBe(1)
  expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0)
  expect((await post(url.href, 'to=cancelled')).status).toBe(303)
  await page.reload()
  expect(await page.getByRole('button', { name: 'Succeed' }).count()).toBe(1)
  await close()
})

test('a form of another site changes nothing', async () => {
  const url = await hostedUrl('YORLET')
  const { page, close } = await open(url)
  const body = `<form method="post" action="${url}"><button name="to" value="complete">Win</button></form>`
  await page.route('http://another.test/', route => route.fulfill({ contentType: 'text/html', body }))
  await page.goto('http://another.test/')
  await page.getByRole('button').click()
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('Access denied')
  await page.goto(url)
  expect(await page.getByRole('button', { name: 'Complete' }).count()).toBe(1)
  await close()
})

test('an action that the page does not offer is refused', async () => {
  const url = await hostedUrl('VERILOCK')
  for (const body of ['', 'to=nowhere', 'to=declined', 'to=declined&failureCode=nothing', '{"to":"approved"']) {
    expect((await post(url, body)).status).toBe(303)
  }
  const { page, close } = await open(url)
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(1)
  await close()
})

test('the page of an expired session reports it', async () => {
  const url = await hostedUrl('KAYLE')
  await app.sandbox('KAYLE').moveClock(3601)
  const { page, close } = await open(url)
  expect(await page.getByRole('status').innerText()).toContain('Expired')
  await close()
})

test('Rapidly and Personr mask e-mail addresses', async () => {
  for (const provider of ['RAPIDLY', 'PERSONR', 'YORLET'] as const) {
    const { page, close } = await open(await hostedUrl(provider))
    const text = await page.locator('body').innerText()
    expect(text).toContain('•••@')
    expect(text).not.toMatch(/\w{2,}@/)
    await close()
  }
})

function post(url: string, body: string): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return fetch(url, { method: 'POST', redirect: 'manual', headers, body })
}
