import { randomUUID } from 'node:crypto'
import { toVariable } from '../../src/config.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import { DEV, deliver, fromVerilock, openDoor } from './deliveries.ts'
import { readDoc } from './docs.ts'
import type { House } from './house.ts'

/** What a page leaves to its reader: names, ids, files, and a tenant. */

/** What stands for something of the reader's own, and what they type instead. */
export const PLACEHOLDERS: readonly [shown: string, typed: (house: House) => string | Promise<string>][] = [
  ["'KAYLE_API_KEY=…'", house => `'${settingsOf(house, 'KAYLE')}'`],
  ['/var/backups/', () => './'],
  ['/backups/', () => './'],
  ['<file>', () => 'another.db'],
  ['> sandbox.env', () => '| tee sandbox.env'],
  ['add <provider>', () => 'add yorlet'],
  ['revoke acme <id>', house => newKey(house).then(id => `revoke acme ${id}`)],
  ['revoke acme 01a1fc51-4540-7679-a16e-870c9ec09ee5', house => newKey(house).then(id => `revoke acme ${id}`)],
  ['<endpoint id>', newEndpoint],
  ['rotate <id>', house => newEndpoint(house).then(id => `rotate ${id}`)],
  ['remove <id>', house => newEndpoint(house).then(id => `remove ${id}`)],
  ['k3XvT0fJq1mWc8sYbR5uZg2e', newEndpoint],
  ['<deliveryId>', newDelivery],
  ['show 01a1fc51-4540-7679-a16e-870c9ec09ee5', house => newDelivery(house).then(id => `show ${id}`)],
  ['replay 01a1fc51-4540-7679-a16e-870c9ec09ee5', house => newDelivery(house).then(id => `replay ${id}`)],
  ['settle 01a1fc51-4540-7679-a16e-870c9ec09ee5', house => loseCreate(house, 'lost').then(() => 'settle lost')],
  ['show signup-1337', house => loseCreate(house, 'signup-1337').then(() => 'show signup-1337')],
  ['vs_1a2b3c', house => loseCreate(house, 'signup-1337')],
  ['vs_…', house => createAt(house)],
]

/** The files that a reader has when a page names them. */
export const FILES: Readonly<Record<string, (house: House) => string>> = {
  'kayle.env': house => settingsOf(house, 'KAYLE'),
  'schema.graphql': () => readDoc('schema/schema.graphql'),
  'secret.txt': () => 'a-secret-of-their-own',
}

const ACME = { tenantId: 'acme' }

/** The tenant of the pages, with the sandboxes as its providers. */
export async function haveAcme({ services }: House): Promise<void> {
  const { tenants, providerSettings } = services
  if ((await providerSettings.list(ACME)).some(({ from }) => from !== null)) return
  if (!(await tenants.list()).some(({ id }) => id === ACME.tenantId)) await tenants.create({ id: ACME.tenantId })
  for (const provider of PROVIDERS) await providerSettings.setSandbox(ACME, provider)
}

function settingsOf({ sandboxes }: House, provider: Provider): string {
  const { settings = {} } = sandboxes.find(each => each.provider === provider) ?? {}
  return Object.entries(settings)
    .map(([name, value]) => `${toVariable(provider, name)}=${value}`)
    .join('\n')
}

async function newKey({ services }: House): Promise<string> {
  return (await services.keys.create(ACME, { name: 'web', scopes: ['sessions:read'] })).apiKey.id
}

async function newEndpoint(house: House): Promise<string> {
  return (await openDoor(house, 'VERILOCK')).id
}

async function newDelivery(house: House): Promise<string> {
  const door = await openDoor(house, 'VERILOCK')
  await deliver(house, door, fromVerilock(door, { event: 'aml.alert', webhook_id: randomUUID(), data: {} }))
  const [delivery] = await house.services.endpoints.deliveries(DEV, 1)
  return delivery?.id ?? ''
}

async function createAt(house: House, key: string = randomUUID()): Promise<string> {
  const input = { idempotencyKey: key, session: { kayle: {} } }
  await house.ask('mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }', { input })
  const { sessions = {} } = await house.sandbox('KAYLE').objects()
  return Object.keys(sessions).at(-1) ?? ''
}

/** A create whose answer is lost. Gives its id at the provider. */
async function loseCreate(house: House, key: string): Promise<string> {
  await house.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
  const providerId = await createAt(house, key)
  await house.sandbox('KAYLE').clearFaults()
  return providerId
}
