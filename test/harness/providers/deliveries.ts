import { createHmac, randomUUID } from 'node:crypto'
import { CompactEncrypt, importJWK } from 'jose'
import type { TestApp } from '../app/test-app.ts'

/** Webhook deliveries in the format of each provider, with valid signatures. */

export interface SignedDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface WebhookTarget {
  readonly id: string
  readonly path: string
  readonly secret: string
  readonly publicJwk?: object
}

export const DEV = { tenantId: 'dev' }

/** Creates a webhook endpoint for one provider. */
export async function openEndpoint(
  app: TestApp,
  provider: 'KAYLE' | 'PERSONR' | 'RAPIDLY' | 'VERILOCK' | 'YORLET',
  call = DEV,
): Promise<WebhookTarget> {
  const { endpoint, secret, publicJwk } = await app.services.webhookEndpoints.add(call, { provider })
  const path = `/webhooks/${provider.toLowerCase()}/${endpoint.id}`
  return { id: endpoint.id, path, secret: secret ?? '', publicJwk }
}

export async function deliver(
  app: TestApp,
  { path }: Pick<WebhookTarget, 'path'>,
  { headers, body }: SignedDelivery,
): Promise<number> {
  return (await post(app, path, { headers, body })).status
}

export async function post(app: TestApp, path: string, { headers, body }: SignedDelivery): Promise<Response> {
  return app.app.fetch(`http://localhost${path}`, { method: 'POST', headers, body })
}

/** Signs a text as Kayle does. */
export function signKayle(body: string, secret: string, at: Date): SignedDelivery {
  const seconds = Math.floor(at.getTime() / 1000)
  const headers = {
    'content-type': 'application/jose',
    'x-kayle-delivery-id': `whd_${randomUUID()}`,
    'x-kayle-signature': `t=${seconds},v1=${hmac(secret, `${seconds}.${body}`).toString('hex')}`,
  }
  return { headers, body }
}

export interface KayleEvent {
  readonly type: string
  readonly eventId?: string
  readonly sessionId: string
  readonly attemptId?: string
  readonly data?: object
}

/** The body of a Kayle webhook, encrypted with the registered key. */
export async function encryptKayle(event: KayleEvent, publicJwk: object | undefined): Promise<string> {
  const { type, eventId, sessionId, attemptId, data } = event
  const metadata = {
    contract_version: 1,
    event_id: eventId ?? `evt_${randomUUID()}`,
    verification_session_id: sessionId,
    ...(attemptId && { verification_attempt_id: attemptId }),
  }
  return encryptKayleText(JSON.stringify({ type, metadata, data: data ?? {} }), publicJwk)
}

/** A text encrypted as Kayle encrypts its webhooks. */
export async function encryptKayleText(text: string, publicJwk: object | undefined): Promise<string> {
  const { kid } = publicJwk as { kid: string }
  const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid }
  const encrypting = new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header)
  return encrypting.encrypt(await importJWK(publicJwk ?? {}, 'RSA-OAEP-256'))
}

export async function fromKayle(policy: WebhookTarget, event: KayleEvent, at = new Date()): Promise<SignedDelivery> {
  return signKayle(await encryptKayle(event, policy.publicJwk), policy.secret, at)
}

export function fromVerilock(target: Pick<WebhookTarget, 'secret'>, sent: object): SignedDelivery {
  return signVerilock(target, JSON.stringify(sent))
}

/** Signs a text as Verilock does. */
export function signVerilock({ secret }: Pick<WebhookTarget, 'secret'>, body: string): SignedDelivery {
  return { headers: { ...JSON_TYPE, 'x-verilock-signature': hmac(secret, body).toString('hex') }, body }
}

export function fromYorlet({ secret }: Pick<WebhookTarget, 'secret'>, sent: object): SignedDelivery {
  const body = JSON.stringify(sent)
  return { headers: { ...JSON_TYPE, 'x-yorlet-signature': hmac(secret, body).toString('base64') }, body }
}

export function fromPersonr({ secret }: Pick<WebhookTarget, 'secret'>, sent: object): SignedDelivery {
  return { headers: { ...JSON_TYPE, authorization: `Bearer ${secret}` }, body: JSON.stringify(sent) }
}

export function fromRapidly(
  { secret }: Pick<WebhookTarget, 'secret'>,
  sent: object,
  at = new Date(),
  id = randomUUID(),
): SignedDelivery {
  const body = JSON.stringify(sent)
  const seconds = String(Math.floor(at.getTime() / 1000))
  const signature = `v1,${hmac(secret, `${id}.${seconds}.${body}`).toString('base64')}`
  return {
    headers: { ...JSON_TYPE, 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature },
    body,
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

function hmac(secret: string, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}
