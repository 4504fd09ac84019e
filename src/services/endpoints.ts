import {
  type Delivery,
  findDelivery,
  findLastReceived,
  listDeliveries,
  listEndpoints,
  removeEndpoint,
  saveEndpoint,
  type WebhookEndpoint,
} from '../../db/webhook-repository.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Provider } from '../domain/provider.ts'
import { createWebhookKeyPair, createWebhookSecret } from '../security/webhook-keys.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import { newEndpointId } from './inbox.ts'

type TenantCall = Pick<Call, 'tenantId'>

/** What a new endpoint is verified with; what is left out is made. `id` names one that is always the same. */
export interface NewEndpoint {
  readonly id?: string
  readonly provider: Provider
  readonly secrets?: readonly string[]
  readonly privateKeys?: readonly JsonObject[]
}

/** What has to be entered at the provider: what was made is told this once. */
export interface AddedEndpoint {
  readonly endpoint: WebhookEndpoint
  readonly secret?: string
  readonly publicJwk?: JsonObject
}

/** Two secrets may be live while one replaces the other. */
const LIVE_SECRETS = 2

export type Endpoints = ReturnType<typeof createEndpoints>

/** The addresses that providers deliver to. */
export function createEndpoints({ db, accounts, now }: Deps) {
  /** Adds an endpoint for the tenant's account at a provider, or sets the keys of one that is there. */
  async function add({ tenantId }: TenantCall, wanted: NewEndpoint): Promise<AddedEndpoint> {
    const account = await accounts.get(tenantId, wanted.provider)
    const secret = wanted.secrets ? undefined : createWebhookSecret()
    const pair = account.encryptsWebhooks && !wanted.privateKeys ? await createWebhookKeyPair() : undefined
    const endpoint = {
      id: wanted.id ?? newEndpointId(),
      tenantId,
      accountId: account.id,
      provider: wanted.provider,
      secrets: wanted.secrets ?? (secret ? [secret] : []),
      privateKeys: wanted.privateKeys ?? (pair ? [pair.privateJwk] : []),
      lastReceivedAt: null,
      createdAt: now(),
    }
    await saveEndpoint(db, endpoint)
    return { endpoint, secret, publicJwk: pair?.publicJwk }
  }

  /** Makes a secret the first of the live ones; the one before it stays live. Throws NOT_FOUND. */
  async function rotate(call: TenantCall, id: string, given?: string): Promise<AddedEndpoint> {
    const known = (await list(call)).find(endpoint => endpoint.id === id)
    if (!known) throw new NotFoundError('There is no such endpoint.')
    const secret = given ?? createWebhookSecret()
    const endpoint = { ...known, secrets: [secret, ...known.secrets].slice(0, LIVE_SECRETS) }
    await saveEndpoint(db, endpoint)
    return { endpoint, secret: given ? undefined : secret }
  }

  function list({ tenantId }: TenantCall): Promise<WebhookEndpoint[]> {
    return listEndpoints(db, tenantId)
  }

  /** Deliveries to it are unknown from now on. Throws NOT_FOUND. */
  async function remove({ tenantId }: TenantCall, id: string): Promise<void> {
    if (!(await removeEndpoint(db, tenantId, id, now()))) throw new NotFoundError('There is no such endpoint.')
  }

  function deliveries({ tenantId }: TenantCall, limit: number): Promise<Delivery[]> {
    return listDeliveries(db, tenantId, limit)
  }

  /** Throws NOT_FOUND. */
  async function delivery({ tenantId }: TenantCall, id: string): Promise<Delivery> {
    const found = await findDelivery(db, tenantId, id)
    if (!found) throw new NotFoundError('There is no such delivery.')
    return found
  }

  /** When each of these providers' accounts last had a delivery; null where none ever came. */
  async function lastReceived({ tenantId }: TenantCall, providers: readonly Provider[]): Promise<(Date | null)[]> {
    const connected = await Promise.all(providers.map(provider => accounts.get(tenantId, provider)))
    const ids = connected.map(account => account.id)
    const found = await findLastReceived(db, ids)
    return ids.map(id => found.get(id) ?? null)
  }

  return { add, rotate, list, remove, deliveries, delivery, lastReceived }
}
