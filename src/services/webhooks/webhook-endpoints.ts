import {
  type Delivery,
  type DeliveryState,
  findDelivery,
  findLastReceived,
  listDeliveries,
  listEndpoints,
  removeEndpoint,
  saveEndpoint,
  type WebhookEndpoint,
} from '../../../db/repositories/webhook-repository.ts'
import { notFoundError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Provider } from '../../domain/provider.ts'
import { createWebhookKeyPair, createWebhookSecret } from '../../security/webhook-keys.ts'
import type { ServiceDeps } from '../deps.ts'
import type { RequestScope } from '../request-scope.ts'
import { newEndpointId } from './webhook-inbox.ts'

type TenantCall = Pick<RequestScope, 'tenantId'>

/** The keys of a new endpoint; generated if left out. `id` sets a fixed id. */
export interface NewEndpoint {
  readonly id?: string
  readonly provider: Provider
  readonly secrets?: readonly string[]
  readonly privateKeys?: readonly JsonObject[]
}

/** The values to enter at the provider. Generated secrets are shown only here. */
export interface AddedEndpoint {
  readonly endpoint: WebhookEndpoint
  readonly secret?: string
  readonly publicJwk?: JsonObject
}

/** During a rotation two secrets are valid. */
const LIVE_SECRETS = 2

export type Endpoints = ReturnType<typeof createEndpoints>

/** The endpoints that providers deliver to. */
export function createEndpoints({ db, accounts, now }: ServiceDeps) {
  /** Adds an endpoint for the tenant's account at a provider, or sets the keys of an existing one. */
  async function add({ tenantId }: TenantCall, newEndpoint: NewEndpoint): Promise<AddedEndpoint> {
    const account = await accounts.get(tenantId, newEndpoint.provider)
    const secret = newEndpoint.secrets ? undefined : createWebhookSecret()
    const pair = account.decryptWebhook && !newEndpoint.privateKeys ? await createWebhookKeyPair() : undefined
    const endpoint = {
      id: newEndpoint.id ?? newEndpointId(),
      tenantId,
      accountId: account.id,
      provider: newEndpoint.provider,
      secrets: newEndpoint.secrets ?? (secret ? [secret] : []),
      privateKeys: newEndpoint.privateKeys ?? (pair ? [pair.privateJwk] : []),
      lastReceivedAt: null,
      createdAt: now(),
    }
    await saveEndpoint(db, endpoint)
    return { endpoint, secret, publicJwk: pair?.publicJwk }
  }

  /** Adds a secret; the previous one stays valid. Throws NOT_FOUND. */
  async function rotate(call: TenantCall, id: string, newSecret?: string): Promise<AddedEndpoint> {
    const known = (await list(call)).find(endpoint => endpoint.id === id)
    if (!known) throw notFoundError('webhook endpoint')
    const secret = newSecret ?? createWebhookSecret()
    const endpoint = { ...known, secrets: [secret, ...known.secrets].slice(0, LIVE_SECRETS) }
    await saveEndpoint(db, endpoint)
    return { endpoint, secret: newSecret ? undefined : secret }
  }

  function list({ tenantId }: TenantCall): Promise<WebhookEndpoint[]> {
    return listEndpoints(db, tenantId)
  }

  /** Later deliveries to it get UNKNOWN_ENDPOINT. Throws NOT_FOUND. */
  async function remove({ tenantId }: TenantCall, id: string): Promise<void> {
    if (!(await removeEndpoint(db, tenantId, id, now()))) throw notFoundError('webhook endpoint')
  }

  function deliveries({ tenantId }: TenantCall, limit: number, state?: DeliveryState): Promise<Delivery[]> {
    return listDeliveries(db, tenantId, limit, state)
  }

  /** Throws NOT_FOUND. */
  async function delivery({ tenantId }: TenantCall, id: string): Promise<Delivery> {
    const found = await findDelivery(db, tenantId, id)
    if (!found) throw notFoundError('webhook delivery')
    return found
  }

  /** The time of the last delivery of each provider's account; null if there was none. */
  async function lastReceived({ tenantId }: TenantCall, providers: readonly Provider[]): Promise<(Date | null)[]> {
    const connected = await Promise.all(providers.map(provider => accounts.get(tenantId, provider)))
    const ids = connected.map(account => account.id)
    const found = await findLastReceived(db, ids)
    return ids.map(id => found.get(id) ?? null)
  }

  return { add, rotate, list, remove, deliveries, delivery, lastReceived }
}
