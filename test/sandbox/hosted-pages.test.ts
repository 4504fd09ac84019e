import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { TRIED, type Tried } from '../harness/documents/session-inputs.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ SANDBOX_WEBHOOKS: 'on' })
})
afterAll(() => app.close())

const INPUTS: Readonly<Record<Tried, object>> = {
  KAYLE: {
    kayle: {
      redirectUrl: 'https://app.example.com/done?from=kayle&to=%3Cb%3E',
      shareFields: [{ key: 'date_of_birth', required: true, reason: '<script>alert(1)</script> & "age"' }],
    },
  },
  PERSONR: { personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } } },
  RAPIDLY: {
    rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: 'https://app.example.com/account' },
  },
  VERILOCK: {
    verilock: {
      profileId: '01234567-89ab-cdef-0123-456789abcdef',
      redirectUrl: 'https://app.example.com/done',
    },
  },
  YORLET: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } },
}

const CREATE = `mutation ($key: String!, $session: ProviderSessionInput!) {
  createSession(input: { idempotencyKey: $key, session: $session }) {
    ... on CreateSessionPayload { session { id access { hostedUrl } } }
    ... on MutationError { code message }
  }
}`

let made = 0
async function create(provider: Tried, session = INPUTS[provider]): Promise<{ id: string; url: string }> {
  made += 1
  const variables = { key: `page-${made}`, session }
  const { session: created } = (await app.execute(CREATE, variables)).data.createSession
  return { id: created.id, url: created.access.hostedUrl }
}

/** An applicant without a decision. */
async function newApplicant(): Promise<string> {
  const { data } = await app.execute(`mutation {
    createApplicant(input: { idempotencyKey: "page-applicant", applicant: {
      personr: { email: "ada@example.com", phone: "+44 1", flowName: "KYC basic" }
    } }) { ... on CreateApplicantPayload { applicant { providerId } } }
  }`)
  return data.createApplicant.applicant.providerId
}

interface Form {
  readonly action: string
  readonly fields: URLSearchParams
  readonly label: string
}

/** The forms of a page as a browser without scripts submits them, with the first option of each list. */
function formsIn(page: string, url: string): Form[] {
  return [...page.matchAll(/<form[^>]*?(?:action="([^"]*)")?[^>]*>([\s\S]*?)<\/form>/g)].map(
    ([, action, body = '']) => {
      const inputs = [...body.matchAll(/<(?:input|button)[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)]
      const lists = [
        ...body.matchAll(/<select[^>]*name="([^"]+)"[\s\S]*?<option[^>]*?(?:value="([^"]*)")?[^>]*>([^<]*)/g),
      ]
      const fields = [
        ...inputs.map(([, name = '', value = '']) => [name, value]),
        ...lists.map(([, name = '', value, text = '']) => [name, value ?? text.trim()]),
      ]
      const label = /<button[^>]*>([^<]*)/.exec(body)?.[1]?.trim() ?? ''
      return {
        action: new URL((action ?? '').replaceAll('&amp;', '&') || url, url).href,
        fields: new URLSearchParams(fields),
        label,
      }
    },
  )
}

async function open(url: string) {
  const response = await fetch(url, { redirect: 'manual' })
  return { response, page: await response.text() }
}

async function press(url: string, label: RegExp) {
  const { page } = await open(url)
  const form = formsIn(page, url).find(each => label.test(each.label))
  if (!form) throw new Error(`No button like ${label} in ${formsIn(page, url).map(each => each.label)}`)
  return fetch(form.action, { method: 'POST', body: form.fields, redirect: 'manual' })
}

async function stateOf(id: string) {
  const query = '{ node(id: $id) { ... on Session { status outcome } } }'
  return (await app.execute(`query ($id: ID!) ${query}`, { id })).data.node
}

describe.each(TRIED)('the page of a session at %s', provider => {
  test('is a complete page without scripts that requests nothing from other hosts', async () => {
    const { response, page } = await open((await create(provider)).url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page).toMatch(/<html lang="en"/)
    expect(page).toMatch(/<title>[^<]+<\/title>/)
    expect(page.match(/<h1/g)).toHaveLength(1)
    expect(page).toMatch(/<meta name="viewport"/)
    expect(page).not.toMatch(/<script|javascript:|\son\w+=/)
    expect(page).not.toMatch(/(?:src|url\()\s*=?\s*["']?https?:/)
  })

  test('answers an unknown address with an error page', async () => {
    const url = new URL((await create(provider)).url)
    url.pathname = url.pathname.replace(/[a-zA-Z0-9]{6}(\/portal)?$/, 'zzzzzz$1')
    const { response, page } = await open(url.href)
    expect([403, 404]).toContain(response.status)
    expect(page).toMatch(/<h1/)
  })

  test('offers steps to an end, after which none can be chosen', async () => {
    const { url } = await create(provider)
    const answer = await press(url, /succeed|approve|complete|expire/i)
    expect(answer.status).toBe(303)
    expect(formsIn((await open(url)).page, url).filter(form => /succeed|approve|complete/i.test(form.label))).toEqual(
      [],
    )
  })
})

test('escapes values of callers', async () => {
  const { page } = await open((await create('KAYLE')).url)
  expect(page).toMatch(/(&lt;|&#60;)script(&gt;|&#62;)alert\(1\)/)
  expect(page).not.toContain('<script>alert(1)')
})

test('three failed attempts at Kayle end in a rejection, and the page redirects back', async () => {
  const { id, url } = await create('KAYLE')
  for (let attempt = 0; attempt < 3; attempt += 1) expect((await press(url, /fail/i)).status).toBe(303)
  await expect.poll(() => stateOf(id)).toEqual({ status: 'COMPLETED', outcome: 'REJECTED' })
  expect((await open(url)).page).toContain('https://app.example.com/done')
})

test('a declined step at Verilock is sent by webhook', async () => {
  const { id, url } = await create('VERILOCK')
  await press(url, /decline/i)
  await expect.poll(() => stateOf(id)).toEqual({ status: 'COMPLETED', outcome: 'REJECTED' })
})

test('an approval at Personr is sent by webhook', async () => {
  const { id, url } = await create('PERSONR', { personr: { applicant: { applicantProviderId: await newApplicant() } } })
  await press(url, /approve|succeed/i)
  await expect.poll(() => stateOf(id)).toEqual({ status: 'COMPLETED', outcome: 'APPROVED' })
})

test('a completed application at Yorlet is sent by webhook, though it cannot be read', async () => {
  const { id, url } = await create('YORLET')
  await press(url, /complete|succeed/i)
  await expect.poll(() => stateOf(id)).toEqual({ status: 'COMPLETED', outcome: 'NOT_APPLICABLE' })
})
