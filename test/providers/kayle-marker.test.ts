import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import type { ProviderClient, UnknownCreate } from '../../src/providers/contract.ts'
import { kayle } from '../../src/providers/kayle/index.ts'
import { sandbox } from '../../src/providers/kayle/sandbox.ts'
import { REGISTERED_REDIRECTS } from '../../src/providers/kayle/sandbox-request.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, type SandboxControl } from '../harness/app/test-app.ts'
import {
  connectToSandbox,
  findSession,
  loseSession,
  type SandboxClient,
  sessionRecovery,
} from '../harness/providers/session-recovery.ts'

const REDIRECT = 'https://app.example.com/done'
const MINUTE = 60_000

let running: RunningSandbox
let control: SandboxControl
let client: ProviderClient
let references = 0
const clients: SandboxClient[] = []

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
  control = controlSandbox(running.origin)
  client = connect()
})
afterAll(async () => {
  await Promise.all(clients.map(each => each.close()))
  await running.close()
})

describe('a Kayle session whose create is of unknown outcome', () => {
  it('is found by its marker, with its link and its attempts but without a cancel token', async () => {
    const unknownCreate = await lose({ redirectUrl: REDIRECT })
    await control.advance({ id: unknownCreate.providerId, to: 'attempt_started' })

    expect(await find(unknownCreate)).toMatchObject({
      found: {
        providerId: unknownCreate.providerId,
        status: 'IN_PROGRESS',
        redirectUrl: REDIRECT,
        access: {
          hostedUrl: `${running.origin}/hosted/${unknownCreate.providerId}`,
          cancelToken: null,
          sdkToken: null,
        },
        attempts: [{ status: 'IN_PROGRESS' }],
      },
    })
  })

  it('is found on any page', async () => {
    const all = []
    for (let made = 0; made < 210; made++) all.push(await lose({ redirectUrl: REDIRECT }))
    // The list is ordered by id.
    const last = all.reduce((a, b) => (a.providerId > b.providerId ? a : b))
    await control.forget()

    expect(await find(last)).toMatchObject({ found: { providerId: last.providerId } })
    expect(await requestedPaths()).toEqual([
      '/v1/sessions',
      '/v1/sessions',
      '/v1/sessions',
      expect.stringContaining('vs_'),
    ])
  })

  it('is absent if no session of that time has its marker', async () => {
    const unknownCreate = await lose({ redirectUrl: REDIRECT })

    expect(await find({ ...unknownCreate, reference: newReference() })).toBe('ABSENT')
    expect(await find({ ...unknownCreate, reference: unknownCreate.reference.slice(0, -1) })).toBe('ABSENT')
    for (const minutes of [-11, 11]) {
      expect(await find({ ...unknownCreate, sentAt: new Date(Date.now() + minutes * MINUTE) })).toBe('ABSENT')
    }
    for (const minutes of [-9, 9]) {
      expect(await find({ ...unknownCreate, sentAt: new Date(Date.now() + minutes * MINUTE) })).toHaveProperty('found')
    }
  })

  it('can be forgotten ten minutes after its expiry, or when the setting says so', () => {
    expect(sessionRecovery(client).safeToForgetAfterMs).toBe(70 * MINUTE)
    expect(sessionRecovery(connect({ giveUpSeconds: '5000' })).safeToForgetAfterMs).toBe(5_000_000)
  })
})

const [PAGE, PART] = REGISTERED_REDIRECTS

describe('a create without a marker', () => {
  it.each([
    ['has no redirect', {}],
    ['has a redirect that leaves no room', { redirectUrl: longRedirect(2048) }],
  ])('%s: reports it in advance, and its session is never guessed', async (_why, input) => {
    const unknownCreate = await lose(input)
    await control.forget()

    expect(unknownCreate.noted).toBe('NO_MARKER')
    expect(await find(unknownCreate)).toBe('UNCERTAIN')
    // A crash between the two would have lost the note.
    expect(await find({ ...unknownCreate, noted: null })).toBe('UNCERTAIN')
    expect(await requestedPaths()).toEqual([])
  })

  it('is made while the setting is off, and stays without one when it is switched on again', async () => {
    const unknownCreate = await lose({ redirectUrl: REDIRECT }, connect({ marker: 'off' }))

    expect((await control.requests()).at(-1)?.body).toBe(JSON.stringify({ redirect_url: REDIRECT }))
    expect(unknownCreate.noted).toBe('NO_MARKER')
    expect(await find(unknownCreate)).toBe('UNCERTAIN')
  })

  it('is not the result of switching the setting off afterwards', async () => {
    const unknownCreate = await lose({ redirectUrl: REDIRECT })

    expect(unknownCreate.noted).toBeNull()
    expect(await find(unknownCreate, connect({ marker: 'off' }))).toMatchObject({
      found: { providerId: unknownCreate.providerId },
    })
  })

  it('is made by a second request if the redirect pattern does not allow the marker, and reports it before it is sent', async () => {
    await control.forget()
    const sentWhenNoted: string[][] = []
    const unknownCreate = await lose({ redirectUrl: PART }, client, async () => {
      sentWhenNoted.push(await redirectsSent())
    })

    const marked = `https://app.example.net/page?sg_ref=${unknownCreate.reference}#end`
    expect(sentWhenNoted).toEqual([[marked]])
    expect(await redirectsSent()).toEqual([marked, PART])
    expect(unknownCreate.noted).toBe('NO_MARKER')
    expect(await find(unknownCreate)).toBe('UNCERTAIN')
  })

  it.each(['', '/other', '?user=1', '?user=1#part', '-as-well'])(
    'is not made if a registered redirect is the prefix: with %s behind it',
    async rest => {
      await control.forget()
      const unknownCreate = await lose({ redirectUrl: `${PAGE}${rest}` })

      expect(await redirectsSent()).toHaveLength(1)
      expect(unknownCreate.noted).toBeNull()
      expect(await find(unknownCreate)).toMatchObject({ found: { providerId: unknownCreate.providerId } })
    },
  )

  it.each([
    'https://example.net/done',
    'https://other.example.net/done',
    'https://app.example.net/don',
    'https://app.example.net:8443/done',
  ])('is refused like any other if the redirect itself is not registered: %s', async redirectUrl => {
    await control.forget()

    await expect(lose({ redirectUrl })).rejects.toMatchObject({
      providerCode: 'REDIRECT_URL_PATTERN_NOT_REGISTERED',
      outcome: 'REFUSED',
    })
    expect(await redirectsSent()).toHaveLength(2)
  })

  it('is not made after another refusal', async () => {
    await control.forget()

    await expect(lose({ redirectUrl: 'https://elsewhere.test/' })).rejects.toMatchObject({ outcome: 'REFUSED' })
    expect(await redirectsSent()).toHaveLength(1)
  })
})

describe('the marker', () => {
  it.each([
    REDIRECT,
    'https://app.example.com/?',
    'https://app.example.com/done?user=1%202&next=a+b',
    'https://app.example.com/done#part?x=1',
    'https://app.example.com/done?user=1#part',
    longRedirect(2048 - `?sg_ref=${newReference()}`.length),
  ])('is in the query of the redirect that is sent, and in no response: %.60s', async redirectUrl => {
    const { reference, providerId, created, noted } = await lose({ redirectUrl })
    const listed = await client.listSessions?.({ limit: 100, createdFrom: new Date(Date.now() - MINUTE) }, {})
    const read = await client.getSession?.({ providerId }, {})

    const sent = new URL((await redirectsSent()).at(-1) ?? '')
    expect([sent.searchParams.getAll('sg_ref').at(-1), sent.hash]).toEqual([reference, new URL(redirectUrl).hash])
    expect(noted).toBeNull()
    expect([created.redirectUrl, read?.redirectUrl]).toEqual([redirectUrl, redirectUrl])
    expect(JSON.stringify([created, read, listed])).not.toContain(reference)
  })
})

function connect(given: Readonly<Record<string, string>> = {}): ProviderClient {
  const connected = connectToSandbox(kayle, running, { ...sandbox.credentials, ...given })
  clients.push(connected)
  return connected.client
}

function lose(input: JsonObject, by = client, note?: () => Promise<void>) {
  return loseSession(by, input, { reference: newReference(), note })
}

function find(unknownCreate: UnknownCreate, by = client) {
  return findSession(by, unknownCreate)
}

function newReference(): string {
  references += 1
  return `sg_${String(references).padStart(32, '0')}`
}

function longRedirect(length: number): string {
  return `${REDIRECT}/`.padEnd(length, 'x')
}

async function requestedPaths(): Promise<string[]> {
  return (await control.requests()).map(({ path }) => path)
}

async function redirectsSent(): Promise<string[]> {
  const posts = (await control.requests()).filter(({ method }) => method === 'POST')
  return posts.map(({ body }) => JSON.parse(body).redirect_url)
}
