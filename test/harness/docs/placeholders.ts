import { randomUUID } from 'node:crypto'
import { envVarName } from '../../../src/app/config.ts'
import { PROVIDERS, type Provider } from '../../../src/domain/provider.ts'
import type { TestApp } from '../app/test-app.ts'
import { DEV, deliver, fromVerilock, openEndpoint, signKayle } from '../providers/deliveries.ts'
import { readDoc } from './docs.ts'

/** Values for the placeholders of a page: names, ids, files, and a tenant. */

/** The placeholders with the reader's values. */
export const PLACEHOLDERS: readonly [shown: string, typed: (app: TestApp) => string | Promise<string>][] = [
  ["'KAYLE_API_KEY=…'", app => `'${settingsOf(app, 'KAYLE')}'`],
  ['/var/backups/', () => './'],
  ['/backups/', () => './'],
  ['<file>', () => 'another.db'],
  ['> sandbox.env', () => '| tee sandbox.env'],
  ['add <provider>', () => 'add yorlet'],
  ['limit acme <id>', app => newKey(app).then(id => `limit acme ${id}`)],
  ['limit acme 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => newKey(app).then(id => `limit acme ${id}`)],
  ['revoke acme <id>', app => newKey(app).then(id => `revoke acme ${id}`)],
  ['revoke acme 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => newKey(app).then(id => `revoke acme ${id}`)],
  ['<endpoint id>', newEndpoint],
  ['rotate <id>', app => newEndpoint(app).then(id => `rotate ${id}`)],
  ['remove <id>', app => newEndpoint(app).then(id => `remove ${id}`)],
  ['k3XvT0fJq1mWc8sYbR5uZg2e', newEndpoint],
  ['dismiss <deliveryId>', app => newQuarantined(app).then(id => `dismiss ${id}`)],
  ['<deliveryId>', newDelivery],
  ['show 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => newDelivery(app).then(id => `show ${id}`)],
  ['replay 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => newDelivery(app).then(id => `replay ${id}`)],
  ['dismiss 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => newQuarantined(app).then(id => `dismiss ${id}`)],
  ['settle 01a1fc51-4540-7679-a16e-870c9ec09ee5', app => loseCreate(app, 'lost').then(() => 'settle lost')],
  ['show <id or key>', app => loseCreate(app, 'signup-1338').then(() => 'show signup-1338')],
  ['show signup-1337', app => loseCreate(app, 'signup-1337').then(() => 'show signup-1337')],
  ['vs_1a2b3c', app => loseCreate(app, 'signup-1337')],
  ['vs_…', app => createAt(app)],
]

/** The files that the pages mention. */
export const FILES: Readonly<Record<string, (app: TestApp) => string>> = {
  'kayle.env': app => settingsOf(app, 'KAYLE'),
  'schema.graphql': () => readDoc('schema/schema.graphql'),
  'secret.txt': () => 'a-secret-of-their-own',
}

const ACME = { tenantId: 'acme' }

/** Creates the tenant of the pages, with the sandboxes as its providers. */
export async function haveAcme({ services }: TestApp): Promise<void> {
  const { tenants, providerSettings } = services
  if ((await providerSettings.list(ACME)).some(({ from }) => from !== null)) return
  if (!(await tenants.list()).some(({ id }) => id === ACME.tenantId)) await tenants.create({ id: ACME.tenantId })
  for (const provider of PROVIDERS) await providerSettings.setSandbox(ACME, provider)
}

function settingsOf({ sandboxes }: TestApp, provider: Provider): string {
  const { settings = {} } = sandboxes.find(each => each.provider === provider) ?? {}
  return Object.entries(settings)
    .map(([name, value]) => `${envVarName(provider, name)}=${value}`)
    .join('\n')
}

async function newKey({ services }: TestApp): Promise<string> {
  return (await services.keys.create(ACME, { name: 'web', scopes: ['sessions:read'] })).apiKey.id
}

async function newEndpoint(app: TestApp): Promise<string> {
  return (await openEndpoint(app, 'VERILOCK')).id
}

async function newDelivery(app: TestApp): Promise<string> {
  const policy = await openEndpoint(app, 'VERILOCK')
  await deliver(app, policy, fromVerilock(policy, { event: 'aml.alert', webhook_id: randomUUID(), data: {} }))
  const [delivery] = await app.services.webhookEndpoints.deliveries(DEV, 1)
  return delivery?.id ?? ''
}

/** A delivery that cannot be read. */
async function newQuarantined(app: TestApp): Promise<string> {
  const policy = await openEndpoint(app, 'KAYLE')
  await deliver(app, policy, signKayle('not a JWE', policy.secret, new Date()))
  const found = await app.services.webhookEndpoints.deliveries(DEV, 10)
  return found.find(({ state }) => state === 'QUARANTINED')?.id ?? ''
}

async function createAt(app: TestApp, key: string = randomUUID()): Promise<string> {
  const input = { idempotencyKey: key, session: { kayle: {} } }
  await app.execute('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', { input })
  const { sessions = {} } = await app.sandbox('KAYLE').objects()
  return Object.keys(sessions).at(-1) ?? ''
}

/** A create with a lost response. Returns its id at the provider. */
async function loseCreate(app: TestApp, key: string): Promise<string> {
  await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
  const providerId = await createAt(app, key)
  await app.sandbox('KAYLE').clearFaults()
  return providerId
}
