import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { upsertDrift } from '../../db/repositories/drift-repository.ts'
import { packageRoot } from '../../src/app/package.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { KINDS, mutationOf, startWorkload, type Workload } from '../harness/app/load.ts'
import type { Fate } from '../harness/app/server-process.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'
import { DEV, deliver, fromVerilock, signKayle } from '../harness/providers/deliveries.ts'

/** The command line beside a running server on the same database. */

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-cli-'))
let fate: Fate = 'ANSWERED'
let world: Workload
let app: TestApp
let env: Record<string, string>

beforeAll(async () => {
  world = await startWorkload({ fateOf: (_, { method }) => (method === 'POST' ? fate : 'ANSWERED'), delayMs: () => 0 })
  env = {
    ...world.env,
    DATABASE_URL: `sqlite:${join(folder, 'cli.db')}`,
    DEV_API_KEY: API_KEY,
    ENCRYPTION_KEY: '07'.repeat(32),
  }
  app = await startApp(env, { jobs: false })
})
afterAll(async () => {
  await app.close()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

function run(args: readonly string[], stdin = '', more: Record<string, string> = {}): Promise<Ran> {
  const { PATH, HOME } = process.env
  const options = { cwd: packageRoot(), env: { PATH, HOME, ...env, ...more } }
  return new Promise(resolve => {
    const command = [builtFile('cli/main.js'), ...args]
    const child = execFile(process.execPath, command, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
    child.stdin?.end(stdin)
  })
}

/** The audit log entries of the command line about a subject of the tenant. */
async function writtenOf(subject: string): Promise<string[]> {
  const print = app.db.encryption.fingerprint(`audit|dev|${subject}`)
  const entries = await listAudit(app.db, 'dev', 100)
  return entries.filter(it => it.actor === 'cli' && it.subjectHash === print).map(({ action }) => action)
}

/** The JSON output of a command. */
async function json(args: readonly string[], stdin?: string) {
  const { code, stdout, stderr } = await run(['--json', ...args], stdin)
  expect([code, stderr]).toEqual([0, ''])
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  return JSON.parse(stdout) as any[]
}

describe('webhooks', () => {
  test('add creates an endpoint with a secret, and the server accepts deliveries signed with it', async () => {
    const [added] = await json(['webhooks', 'add', 'verilock'])
    expect(added).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{36}$/),
      provider: 'VERILOCK',
      secret: expect.stringMatching(/^whsec_.{32}$/),
      liveSecrets: 1,
    })
    const parcel = fromVerilock(added, { event: 'aml.alert', webhook_id: 'wh_1', data: {} })
    expect(await deliver(app, added, parcel)).toBe(204)
  })

  test('add creates the key pair for Kayle’s encryption, and prints only the public key', async () => {
    const [added] = await json(['webhooks', 'add', 'kayle'])
    expect(added).toMatchObject({ keyId: expect.stringMatching(/^sg-/), publicJwk: { kty: 'RSA', kid: added.keyId } })
    expect(Object.keys(added.publicJwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    const { stdout } = await run(['webhooks', 'add', 'kayle'])
    expect(stdout).toMatch(/^secret +whsec_/m)
    expect(stdout).toMatch(/^publicJwk +\{"kty":"RSA"/m)
  })

  test('add and rotate read a secret from stdin, and do not print it', async () => {
    const [added] = await json(['webhooks', 'add', 'yorlet', '--secret-stdin'], 'the-first-secret\n')
    expect(added.secret).toBeUndefined()
    const { stdout } = await run(['webhooks', 'rotate', added.id, '--secret-stdin'], 'the-second-secret')
    expect(stdout).toContain('liveSecrets     2')
    expect(stdout).not.toContain('-secret')
    const known = (await app.services.webhookEndpoints.list(DEV)).find(({ id }) => id === added.id)
    expect(known?.secrets).toEqual(['the-second-secret', 'the-first-secret'])
  })

  test('rotate creates a secret, and the previous one stays valid', async () => {
    const [added] = await json(['webhooks', 'add', 'verilock'])
    const [rotated] = await json(['webhooks', 'rotate', added.id])
    expect(rotated).toMatchObject({ id: added.id, path: added.path, liveSecrets: 2 })
    expect(rotated.secret).not.toBe(added.secret)
    for (const [index, { secret }] of [added, rotated].entries()) {
      const parcel = fromVerilock({ secret }, { event: 'aml.alert', webhook_id: `wh_rotated_${index}`, data: {} })
      expect(await deliver(app, added, parcel)).toBe(204)
    }
  })

  test('remove deletes the endpoint', async () => {
    const [added] = await json(['webhooks', 'add', 'verilock'])
    expect(await json(['webhooks', 'remove', added.id])).toEqual([{ removed: added.id }])
    const parcel = fromVerilock(added, { event: 'aml.alert', webhook_id: 'wh_2', data: {} })
    expect(await deliver(app, added, parcel)).toBe(404)
    expect(await run(['webhooks', 'remove', added.id])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Webhook endpoint not found\. Check the id\. `sessiongraph webhooks list`/),
    })
  })

  test('list shows endpoints and deliveries, without secrets and payloads', async () => {
    const [added] = await json(['webhooks', 'add', 'verilock'])
    const sent = { event: 'aml.alert', webhook_id: 'wh_listed', data: { note: 'Zaphodius' } }
    await deliver(app, added, fromVerilock(added, sent))
    const rows = await json(['webhooks', 'list', '--limit', '1'])
    expect(rows).toContainEqual(expect.objectContaining({ id: added.id, liveSecrets: 1 }))
    expect(rows).toContainEqual(expect.objectContaining({ endpointId: added.id, key: 'wh_listed', event: 'aml.alert' }))
    for (const text of [JSON.stringify(rows), (await run(['webhooks', 'list'])).stdout]) {
      expect(text).not.toContain(added.secret)
      expect(text).not.toMatch(/whsec_|Zaphodius|"d":/)
    }
  })

  test('replay of a delivery that fails again prints the reason and exits with 1; dismiss ends its quarantine', async () => {
    const [added] = await json(['webhooks', 'add', 'kayle'])
    expect(await deliver(app, added, signKayle('not a JWE', added.secret, new Date()))).toBe(204)
    const [delivery, ...others] = await json(['webhooks', 'list', '--state', 'QUARANTINED'])
    expect([delivery.state, others]).toEqual(['QUARANTINED', []])
    const replayed = await run(['--json', 'webhooks', 'replay', delivery.id])
    expect([replayed.code, JSON.parse(replayed.stdout)]).toEqual([
      1,
      [expect.objectContaining({ state: 'QUARANTINED' })],
    ])
    expect(JSON.parse(replayed.stderr).error).toEqual({
      code: 'REPLAY_FAILED',
      message: expect.stringMatching(/^The delivery was not applied\. The signature is valid, but/),
    })
    expect(await writtenOf(delivery.id)).toEqual(['webhook.replay'])
    const columns = Object.keys(delivery)
    for (const rows of [JSON.parse(replayed.stdout), await json(['webhooks', 'show', delivery.id])])
      expect(Object.keys(rows[0])).toEqual(columns)
    expect(columns).not.toEqual(expect.arrayContaining([expect.stringMatching(/tenantId|accountId/)]))
    expect(await json(['webhooks', 'dismiss', delivery.id, '--note', 'a test'])).toMatchObject([
      { state: 'DISMISSED', note: 'a test' },
    ])
    expect(await run(['webhooks', 'dismiss', delivery.id, '--note', 'again'])).toMatchObject({ code: 1, stdout: '' })
    expect((await writtenOf(delivery.id)).sort()).toEqual(['webhook.dismiss', 'webhook.dismiss', 'webhook.replay'])
    const nothing = randomUUID()
    expect(await run(['webhooks', 'replay', nothing])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Webhook delivery not found\./),
    })
    expect(await writtenOf(nothing)).toEqual([])
  })

  test('does not show another tenant the endpoints of the first one', async () => {
    await app.services.tenants.create({ id: 'another' })
    expect(await run(['--tenant', 'another', 'webhooks', 'list'])).toMatchObject({
      code: 0,
      stdout:
        'No endpoints and no deliveries. Add an endpoint with `sessiongraph webhooks add <provider> --tenant another`.\n',
    })
  })
})

describe('operations', () => {
  /** A create whose response was lost. */
  async function lose(): Promise<string> {
    const kind = KINDS.find(({ name }) => name === 'kayle-session')
    if (!kind) throw new Error('Unknown kind.')
    const key = randomUUID()
    fate = 'LOST'
    await app.execute(mutationOf(kind), { input: { idempotencyKey: key, session: { kayle: {} } } })
    fate = 'ANSWERED'
    return key
  }

  const returnUrl = 'https://app.example.com/back'

  async function losePortal(): Promise<string> {
    const kind = KINDS.find(({ name }) => name === 'rapidly-session')
    if (!kind) throw new Error('Unknown kind.')
    const key = randomUUID()
    fate = 'LOST'
    const session = { rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: returnUrl } }
    await app.execute(mutationOf(kind), { input: { idempotencyKey: key, session } })
    fate = 'ANSWERED'
    return key
  }

  /** Personr cannot be searched for an applicant. */
  async function loseApplicant(): Promise<string> {
    const kind = KINDS.find(({ name }) => name === 'personr-applicant')
    if (!kind) throw new Error('Unknown kind.')
    const key = randomUUID()
    fate = 'LOST'
    const personr = { email: 'trillian@example.com', phone: '+46 70 000 00 02', flowName: 'KYC basic' }
    await app.execute(mutationOf(kind), { input: { idempotencyKey: key, applicant: { personr } } })
    fate = 'ANSWERED'
    return key
  }

  test('list and show print a create of unknown outcome, by id and by key', async () => {
    const key = await lose()
    const row = (await json(['operations', 'list'])).find(({ idempotencyKey }) => idempotencyKey === key)
    expect(row).toMatchObject({ provider: 'KAYLE', state: 'UNKNOWN', sendCount: 1, recordId: null })
    for (const name of [row.id, key]) expect(await json(['operations', 'show', name])).toEqual([row])
    expect(await json(['operations', 'list', '--state', 'FAILED'])).toEqual([])
  })

  test('list says whether an operator has to act, or when the server looks again', async () => {
    const [searched, stuck] = [await lose(), await loseApplicant()]
    const rows = await json(['operations', 'list'])
    const row = (key: string) => rows.find(({ idempotencyKey }) => idempotencyKey === key)
    expect(row(searched)).toMatchObject({ settlesItself: true, nextCheckAt: expect.any(String) })
    expect(row(stuck)).toMatchObject({ settlesItself: false, nextCheckAt: null })
    const { stdout } = await run(['operations', 'list'])
    expect(stdout).toMatch(/^idempotencyKey +kind +provider +state +sentAt +nextCheck +error\n/)
    expect(stdout).toMatch(/ PERSONR +UNKNOWN +20\S+Z +never: settle it /)
    expect(stdout).toMatch(/ KAYLE +UNKNOWN +20\S+Z +20\S+Z /)
    const { id } = row(stuck)
    const apiId = Buffer.from(`Operation:${id}`).toString('base64url')
    expect(await json(['operations', 'show', apiId])).toMatchObject([{ id, settlesItself: false }])
  })

  test('list and show print what to search for at the provider, and settle warns where an empty search is no proof', async () => {
    const key = await losePortal()
    const [row] = await json(['operations', 'show', key])
    const window = { from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/) }
    const warning = expect.stringContaining('proves nothing')
    const traces = [
      { where: 'external_id of its customer', value: 'usr_1337' },
      { where: 'return_url', value: returnUrl },
    ]
    expect(row.searchHints).toEqual({ ...window, traces, warning })
    const listed = (await json(['operations', 'list'])).find(({ idempotencyKey }) => idempotencyKey === key)
    expect(listed.searchHints.traces).toEqual([traces[0], { where: 'return_url', value: null }])

    expect((await run(['operations', 'show', key])).stdout).toContain('external_id of its customer: usr_1337')
    const settled = await run(['operations', 'settle', key, '--absent', '--yes'])
    expect([settled.code, settled.stderr]).toEqual([0, expect.stringMatching(/^Warning: Rapidly does not list/)])
  })

  test('settle records that it was found, and its idempotency key then returns the record', async () => {
    const key = await lose()
    const { sessions = {} } = await world.sandbox('KAYLE').objects()
    const providerId = Object.keys(sessions).at(-1) ?? ''
    const [settled] = await json(['operations', 'settle', key, '--found', providerId])
    expect(settled).toMatchObject({ state: 'SUCCEEDED', recovered: true, recordId: expect.any(String) })
    const again = await run(['operations', 'settle', key, '--absent', '--yes'])
    expect(again.stderr).toContain('Expected a create whose outcome is unknown; this one is SUCCEEDED already.')
    expect([again.code, again.stdout]).toEqual([1, ''])
    expect(again.stderr).toMatch(/^[A-Z].*\.\n$/)
    expect((await writtenOf(settled.id)).sort()).toEqual(['operation.settle.absent', 'operation.settle.found'])
  })

  test('settle records that it does not exist, and its idempotency key can be sent again', async () => {
    const key = await lose()
    const [settled] = await json(['operations', 'settle', key, '--absent', '--yes'])
    expect(settled).toMatchObject({ state: 'FAILED' })
    expect(await writtenOf(settled.id)).toEqual(['operation.settle.absent'])
  })

  test('settle as absent asks, and so does an id that the provider cannot show; without a terminal it needs --yes', async () => {
    const key = await lose()
    const refused = await run(['operations', 'settle', key, '--absent'])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('expected --yes') })
    const questions: string[] = []
    const confirm = async (question: string) => {
      questions.push(question)
      return false
    }
    const declined = await cliOf(env, { confirm }).run(['operations', 'settle', key, '--absent'])
    expect(declined).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was settled.') })
    expect(questions).toEqual([expect.stringMatching(/^Was nothing created at KAYLE for /)])
    expect(await json(['operations', 'show', key])).toMatchObject([{ state: 'UNKNOWN' }])

    const portal = await losePortal()
    const found = ['operations', 'settle', portal, '--found', randomUUID()]
    expect(await run(found)).toMatchObject({ code: 2, stderr: expect.stringContaining('expected --yes') })
    const [settled] = await json([...found, '--yes'])
    expect(settled).toMatchObject({ state: 'SUCCEEDED' })
    expect(await writtenOf(settled.id)).toEqual(['operation.settle.unchecked'])
  })

  test('settle fails for an id that the provider does not know', async () => {
    const key = await lose()
    const { code, stderr } = await run(['operations', 'settle', key, '--found', `vs_${'0'.repeat(64)}`])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\.\n$/)])
    expect(await json(['operations', 'show', key])).toMatchObject([{ state: 'UNKNOWN' }])
  })
})

describe('providers', () => {
  const kayle = { baseUrl: 'http://localhost:9', apiKey: 'kk_live_the-key-of-a-tenant' }

  beforeAll(async () => void (await app.services.tenants.create({ id: 'acme' })))

  test('set refuses an unknown tenant', async () => {
    expect(await run(['providers', 'set', 'nobody', 'kayle'], JSON.stringify(kayle))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Tenant not found\./),
    })
  })

  test('set reads settings from stdin, as JSON or as lines, and prints no secret', async () => {
    const lines = `KAYLE_API_KEY=${kayle.apiKey}\nbaseUrl = ${kayle.baseUrl}\n`
    for (const stdin of [JSON.stringify(kayle), lines]) {
      const { stdout } = await run(['--json', 'providers', 'set', 'acme', 'kayle'], stdin)
      expect(JSON.parse(stdout)).toMatchObject([
        { provider: 'KAYLE', from: 'STORE', settings: { baseUrl: kayle.baseUrl, apiKey: '••••' } },
      ])
      expect(stdout).not.toContain(kayle.apiKey)
    }
    expect(await json(['providers', 'list', 'acme'])).toMatchObject([
      { provider: 'KAYLE', from: 'STORE' },
      ...PROVIDERS.slice(1).map(() => ({})),
    ])
  })

  test('set prints every problem, without values', async () => {
    const { code, stdout, stderr } = await run(
      ['providers', 'set', 'acme', 'yorlet'],
      'baseUrl=nowhere\nKEY=secret-text',
    )
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^2 inputs are invalid\.\n {2}key: Expected one of .*\n {2}baseUrl: /)
    expect(stderr).not.toMatch(/nowhere|secret-text/)
  })

  test('test prints the problem in one sentence', async () => {
    await run(['providers', 'set', 'acme', 'kayle'], JSON.stringify(kayle))
    expect(await run(['providers', 'test', 'acme', 'kayle'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^KAYLE cannot be reached.*`sessiongraph providers set acme kayle`/),
    })
    const { stdout } = await run(['providers', 'test', 'dev', 'kayle'])
    expect(stdout).toContain('KAYLE is reachable, accepts the credentials and fulfils its contract.')
  })

  test('remove deletes the account', async () => {
    await run(['providers', 'set', 'acme', 'kayle'], JSON.stringify(kayle))
    expect(await json(['providers', 'remove', 'acme', 'kayle'])).toMatchObject([{ removed: expect.any(String) }])
    expect(await run(['providers', 'remove', 'acme', 'kayle'])).toMatchObject({ code: 1 })
  })

  test('set refuses an account that the environment configures, and a sandbox where none runs', async () => {
    expect(await run(['providers', 'set', 'dev', 'kayle'], JSON.stringify(kayle))).toMatchObject({
      code: 1,
      stderr: 'The environment configures KAYLE for the tenant dev. Set it there, or use another tenant.\n',
    })
    expect(await run(['providers', 'set', 'acme', 'kayle', '--sandbox'])).toMatchObject({
      code: 1,
      stderr: 'No sandbox of KAYLE is running here. Start the server in development, without credentials of KAYLE.\n',
    })
  })
})

describe('person erase', () => {
  const create = async (externalId: string) => {
    const input = { idempotencyKey: randomUUID(), externalId, session: { kayle: {} } }
    const { data } = await app.execute(
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }',
      { input },
    )
    expect(data.createSession.__typename).toBe('CreateSessionPayload')
  }
  const countOf = async (externalId: string) => (await json(['person', 'show', externalId])).length

  test('without a terminal and without --yes is refused, and erases nothing', async () => {
    await create('erase-1')
    const before = await countOf('erase-1')
    const refused = await run(['person', 'erase', 'erase-1'])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('expected --yes or --dry-run') })
    const [preview] = await json(['person', 'erase', 'erase-1', '--dry-run'])
    expect(preview).toMatchObject({ sessions: 1, creates: 1, deliveries: 0 })
    expect(await countOf('erase-1')).toBe(before)
  })

  test('of an id about which nothing is stored says so, because it may be misspelt', async () => {
    const nothing = 'Nothing is stored about a user with this external id.'
    expect(await run(['person', 'erase', 'nobody', '--dry-run'])).toMatchObject({ code: 0, stdout: `${nothing}\n` })
    expect(await run(['person', 'erase', 'nobody', '--yes'])).toMatchObject({
      code: 0,
      stdout: `${nothing} Check its spelling. What a provider sends about it later is not stored.\n`,
    })
    expect(await json(['person', 'erase', 'nobody', '--yes'])).toMatchObject([{ sessions: 0, creates: 0 }])
  })

  test('asks in a terminal with what would be erased, and obeys the answer', async () => {
    await create('erase-2')
    const questions: string[] = []
    const answer = (yes: boolean) => ({
      confirm: async (question: string) => {
        questions.push(question)
        return yes
      },
    })
    const refused = await cliOf(env, answer(false)).run(['person', 'erase', 'erase-2'])
    expect(refused).toMatchObject({ code: 1, stderr: 'Nothing was erased.\n' })
    expect(questions).toEqual([
      expect.stringMatching(/^Erase 1 sessions, .*1 creates, 0 deliveries of this user for good\?$/),
    ])
    const erased = await cliOf(env, answer(true)).run(['person', 'erase', 'erase-2', '--json'])
    expect(JSON.parse(erased.stdout)).toMatchObject([{ sessions: 1 }])
    expect((await run(['person', 'show', 'erase-2'])).stdout).toMatch(/^Nothing is stored about a user/)
    expect(await json(['person', 'erase', 'erase-2', '--yes'])).toMatchObject([{ sessions: 0 }])
  })
})

describe('text output', () => {
  test('of a table with one long value stays a table, with that value wrapped', async () => {
    const tag = randomUUID().slice(0, 8)
    const key = `${tag}-${'k'.repeat(200)}`
    const input = { idempotencyKey: key, session: { kayle: {} } }
    await app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', {
      input,
    })
    const { stdout } = await run(['operations', 'list', '--state', 'SUCCEEDED'])
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^idempotencyKey +kind +provider +state +sentAt/)
    const at = lines.findIndex(line => line.startsWith(tag))
    expect(lines[at]).toMatch(/ CREATE_SESSION +KAYLE +SUCCEEDED +20/)
    expect(lines[at + 1]).toMatch(/^k+$/)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(120)
  })

  test('fits the terminal and a pipe, and an empty list says what is well', async () => {
    for (const columns of [80, 120, undefined]) {
      const { stdout } = await cliOf(env, { columns }).run(['operations', 'list', '--state', 'SUCCEEDED'])
      expect(Math.max(...stdout.split('\n').map(line => line.length))).toBeLessThanOrEqual(columns ?? 120)
    }
    expect((await run(['operations', 'list', '--state', 'PENDING'])).stdout).toBe('No creates in state PENDING.\n')
  })
})

describe('drift list', () => {
  test('shows where responses of the given provider drifted, with the types that came', async () => {
    const times = { firstAt: new Date(0), lastAt: new Date(60_000) }
    const { id: accountId, tenantId } = await app.services.accounts.get('dev', 'KAYLE')
    const stored = {
      tenantId,
      accountId,
      operation: 'getSession',
      grade: 'ABSORBED',
      path: 'data.new',
      shape: 'string',
    }
    await upsertDrift(app.db, { ...stored, ...times, provider: 'KAYLE', count: 2 })
    await upsertDrift(app.db, { ...stored, ...times, provider: 'KAYLE', count: 3 })
    expect(await json(['drift', 'list', '--provider', 'kayle'])).toContainEqual(
      expect.objectContaining({ provider: 'KAYLE', path: 'data.new', shape: 'string', count: 5 }),
    )
    expect(await json(['drift', 'list', '--provider', 'yorlet'])).toEqual([])
  })
})

describe('an invalid command', () => {
  test.each([
    [[], /Usage: sessiongraph/],
    [['webhooks'], /Usage: sessiongraph webhooks/],
    [['webhook'], /unknown command 'webhook'.*Did you mean webhooks/s],
    [['webhooks', 'add'], /missing required argument 'provider'/],
    [['webhooks', 'add', 'acme'], `Expected one of ${PROVIDERS.map(name => name.toLowerCase()).join(', ')}`],
    [['webhooks', 'list', '--limit', 'many'], /Expected a number from 1 to 9999/],
    [['operations', 'list', '--state', 'LOST'], /Allowed choices are/],
    [['operations', 'settle', 'key'], /expected --found <providerId> or --absent/],
    [['operations', 'settle', 'key', '--absent', '--found', 'x'], /cannot be used with/],
  ] as const)('%j exits with 2 and prints what was expected', async (args, output) => {
    const { code, stdout, stderr } = await run(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(output)
  })

  test.each([['--help'], ['webhooks', '--help'], ['operations', 'settle', '--help']])(
    '%s is unknown',
    async (...args) => {
      expect(await run(args)).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage:'), stderr: '' })
    },
  )
})

describe('a command that fails exits with 1', () => {
  test('if the create does not exist', async () => {
    expect(await run(['operations', 'show', 'nothing'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\.\n$/),
    })
  })

  test('if the provider is not configured', async () => {
    const { code, stderr } = await run(['webhooks', 'add', 'kayle'], '', { KAYLE_API_KEY: '' })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^KAYLE is not configured\./)])
  })

  test('if a setting is invalid, without printing it', async () => {
    const { code, stderr } = await run(['webhooks', 'list'], '', { ENCRYPTION_KEY: 'short-key' })
    expect(code).toBe(1)
    expect(stderr).toContain('ENCRYPTION_KEY')
    expect(stderr).not.toContain('short-key')
  })

  test('if a secret is too short', async () => {
    const { code, stderr } = await run(['webhooks', 'add', 'yorlet', '--secret-stdin'], 'short')
    expect([code, stderr]).toEqual([1, 'Expected a secret of at least 8 characters on stdin.\n'])
  })
})
