import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/** The URL for an end user is passed on unchanged, so every parser must read it alike. */

let development: TestApp
let production: TestApp
let askers: Record<'development' | 'production', Pick<TestApp, 'execute'>>

beforeAll(async () => {
  development = await startApp({}, { jobs: false })
  const env = { NODE_ENV: 'production', DEV_API_KEY: '', SANDBOX_WEBHOOKS: undefined }
  production = await startApp(env, { jobs: false })
  askers = { development, production: await withKey(production) }
})
afterAll(() => Promise.all([development.close(), production.close()]))

const SPOTS = {
  KAYLE: (redirectUrl: string) => ({ kayle: { redirectUrl } }),
  RAPIDLY: (returnUrl: string) => ({
    rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: returnUrl },
  }),
  VERILOCK: (redirectUrl: string) => ({ verilock: { ...SESSION_INPUTS.VERILOCK.verilock, redirectUrl } }),
} as const
type Spot = keyof typeof SPOTS
const PATHS: Record<Spot, string> = {
  KAYLE: 'kayle.redirectUrl',
  RAPIDLY: 'rapidly.redirectUrl',
  VERILOCK: 'verilock.redirectUrl',
}

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on CreateSessionPayload { session { id redirectUrl } }
      ... on InvalidInputError { issues { path message } }
      ... on MutationError { code }
    }
  }
`

async function create(where: 'development' | 'production', session: object) {
  const { data, errors } = await askers[where].execute(CREATE, { input: { idempotencyKey: randomUUID(), session } })
  expect(errors).toEqual([])
  return data.createSession
}

async function expectRefused(where: 'development' | 'production', url: string): Promise<void> {
  for (const spot of Object.keys(SPOTS) as Spot[]) {
    const refused = await create(where, SPOTS[spot](url))
    expect(refused.__typename, `${spot} ${url}`).toBe('InvalidInputError')
    const paths = new Set(refused.issues.map((issue: { path: string[] }) => issue.path.join('.')))
    expect([...paths]).toEqual([`input.session.${PATHS[spot]}`])
    expect(JSON.stringify(refused)).not.toContain('evil')
  }
}

/** URLs that parsers read differently, refused in every URL field. */
const AMBIGUOUS = [
  'https://example.com\\@evil.example/',
  'https://example.com\\.evil.example/',
  'https:\\\\evil.example/',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  '//evil.example/',
  'https://example.com/a\\b',
  'https://exa\tmple.com/',
  'https://example.com/\n',
  'https://example.com/a\rb',
  ' https://example.com/',
  'https://example.com/ ',
  'https://example.com/a b',
  'https://example.com/\u0001',
  'https://example.com/\u007f',
  'https://user:secret@example.com/',
  'https://user@example.com/',
  'https://@example.com/',
  'https://example.com@evil.example/',
  'https://example.com%40evil.example/',
  'https://ex%61mple.com/',
  'https://example.com:/',
  'https://example.com:0443/',
  'https://example.com:99999/',
  'https://example.com./',
  'https://example..com/',
  'https://.example.com/',
  'https://ｅxample.com/',
  'https://müller.example/',
  'https://example。com/',
  'https://xn--a/',
  'https://example.com/a/../b',
  'https://example.com/./',
  'https://example.com/%2e%2e/b',
  'https://example.com/ä',
  'https://example.com/?q=ä',
  'https://example.com/<b>',
  'https://example.com/{a}',
  'https://example.com/?a="b"',
  'https://example.com/?a=%zz',
  'https://example.com/a|b',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://017700000001/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://127.0.0.01/',
  'https://[::ffff:127.0.0.1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::1%25eth0]/',
  'https://localhost./',
  'https://*.example.com/',
  'ftp://example.com/',
  'javascript:alert(1)',
  'data:text/html,evil',
  'https://',
  'example.com',
  '/done',
  '',
  'http://example.com/',
  `https://example.com/${'x'.repeat(2029)}`,
]

/** Hosts that are known only inside a network. */
const PRIVATE = [
  'https://localhost/',
  'https://app.localhost/',
  'https://localhost:8443/done',
  'https://127.0.0.1/',
  'https://127.9.9.9/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://100.64.0.1/',
  'https://100.127.255.254/',
  'https://169.254.169.254/latest/meta-data/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://239.255.255.255/',
  'https://240.0.0.1/',
  'https://255.255.255.255/',
  'https://intranet/',
  'https://db.internal/',
  'https://printer.local/',
  'https://router.home.arpa/',
  'https://a.localdomain/',
]
/** The same as IPv6, which Kayle does not accept anyway. */
const PRIVATE_IPV6 = [
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:7f00:1]/',
  'https://[::7f00:1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[fd12:3456::1]/',
  'https://[ff02::1]/',
  'https://[2001::1]/',
  'https://[2002:7f00:1::1]/',
]

/** On Kayle's verified domain, so that its sandbox accepts them. */
const FINE = [
  'https://example.com',
  'https://example.com/',
  'https://app.example.com/done',
  'https://app.example.com:8443/done',
  'https://app.example.com:443/done',
  'https://App.Example.com/Done',
  'HTTPS://app.example.com/done',
  'https://app.example.com?from=kayle',
  'https://app.example.com/done?a=1&b=%C3%A4&c[]=2&d=http://elsewhere.example/a',
  'https://app.example.com/done#part?x',
  'https://app.example.com/a%2Fb;c=d/~e/(f)!*,',
  'https://xn--mller-kva.example.com/',
  'https://app_1.example.com/',
  `https://example.com/${'x'.repeat(2028)}`,
]

describe('a URL that parsers read differently', () => {
  test.each(AMBIGUOUS)('is refused everywhere, with its path and without repeating it: %s', async url => {
    await expectRefused('development', url)
    await expectRefused('production', url)
  })
})

describe('a host that is not public', () => {
  test.each(PRIVATE)('is refused in production: %s', url => expectRefused('production', url))

  test.each(PRIVATE_IPV6)('is refused in production: %s', url => expectRefused('production', url))

  test.each([...PRIVATE, ...PRIVATE_IPV6].filter(url => !url.includes('[::ffff')))(
    'is accepted in development: %s',
    async url => {
      expect(await create('development', SPOTS.VERILOCK(url))).toMatchObject({ session: { redirectUrl: url } })
    },
  )

  test.each(['http://localhost:3000/done', 'http://127.0.0.1:3000/', 'http://app.localhost/', 'http://[::1]:3000/'])(
    'is accepted over plain HTTP in development on this machine: %s',
    async url => {
      expect(await create('development', SPOTS.VERILOCK(url))).toMatchObject({ session: { redirectUrl: url } })
      await expectRefused('production', url)
    },
  )

  test.each(['http://192.168.1.1/', 'http://intranet/', 'http://[fd12:3456::1]/'])(
    'is refused over plain HTTP on another machine: %s',
    url => expectRefused('development', url),
  )
})

describe('a URL that every parser reads alike', () => {
  test.each(FINE)('is accepted, and sent unchanged: %s', async url => {
    for (const spot of Object.keys(SPOTS) as Spot[]) {
      await development.sandbox(spot).forget()
      expect(await create('development', SPOTS[spot](url)), spot).toMatchObject({ __typename: 'CreateSessionPayload' })
      const [sent] = (await development.sandbox(spot).requests()).filter(({ method }) => method === 'POST')
      const { redirect_url, return_url } = JSON.parse(sent?.body ?? '{}')
      // Kayle's URL has our marker, which the end user does not see.
      const withoutMarker = String(redirect_url ?? return_url).replace(/[?&]sg_ref=\w+/, '')
      expect(withoutMarker, spot).toBe(url)
    }
  })

  test.each([...FINE, 'https://8.8.8.8/', 'https://172.32.0.1/', 'https://100.63.0.1/', 'https://[2606:4700::1111]/'])(
    'is accepted in production: %s',
    async url => {
      // No provider is configured, which is checked after the input.
      expect(await create('production', SPOTS.VERILOCK(url))).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
    },
  )
})
