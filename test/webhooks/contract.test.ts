import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ProviderModule, RawDelivery, WebhookReadResult } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import type { SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import type { SignedPayload } from '../../src/sandbox/webhooks/post-webhook.ts'
import { mockProvider } from '../harness/providers/mock-provider.ts'

/** The webhook contract of every provider folder: its reader verifies what its sandbox sends. */

const NOW = new Date('2026-11-21T11:30:00Z')
const SECRET = 'the-secret-of-the-tests'
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const KEYS = {
  secrets: [SECRET],
  privateKeys: [{ ...pair.privateKey.export({ format: 'jwk' }), kid: 'key-1' }],
}
const TARGET = {
  url: 'http://localhost:1/',
  secret: SECRET,
  publicJwk: pair.publicKey.export({ format: 'jwk' }) as { kty: 'RSA'; n: string; e: string },
  keyId: 'key-1',
  duplicate: 0,
  reorder: false,
  delayMs: 0,
  retryDelaysMs: [],
}

/** Providers that send a fixed token instead of a signature, which does not depend on the body. */
const SIGNS_NOTHING = ['PERSONR']

const modules = Object.values<ProviderModule>(registry)
const cases = await Promise.all(modules.map(async module => [module.provider, module, await packer(module)] as const))

it.each(cases)(
  '%s has a webhook reader and the capability WEBHOOKS if its sandbox sends webhooks',
  async (_, module, pack) => {
    expect(pack !== undefined).toBe(module.webhook !== undefined)
    const { client } = await mockProvider(module, {}, () => ({ status: 500 }))
    expect(client.capabilities.includes('WEBHOOKS')).toBe(module.webhook !== undefined)
  },
)

describe.each(cases.filter(([, , pack]) => pack))('a delivery of %s', (provider, { webhook }, pack) => {
  const parcel = pack?.(
    { type: 'an.event', subject: 'something', content: 'nothing of theirs' },
    TARGET,
  ) as SignedPayload
  const signed = { headers: parcel.headers(NOW, SECRET), body: Buffer.from(parcel.body) }
  const read = async (
    delivery: RawDelivery,
    secrets = KEYS.secrets,
    now = NOW,
  ): Promise<WebhookReadResult | undefined> => webhook?.(delivery, { ...KEYS, secrets }, now)

  it('that is signed and unparseable is stored, and is not refused as forged', async () => {
    expect(await read(signed)).toBe('UNPARSEABLE')
    expect(await read(signed, ['a-newer-secret', SECRET])).toBe('UNPARSEABLE')
  })

  it('that is signed with another secret, or without a configured one, is forged', async () => {
    for (const secrets of [['another-secret'], [''], []]) expect(await read(signed, secrets)).toBe('INVALID_SIGNATURE')
    expect(await read({ ...signed, headers: parcel.headers(NOW, '') }, [''])).toBe('INVALID_SIGNATURE')
  })

  it('without its signature, or with another, is forged', async () => {
    const names = Object.keys(signed.headers).filter(
      name => parcel.headers(NOW, 'another-secret')[name] !== parcel.headers(NOW, SECRET)[name],
    )
    expect(names).not.toEqual([])
    for (const name of names) {
      for (const value of [undefined, '', 'x', `${signed.headers[name]}x`]) {
        expect(await read({ ...signed, headers: { ...signed.headers, [name]: value } }), name).toBe('INVALID_SIGNATURE')
      }
    }
  })

  if (!SIGNS_NOTHING.includes(provider)) {
    it('whose body was changed is forged', async () => {
      expect(await read({ ...signed, body: Buffer.from(`${parcel.body} `) })).toBe('INVALID_SIGNATURE')
    })
  }

  const later = new Date(NOW.getTime() + 1_000)
  const signsTime = JSON.stringify(parcel.headers(later, SECRET)) !== JSON.stringify(signed.headers)

  if (!signsTime) return

  it('is forged 300 seconds after or before the time that it signs', async () => {
    const at = (seconds: number) => read(signed, KEYS.secrets, new Date(NOW.getTime() + seconds * 1_000))
    expect([await at(299), await at(-299)]).toEqual(['UNPARSEABLE', 'UNPARSEABLE'])
    expect([await at(301), await at(-301)]).toEqual(['INVALID_SIGNATURE', 'INVALID_SIGNATURE'])
  })
})

async function packer(module: ProviderModule): Promise<SandboxDefinition['signWebhook']> {
  return ((await module.sandbox()).sandbox as SandboxDefinition).signWebhook
}
