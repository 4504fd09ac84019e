import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf, describeProgram } from '../harness/cli.ts'
import { DEV, deliver, signKayle } from '../harness/providers/deliveries.ts'

/** Every command and every action of the console that changes something leaves an audit entry with its object. */

let database: TestDatabase
let app: TestApp
let cli: ReturnType<typeof cliOf>

beforeAll(async () => {
  database = await takeDatabase()
  const env = { DATABASE_URL: database.url, ENCRYPTION_KEY: '0b'.repeat(32), DEV_API_KEY: API_KEY }
  app = await startApp(env, { jobs: false })
  cli = cliOf({ ...env, SANDBOX_PORT: new URL(app.sandbox('KAYLE').origin).port })
})
afterAll(async () => {
  await app.close()
  await database.release()
})

/** The object of an action, such as the id of what it makes. Undefined: no entry has one. */
type Act = () => Promise<string | null>

async function run(...args: readonly string[]) {
  const { code, stdout, stderr } = await cli.run(['--json', ...args])
  expect([code, stderr], args.join(' ')).toEqual([0, ''])
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own rows
  return (JSON.parse(stdout) as any[])[0]
}

const addEndpoint = async () => (await run('webhooks', 'add', 'verilock')).id as string

/** A delivery that cannot be applied. */
async function quarantine(): Promise<string> {
  const added = await run('webhooks', 'add', 'kayle')
  await deliver(app, added, signKayle(`not a JWE ${randomUUID()}`, added.secret, new Date()))
  const deliveries = await app.services.webhookEndpoints.deliveries(DEV, 100)
  return deliveries.find(({ endpointId }) => endpointId === added.id)?.id ?? ''
}

/** A create of unknown outcome. */
async function lose(): Promise<string> {
  const idempotencyKey = randomUUID()
  await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'status', status: 503 } }])
  await app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', {
    input: { idempotencyKey, session: { kayle: {} } },
  })
  await app.sandbox('KAYLE').clearFaults()
  return (await app.services.operations.get(DEV, { idempotencyKey })).id
}

const makeKey = async () => (await run('keys', 'create', 'dev', '--name', 'test', '--scopes', 'all')).id as string

const COMMANDS: Readonly<Record<string, readonly [action: string, act: Act]>> = {
  import: ['records.import', async () => run('import', 'kayle').then(() => 'KAYLE')],
  'keys create': ['key.create', makeKey],
  'keys limit': ['key.limit', withArgument(makeKey, id => ['keys', 'limit', 'dev', id, '6000'])],
  'keys revoke': ['key.revoke', withArgument(makeKey, id => ['keys', 'revoke', 'dev', id])],
  'operations settle': [
    'operation.settle.absent',
    withArgument(lose, id => ['operations', 'settle', id, '--absent', '--yes']),
  ],
  'person erase': ['person.erase', async () => run('person', 'erase', 'usr_1', '--yes').then(() => null)],
  'providers remove': ['provider.remove', async () => run('providers', 'remove', 'dev', 'yorlet').then(() => 'YORLET')],
  'providers set': [
    'provider.set',
    async () => run('providers', 'set', 'dev', 'yorlet', '--sandbox').then(() => 'YORLET'),
  ],
  'providers test': ['provider.check', async () => run('providers', 'test', 'dev', 'kayle').then(() => 'KAYLE')],
  'secrets rotate': ['secrets.rotate', async () => run('secrets', 'rotate').then(() => null)],
  'tenants create': ['tenant.create', async () => run('tenants', 'create', 'acme').then(() => 'acme')],
  'webhooks add': ['webhook.add', addEndpoint],
  'webhooks dismiss': [
    'webhook.dismiss',
    withArgument(quarantine, id => ['webhooks', 'dismiss', id, '--note', 'a test']),
  ],
  'webhooks remove': ['webhook.remove', withArgument(addEndpoint, id => ['webhooks', 'remove', id])],
  'webhooks replay': [
    'webhook.replay',
    async () => {
      const id = await quarantine()
      await cli.run(['webhooks', 'replay', id])
      return id
    },
  ],
  'webhooks rotate': ['webhook.rotate', withArgument(addEndpoint, id => ['webhooks', 'rotate', id])],
}

/** They change nothing of a tenant, or work on the database as a whole. */
const OTHERS = [
  'db backup',
  'db migrate',
  'db status',
  'demo',
  'doctor',
  'drift list',
  'keys list',
  'operations list',
  'operations show',
  'person show',
  'providers list',
  'sandbox',
  'schema check',
  'schema print',
  'serve',
  'tenants list',
  'webhooks list',
  'webhooks show',
]

function withArgument(make: () => Promise<string>, toArgs: (id: string) => readonly string[]): Act {
  return async () => {
    const id = await make()
    await run(...toArgs(id))
    return id
  }
}

function leavesOf(command: Command, path: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(' ')]
  return command.commands.flatMap(each => leavesOf(each, [...path, each.name()]))
}

test('every command is known to change something or nothing', () => {
  const program = describeProgram(() => expect.fail('No command runs.'))
  expect([...Object.keys(COMMANDS), ...OTHERS].toSorted()).toEqual(leavesOf(program).toSorted())
})

// A provider can only be removed after it was set.
const ORDER = Object.keys(COMMANDS).toSorted(
  (one, other) => Number(one.endsWith('remove')) - Number(other.endsWith('remove')),
)

test.each(ORDER)('%s leaves an audit entry with its object', async name => {
  const [action, act] = COMMANDS[name] ?? expect.fail(name)
  const object = await act()
  const tenantId = action === 'tenant.create' ? 'acme' : 'dev'
  const [entry] = (await listAudit(app.db, tenantId, 20)).filter(each => each.action === action)
  expect(entry).toMatchObject({ actor: 'cli', object })
  expect(entry?.subjectHash === null).toBe(['secrets.rotate', 'tenant.create'].includes(action))
})

test('the ids of an erased person’s records leave the audit log', async () => {
  const { data } = await app.execute(
    `mutation { createSession(input: { idempotencyKey: "erased", externalId: "usr_2", session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { id } }
    } }`,
  )
  const [, id = ''] = Buffer.from(data.createSession.session.id, 'base64url').toString().split(':')
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
  const url = `http://localhost/console/api/sessions/${id}/refresh`
  expect((await app.app.fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(200)
  const objects = async () => (await listAudit(app.db, 'dev', 100)).map(({ object }) => object)
  expect(await objects()).toContain(id)
  await run('person', 'erase', 'usr_2', '--yes')
  expect(await objects()).not.toContain(id)
})
