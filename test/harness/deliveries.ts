import { createHmac, randomUUID } from 'node:crypto'
import { CompactEncrypt, importJWK } from 'jose'
import type { House } from './house.ts'

/** Deliveries as each provider signs and writes them. */

export interface Parcel {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Door {
  readonly id: string
  readonly path: string
  readonly secret: string
  readonly publicJwk?: object
}

export const DEV = { tenantId: 'dev' }

/** Opens an address for one provider's deliveries. */
export async function openDoor(
  house: House,
  provider: 'KAYLE' | 'PERSONR' | 'RAPIDLY' | 'VERILOCK' | 'YORLET',
): Promise<Door> {
  const { endpoint, secret, publicJwk } = await house.services.endpoints.add(DEV, { provider })
  const path = `/webhooks/${provider.toLowerCase()}/${endpoint.id}`
  return { id: endpoint.id, path, secret: secret ?? '', publicJwk }
}

export async function deliver(house: House, { path }: Pick<Door, 'path'>, { headers, body }: Parcel): Promise<number> {
  return (await post(house, path, { headers, body })).status
}

export async function post(house: House, path: string, { headers, body }: Parcel): Promise<Response> {
  return house.app.fetch(`http://localhost${path}`, { method: 'POST', headers, body })
}

/** Signs a text as Kayle does. */
export function signKayle(body: string, secret: string, at: Date): Parcel {
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

/** The text that Kayle sends: encrypted for who registered the key. */
export async function encryptKayle(event: KayleEvent, publicJwk: object | undefined): Promise<string> {
  const { type, eventId, sessionId, attemptId, data } = event
  const metadata = {
    contract_version: 1,
    event_id: eventId ?? `evt_${randomUUID()}`,
    verification_session_id: sessionId,
    ...(attemptId && { verification_attempt_id: attemptId }),
  }
  const text = new TextEncoder().encode(JSON.stringify({ type, metadata, data: data ?? {} }))
  const { kid } = publicJwk as { kid: string }
  const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid }
  return new CompactEncrypt(text).setProtectedHeader(header).encrypt(await importJWK(publicJwk ?? {}, 'RSA-OAEP-256'))
}

export async function fromKayle(door: Door, event: KayleEvent, at = new Date()): Promise<Parcel> {
  return signKayle(await encryptKayle(event, door.publicJwk), door.secret, at)
}

export function fromVerilock({ secret }: Pick<Door, 'secret'>, sent: object): Parcel {
  const body = JSON.stringify(sent)
  return { headers: { ...JSON_TYPE, 'x-verilock-signature': hmac(secret, body).toString('hex') }, body }
}

export function fromYorlet({ secret }: Pick<Door, 'secret'>, sent: object): Parcel {
  const body = JSON.stringify(sent)
  return { headers: { ...JSON_TYPE, 'x-yorlet-signature': hmac(secret, body).toString('base64') }, body }
}

export function fromPersonr({ secret }: Pick<Door, 'secret'>, sent: object): Parcel {
  return { headers: { ...JSON_TYPE, authorization: `Bearer ${secret}` }, body: JSON.stringify(sent) }
}

export function fromRapidly(
  { secret }: Pick<Door, 'secret'>,
  sent: object,
  at = new Date(),
  id = randomUUID(),
): Parcel {
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
