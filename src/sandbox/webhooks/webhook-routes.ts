import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { isLoopbackHost } from '../../domain/input/hosts.ts'
import { withValidatedBody } from '../control.ts'
import type { Route, SandboxResponse } from '../sandbox.ts'
import type { WebhookTarget } from './post-webhook.ts'
import type { WebhookSender } from './webhooks.ts'

const MAX_DELAY_MS = 60_000
const MIN_KEY_BITS = 2048
const delayMs = z.int().min(0).max(MAX_DELAY_MS)

/** Only the public part of the key is stored. */
const publicJwk = z
  .object({ kty: z.literal('RSA'), n: z.string(), e: z.string() })
  .refine(isKey, 'Expected the public JWK of an RSA key of at least 2048 bits.')

const target = z
  .object({
    url: z.string().refine(isLocalUrl, 'Expected an http(s) URL of this machine: localhost, 127.0.0.1 or [::1].'),
    secret: z.string().min(1),
    publicJwk: publicJwk.optional(),
    keyId: z.string().min(1).optional(),
    duplicate: z.int().min(0).max(100).default(0),
    reorder: z.boolean().default(false),
    delayMs: delayMs.default(0),
    retryDelaysMs: z.array(delayMs).max(10).default([500, 2000, 8000, 30_000]),
  })
  .refine(({ publicJwk, keyId }) => (publicJwk === undefined) === (keyId === undefined), {
    error: 'Expected both publicJwk and keyId, or neither.',
  })

/** Sets the webhook target, and lists the deliveries with their attempts. */
export function webhookRoutes(sender: WebhookSender): Route[] {
  const set = (given: WebhookTarget) => {
    sender.target = given
    return show(given)
  }
  const remove = (): SandboxResponse => {
    sender.target = undefined
    return { status: 200, json: {} }
  }
  const path = '/_sandbox/webhooks'
  return [
    { method: 'PUT', path, answer: withValidatedBody(target, set) },
    { method: 'GET', path, answer: () => ({ status: 200, json: sender.target ? show(sender.target) : {} }) },
    { method: 'DELETE', path, answer: remove },
    {
      method: 'GET',
      path: '/_sandbox/deliveries',
      answer: () => ({ status: 200, json: { deliveries: sender.deliveries() } }),
    },
  ]
}

function show(target: WebhookTarget): object {
  return { ...target, secret: '(masked)' }
}

function isLocalUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  return /^https?:$/.test(protocol) && isLoopbackHost(hostname) && username === '' && password === ''
}

function isKey(key: { readonly kty: string; readonly n: string; readonly e: string }): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' })
    return (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_KEY_BITS
  } catch {
    return false
  }
}
