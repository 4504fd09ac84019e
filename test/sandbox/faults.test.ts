import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Pool, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { sandbox as kayle } from '../../src/providers/kayle/sandbox.ts'
import { sandbox as rapidly } from '../../src/providers/rapidly/sandbox.ts'
import type { FaultRuleInput } from '../../src/sandbox/faults/fault-rule.ts'
import type { SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, type SandboxControl, startApp, type TestApp } from '../harness/app/test-app.ts'
import { codeBlocks, quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

type Fault = FaultRuleInput['fault']

const SESSIONS = '/v1/sessions'

describe('a fault', () => {
  it('latency delays the right response, and executes the request at once', async () => {
    const { create, faults, sessions } = await start()
    await faults([{ fault: { kind: 'latency', ms: 150 } }])
    const began = performance.now()
    const created = create()
    await expect.poll(sessions).toBe(1)
    expect(performance.now() - began).toBeLessThan(140)
    expect((await created).status).toBe(200)
    expect(performance.now() - began).toBeGreaterThan(145)
  })

  it('latency adds to the next matching rule, and to no rule after that', async () => {
    const { faults, list, requests } = await start()
    const late = { fault: { kind: 'latency', ms: 60 } } as const
    await faults([late, late, { fault: { kind: 'status', status: 503 } }, { fault: { kind: 'latency', ms: 5000 } }])
    const began = performance.now()
    expect((await list()).status).toBe(503)
    expect(performance.now() - began).toBeGreaterThan(115)
    expect((await requests())[0]).toMatchObject({ status: 503, faults: ['latency', 'latency', 'status'] })
  })

  it.each([
    [{}, 1],
    [{ processed: true }, 1],
    [{ processed: false }, 0],
  ])('hang never answers; with %o it executed %i create', async (more, made) => {
    const { create, faults, requests, sessions } = await start()
    await faults([{ fault: { kind: 'hang', ...more } }])
    const outcome = await Promise.race([create().catch(() => 'GAVE UP'), sleep(200, 'SILENCE')])
    expect(outcome).toBe('SILENCE')
    expect(await sessions()).toBe(made)
    expect((await requests())[0]).toMatchObject({ method: 'POST', status: null, faults: ['hang'] })
  })

  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('reset %s the request was executed leaves %i session', async (when, made) => {
    const { create, faults, sessions } = await start()
    await faults([{ fault: { kind: 'reset', when } }])
    await expect(create()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await sessions()).toBe(made)
  })

  it('status returns the given status, and executes nothing', async () => {
    const { create, faults, sessions } = await start()
    const json = { error: { code: 'SLOW_DOWN' } }
    await faults([{ times: 1, fault: { kind: 'status', status: 429, retryAfter: 7, json } }])
    const answer = await create()
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '7', 'content-type': 'application/json' } })
    expect(JSON.parse(answer.text)).toEqual(json)
    expect(await sessions()).toBe(0)
  })

  it('status can execute the request that it refuses, as text and with a Retry-After date', async () => {
    const { create, faults, sessions } = await start()
    const retryAfter = 'Wed, 21 Oct 2026 07:28:00 GMT'
    await faults([{ fault: { kind: 'status', status: 500, text: 'oh no', retryAfter, processed: true } }])
    expect(await create()).toMatchObject({ status: 500, text: 'oh no', headers: { 'retry-after': retryAfter } })
    expect(await sessions()).toBe(1)
  })

  it.each([
    [{}, 200, 0],
    [{ status: 502 }, 502, 0],
    [{ processed: true }, 200, 1],
  ])('html with %o is a page with status %i, and %i session', async (more, status, made) => {
    const { create, faults, sessions } = await start()
    await faults([{ fault: { kind: 'html', ...more } }])
    const answer = await create()
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(answer.text).toMatch(/^<!doctype html>/)
    expect(await sessions()).toBe(made)
  })

  it('truncated is valid HTTP around half of the right body', async () => {
    const { faults, list } = await start()
    const right = await list()
    await faults([{ fault: { kind: 'truncated' } }])
    const half = await list()
    expect(half.status).toBe(200)
    expect(half.text).toBe(right.text.slice(0, right.text.length / 2))
    expect(half.headers).toMatchObject({
      'content-length': String(half.text.length),
      'content-type': 'application/json',
    })
    expect(() => JSON.parse(half.text)).toThrow(SyntaxError)
  })

  it('drip sends the right body in pieces with pauses between them', async () => {
    const { faults, list, origin } = await start()
    const right = (await list()).text
    const bytes = Math.ceil(right.length / 4)
    await faults([{ fault: { kind: 'drip', ms: 40, bytes } }])
    const { head, pieces } = await readPieces(origin)
    expect(head).toMatch(new RegExp(`^content-length: ${right.length}\r?$`, 'im'))
    expect(pieces.join('')).toBe(right)
    expect(pieces).toHaveLength(4)
  })

  it('oversized is the right response followed by as many spaces as requested', async () => {
    const { create, faults } = await start()
    await faults([{ fault: { kind: 'oversized', bytes: 3_000_001 } }])
    const answer = await create()
    expect(answer.status).toBe(200)
    expect(answer.text).toHaveLength(3_000_001)
    expect(answer.headers).not.toHaveProperty('content-length')
    expect(JSON.parse(answer.text).data.id).toMatch(/^vs_/)
  })

  it('oversized is never buffered in memory, however slowly it is read', async () => {
    const { faults, origin } = await start()
    await faults([{ fault: { kind: 'oversized', bytes: 1e12 } }])
    const before = process.memoryUsage().rss
    const { body } = await request(`${origin}${SESSIONS}`, authorized)
    let read = 0
    for await (const chunk of body) {
      read += chunk.length
      if (read === chunk.length) await sleep(200)
      if (read > 300e6) break
    }
    expect(read).toBeGreaterThan(300e6)
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6)
  })

  it('redirect sends the client to another URL, and executes nothing', async () => {
    const { create, faults, sessions } = await start()
    await faults([{ fault: { kind: 'redirect', location: 'http://elsewhere.test/v1/sessions?a=b' } }])
    expect(await create()).toMatchObject({
      status: 302,
      headers: { location: 'http://elsewhere.test/v1/sessions?a=b' },
      text: '',
    })
    expect(await sessions()).toBe(0)
  })
})

describe('drift', () => {
  it.each<[string, DriftInput, (right: Listed) => unknown]>([
    ['renames', { change: 'rename', field: 'error' }, ({ error, ...rest }) => ({ ...rest, error_renamed: error })],
    [
      'renames to a given name',
      { change: 'rename', field: 'data.*.id', to: 'ID' },
      right => eachSession(right, ({ id, ...rest }) => ({ ...rest, ID: id })),
    ],
    ['drops', { change: 'drop', field: 'data.*.id' }, right => eachSession(right, ({ id: _, ...rest }) => rest)],
    [
      'drops one item of an array',
      { change: 'drop', field: 'data.0' },
      right => ({ ...right, data: right.data.slice(1) }),
    ],
    ['drops every item', { change: 'drop', field: 'data.*' }, right => ({ ...right, data: [] })],
    [
      'makes a number of a text',
      { change: 'retype', field: 'data.*.status' },
      right => eachSession(right, session => ({ ...session, status: 7 })),
    ],
    ['makes a text of a list', { change: 'retype', field: 'data' }, right => ({ ...right, data: 'of another type' })],
    [
      'retypes to a given value, null included',
      { change: 'retype', field: 'data', to: null },
      right => ({ ...right, data: null }),
    ],
    [
      'replaces an enum value with a new one',
      { change: 'word', field: 'data.*.status', to: 'paused' },
      right => eachSession(right, session => ({ ...session, status: 'paused' })),
    ],
    [
      'replaces an enum value with a given one',
      { change: 'word', field: 'data.*.status' },
      right => eachSession(right, session => ({ ...session, status: 'a_new_word' })),
    ],
  ])('%s', async (_, drift, expected) => {
    const { create, faults, list } = await start()
    await create()
    await create()
    const right = JSON.parse((await list()).text) as Listed
    expect(right.data).toHaveLength(2)
    await faults([{ fault: { kind: 'drift', ...drift } }])
    const { status, text } = await list()
    expect({ status, json: JSON.parse(text) }).toEqual({ status: 200, json: expected(right) })
  })

  it('executes the create and changes its response', async () => {
    const { create, faults, sessions } = await start()
    await faults([{ fault: { kind: 'drift', change: 'drop', field: 'data.id' } }])
    const { data } = JSON.parse((await create()).text)
    expect(data).toHaveProperty('status', 'created')
    expect(data).not.toHaveProperty('id')
    expect(await sessions()).toBe(1)
  })

  it.each<[string, DriftInput]>([
    ['has no such field', { change: 'drop', field: 'session.status' }],
    ['has no enum value there', { change: 'word', field: 'pagination.limit', to: 'many' }],
  ])('leaves a response unchanged that %s, reports the miss, and is not used up', async (_, drift) => {
    const { control, faults, list } = await start()
    const right = await list()
    await faults([{ times: 1, fault: { kind: 'drift', ...drift } }])
    expect((await list()).text).toBe(right.text)
    await list()
    expect(await control('GET')).toMatchObject({ json: { rules: [{ applied: 0, missed: 2 }] } })
  })
})

describe('fault rules', () => {
  const failing = { kind: 'status', status: 503 } as const

  it('are tried in order: the first that matches and is not used up applies', async () => {
    const { faults, list, statuses } = await start()
    await faults([
      { times: 2, fault: { kind: 'status', status: 500 } },
      { method: 'POST', fault: { kind: 'status', status: 501 } },
      { times: 1, fault: { kind: 'status', status: 502 } },
    ])
    await list()
    expect(await statuses(3)).toEqual([500, 502, 200])
  })

  it.each([
    ['/v1/sessions', 503],
    ['/v1/*', 503],
    ['*sessions', 503],
    ['/v1*s', 503],
    ['*', 503],
    ['/v1/session', 200],
    ['/v1/sessions/', 200],
    ['/v1/sessions/*', 200],
    ['/v1.sessions', 200],
    ['/*v1/sessionz', 200],
  ])('with the path %s answer a list with %i', async (path, status) => {
    const { faults, list } = await start()
    await faults([{ path, fault: failing }])
    expect((await list()).status).toBe(status)
  })

  it('match paths below the root of the server, base path included', async () => {
    const { faults, origin } = await start(rapidly)
    await faults([{ path: '/api/customers/', fault: failing }])
    expect((await request(`${origin}/api/customers/`)).statusCode).toBe(503)
    await faults([{ path: '/customers/', fault: failing }])
    expect((await request(`${origin}/api/customers/`)).statusCode).toBe(401)
  })

  it('apply to a share of the calls, the same ones for the same seed', async () => {
    const { faults, statuses } = await start()
    const hits = async (seed?: number) => {
      await faults([{ share: 0.5, fault: failing }], seed)
      return (await statuses(200)).map(status => status === 503)
    }
    const first = await hits()
    expect(first.filter(Boolean).length).toBeGreaterThan(80)
    expect(first.filter(Boolean).length).toBeLessThan(120)
    expect(await hits(1)).toEqual(first)
    expect(await hits(2)).not.toEqual(first)
  })

  it('apply to the same calls whatever other rules match between them', async () => {
    const { create, faults, list } = await start()
    const rules = ['GET', 'POST'].map(method => ({ method, share: 0.5, fault: failing }))
    const hits = async (between: () => Promise<unknown>) => {
      await faults(rules)
      const hit: number[] = []
      for (let call = 0; call < 20; call++) {
        await between()
        hit.push((await list()).status)
      }
      return hit
    }
    expect(await hits(create)).toEqual(await hits(async () => {}))
  })

  it('with a share of 0 apply to no call and with 1 to every call', async () => {
    const { faults, statuses } = await start()
    await faults([
      { share: 0, fault: { kind: 'status', status: 500 } },
      { share: 1, fault: failing },
    ])
    expect(new Set(await statuses(50))).toEqual(new Set([503]))
  })

  it('are listed with how often each was applied', async () => {
    const { control, faults, statuses } = await start()
    await faults(
      [
        { times: 2, fault: failing },
        { method: 'DELETE', fault: { kind: 'hang' } },
      ],
      5,
    )
    await statuses(3)
    expect(await control('GET')).toEqual({
      status: 200,
      json: {
        seed: 5,
        rules: [
          { share: 1, times: 2, fault: { ...failing, processed: false }, applied: 2, missed: 0 },
          { method: 'DELETE', share: 1, fault: { kind: 'hang', processed: true }, applied: 0, missed: 0 },
        ],
      },
    })
  })

  it('replace the previous rules, counts included', async () => {
    const { control, faults, statuses } = await start()
    await faults([{ times: 1, fault: failing }])
    await statuses(1)
    await faults([{ times: 1, fault: failing }])
    expect(await statuses(2)).toEqual([503, 200])
    expect(await control('DELETE')).toEqual({ status: 200, json: { cleared: 1 } })
    expect(await control('GET')).toMatchObject({ json: { rules: [] } })
  })

  it('are removed by a clear', async () => {
    const { clearFaults, faults, statuses } = await start()
    await faults([{ fault: failing }])
    expect(await statuses(1)).toEqual([503])
    await clearFaults()
    expect(await statuses(1)).toEqual([200])
  })

  it('never apply to the control routes', async () => {
    const { faults, objects, origin } = await start()
    await faults([
      { path: '*', fault: { kind: 'reset', when: 'before' } },
      { path: '/_sandbox/*', fault: failing },
    ])
    expect(await objects()).toHaveProperty('keys')
    expect((await request(`${origin}/_sandbox/faults`)).statusCode).toBe(200)
  })

  it('do not appear in the log of a call that none of them matched', async () => {
    const { faults, list, requests } = await start()
    await faults([{ method: 'POST', fault: failing }])
    await list()
    expect((await requests())[0]).not.toHaveProperty('faults')
  })

  it.each<[string, unknown, readonly string[]]>([
    ['nothing', {}, ['rules']],
    ['an unknown kind', { rules: [{ fault: { kind: 'fire' } }] }, ['rules[0].fault.kind']],
    [
      'several mistakes',
      {
        seed: 'x',
        rules: [
          { fault: { kind: 'hang' }, share: 2 },
          { path: 'v1', times: 0, fault: { kind: 'drip' } },
        ],
      },
      ['seed', 'rules[0].share', 'rules[1].path', 'rules[1].times', 'rules[1].fault.ms', 'rules[1].fault.bytes'],
    ],
    ['a misspelt option', { rules: [{ fault: { kind: 'hang', proccessed: false } }] }, ['proccessed']],
    ['a misspelt condition', { rules: [{ pathh: '/v1', fault: { kind: 'hang' } }] }, ['pathh']],
    ['a method in small letters', { rules: [{ method: 'get', fault: { kind: 'hang' } }] }, ['rules[0].method']],
    [
      'a header in a header',
      { rules: [{ fault: { kind: 'redirect', location: 'http://a\r\nb: c' } }] },
      ['rules[0].fault.location'],
    ],
    ['a status that ends no call', { rules: [{ fault: { kind: 'status', status: 100 } }] }, ['rules[0].fault.status']],
    ['a wait beyond all timers', { rules: [{ fault: { kind: 'latency', ms: 2 ** 31 } }] }, ['rules[0].fault.ms']],
    [
      'one new name for all',
      { rules: [{ fault: { kind: 'drift', change: 'rename', field: 'a.*' } }] },
      ['rules[0].fault.field'],
    ],
    ['an empty field', { rules: [{ fault: { kind: 'drift', change: 'drop', field: 'a..b' } }] }, ['fault.field']],
  ])('are refused with every issue: %s', async (_, body, issues) => {
    const { control, faults } = await start()
    await faults([{ fault: failing }])
    const { status, json } = await control('POST', body)
    expect(status).toBe(400)
    for (const issue of issues) expect((json as { error: string }).error).toContain(issue)
    // A refused request changes nothing.
    expect(await control('GET')).toMatchObject({ json: { rules: [{ fault: failing }] } })
  })
})

describe('a sandbox that closes', () => {
  const lasting: readonly Fault[] = [
    { kind: 'hang' },
    { kind: 'latency', ms: 3_600_000 },
    { kind: 'drip', ms: 3_600_000, bytes: 1 },
    { kind: 'oversized', bytes: 1e12 },
  ]

  it.each(lasting)('ends a $kind', async fault => {
    const { close, create, faults, requests } = await start()
    await faults([{ fault }])
    const outcome = create().catch((error: unknown) => error)
    await expect.poll(async () => (await requests()).length).toBe(1)
    await close()
    expect(await outcome).toBeInstanceOf(Error)
  })

  it('leaves nothing that keeps its process alive', async () => {
    const program = `
      import { sandbox } from './src/providers/kayle/sandbox.ts'
      import { startSandbox } from './src/sandbox/server.ts'
      for (const fault of ${JSON.stringify(lasting)}) {
        const { close, origin } = await startSandbox(sandbox, { port: 0 })
        await fetch(origin + '/_sandbox/faults', { method: 'POST', body: JSON.stringify({ rules: [{ fault }] }) })
        const call = fetch(origin + '/v1/sessions').then(answer => answer.text()).catch(() => console.log('ended'))
        await new Promise(resolve => setTimeout(resolve, 100))
        await close()
        await call
      }`
    const node = ['--import', 'tsx', '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: packageRoot(), timeout: 10_000 })
    expect(stdout).toBe('ended\n'.repeat(lasting.length))
  })
})

describe('docs/guides/bad-days.md', () => {
  const page = readDoc('docs/guides/bad-days.md')
  const commands = commandsIn(page)
  const promise = /^A create answers `(\w+)`, a read `(\w+)`\.$/m
  const days = page.split(/^### /m).filter(day => promise.test(day))

  it('has every type of fault, each with a valid example', async () => {
    const { control } = await start()
    const shown = tableRows(page).flatMap(([first = '']) => quotedIn(first).filter(text => text.startsWith('{')))
    const faults = shown.map(text => JSON.parse(text) as Fault)
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)))
    expect(await control('POST', { rules: faults.map(fault => ({ fault })) })).toMatchObject({ status: 200 })
  })

  it('shows commands that the sandboxes accept', async () => {
    const app = await startApp()
    onTestFinished(() => app.close())
    expect([commands.length, days.length]).toEqual([9, 5])
    for (const command of commands) {
      const answer = await run(app, command)
      expect(answer.status, command).toBe(200)
    }
  })

  it.each(days.map(day => [day.split('\n')[0], day]))('describes the scenario "%s" correctly', async (_, day) => {
    const app = await startApp({ CREATE_DEADLINE_MS: '400', READ_DEADLINE_MS: '200', RETRY_BUDGET_RATIO: '0' })
    onTestFinished(() => app.close())
    const id = (await createSession(app, 'key-good')).session?.id
    for (const command of commandsIn(day)) await run(app, command)
    const seen = { create: (await createSession(app, 'key-bad')).code, read: await readCode(app, id) }
    const [, onCreate, onRead] = promise.exec(day) ?? []
    expect(seen).toEqual({ create: onCreate, read: onRead })
  })
})

it.each(['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const)('%s accepts faults', async provider => {
  const app = await startApp()
  onTestFinished(() => app.close())
  const { clearFaults, faults, origin } = app.sandbox(provider)
  await faults([{ fault: { kind: 'status', status: 599 } }])
  expect((await request(`${origin}/anything`)).statusCode).toBe(599)
  await clearFaults()
  expect((await request(`${origin}/anything`)).statusCode).toBeLessThan(500)
})

const KINDS: Record<Fault['kind'], true> = {
  drift: true,
  drip: true,
  hang: true,
  html: true,
  latency: true,
  oversized: true,
  redirect: true,
  reset: true,
  status: true,
  truncated: true,
}

interface Listed {
  readonly data: readonly { readonly id: string; readonly status: string }[]
  readonly error: null
}

/** A drift fault without its kind. */
type DriftInput =
  Extract<Fault, { kind: 'drift' }> extends infer D ? (D extends unknown ? Omit<D, 'kind'> : never) : never

function eachSession(listed: Listed, change: (session: Listed['data'][number]) => unknown): unknown {
  return { ...listed, data: listed.data.map(change) }
}

const authorized = { headers: { authorization: `Bearer ${kayle.credentials.apiKey}` } }

interface Plain {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

interface Started extends SandboxControl {
  close(): Promise<void>
  create(): Promise<Plain>
  list(): Promise<Plain>
  /** The statuses of so many list requests in sequence. */
  statuses(times: number): Promise<number[]>
  /** The number of sessions at the provider. */
  sessions(): Promise<number>
  /** `/_sandbox/faults`, whatever it responds. */
  control(method: 'GET' | 'POST' | 'DELETE', body?: unknown): Promise<{ status: number; json: unknown }>
}

/** A sandbox and a client that returns every response unchanged. */
async function start(definition: SandboxDefinition = kayle): Promise<Started> {
  const running = await startSandbox(definition, { port: 0 })
  const pool = new Pool(running.origin, { headersTimeout: 10_000, bodyTimeout: 10_000 })
  onTestFinished(async () => {
    await running.close()
    await pool.destroy()
  })
  const call = async (method: 'GET' | 'POST', body?: string): Promise<Plain> => {
    const headers = { ...authorized.headers, 'content-type': 'application/json' }
    const answer = await pool.request({ path: SESSIONS, method, headers, body })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  const driven = controlSandbox(running.origin)
  return {
    ...driven,
    close: running.close,
    create: () => call('POST', '{}'),
    list: () => call('GET'),
    statuses: async times => {
      const statuses: number[] = []
      for (let sent = 0; sent < times; sent++) statuses.push((await call('GET')).status)
      return statuses
    },
    sessions: async () => Object.keys((await driven.objects()).sessions ?? {}).length,
    control: async (method, body) => {
      const answer = await fetch(`${running.origin}/_sandbox/faults`, { method, body: JSON.stringify(body) })
      return { status: answer.status, json: await answer.json() }
    },
  }
}

/** The raw bytes on a socket: the head, and the body as it arrives. */
async function readPieces(origin: string): Promise<{ head: string; pieces: readonly string[] }> {
  const socket = connect(Number(new URL(origin).port), 'localhost').setEncoding('latin1')
  const { authorization } = authorized.headers
  socket.write(
    `GET ${SESSIONS} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\nconnection: close\r\n\r\n`,
  )
  const chunks: string[] = []
  for await (const chunk of socket) chunks.push(String(chunk))
  const [head = '', ...pieces] = chunks
  return { head, pieces }
}

/** The commands of a page, each with its continuation lines. */
function commandsIn(page: string): string[] {
  return codeBlocks(page, 'sh').flatMap(block => block.split(/\n(?=curl)/))
}

/** Executes what the command line would, at the server's own ports. */
function run(app: TestApp, command: string): Promise<Response> {
  const [, place = '', path = ''] = /localhost:410(\d)(\/_sandbox\/\S+)/.exec(command) ?? []
  const [, method = 'GET'] = /-X (\w+)/.exec(command) ?? []
  const body = /-d '(.*)'/s.exec(command)?.[1]
  return fetch(`${app.sandboxes[Number(place) - 1]?.origin}${path}`, { method, body })
}

async function createSession(app: TestApp, key: string): Promise<{ code: string; session?: { id: string } }> {
  const { data } = await app.execute(`mutation {
    createSession(input: { idempotencyKey: "${key}", session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { id } }
      ... on MutationError { code }
    }
  }`)
  return { code: 'SUCCEEDED', ...data.createSession }
}

async function readCode(app: TestApp, id: string | undefined): Promise<string> {
  const { data } = await app.execute(`{
    session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { sync { lastError { code } stale } }
  }`)
  return data.session.sync.stale ? data.session.sync.lastError.code : 'FRESH'
}
