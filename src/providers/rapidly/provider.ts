import { z } from 'zod'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { ClientDeps, CreateCall, ProviderClient, ProviderRecordRef, ReadCall } from '../contract.ts'
import { toPathSegment } from '../path-segment.ts'
import { customerInput, sessionInput } from './input.ts'
import { toCustomer, toCustomerBody, toSession, toSessionBody } from './mapper.ts'
import { createRecovery, type Read } from './recovery.ts'
import {
  customer,
  customerList,
  customerSession,
  ERROR_LOCATIONS,
  errorBody,
  type Fault,
  UNION_MEMBERS,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.rapidly.tech/api'),
  apiKey: z.string().min(1).optional(),
})
export type Settings = z.infer<typeof settings>

/** Collection paths end in a slash: without it Rapidly redirects, and redirects are not followed. */
export function connect({ settings, upstream, now }: ClientDeps<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  function create<T>(operation: string, path: string, json: object, { callLog }: CreateCall, schema: z.ZodType<T>) {
    return upstream.call({ operation, kind: 'CREATE', method: 'POST', path, headers, json, callLog, schema })
  }

  const read: Read = (operation, path, schema, { signal, callLog }, query) =>
    upstream.call({ operation, kind: 'READ', method: 'GET', path, query, headers, signal, callLog, schema })

  async function getCustomer({ providerId }: ProviderRecordRef, call: ReadCall) {
    return toCustomer(await read('getCustomer', `/customers/${toPathSegment('RAPIDLY', providerId)}`, customer, call))
  }

  async function readUnknownCustomer({ providerId }: ProviderRecordRef, { signal, callLog }: ReadCall, known?: string) {
    const path = `/customers/${toPathSegment('RAPIDLY', providerId)}`
    const { digest, body } = await upstream.callUnlessKnown(
      { operation: 'getCustomer', kind: 'READ', method: 'GET', path, headers, signal, callLog, schema: customer },
      known,
    )
    return { digest, snapshot: body && toCustomer(body) }
  }

  return {
    capabilities: ['CREATE_SESSION', 'CREATE_CUSTOMER', 'GET_CUSTOMER', 'LIST_CUSTOMERS', 'WEBHOOKS', 'RECONCILE'],

    async createSession(sent, call) {
      const input = sessionInput.parse(sent)
      const body = toSessionBody(input, call.customerProviderId)
      return toSession(await create('createSession', '/customer-sessions/', body, call, customerSession), input, now())
    },

    async createCustomer(input, call) {
      const body = toCustomerBody(customerInput.parse(input), call)
      return toCustomer(await create('createCustomer', '/customers/', body, call, customer))
    },

    getCustomer,

    conditionalReads: { customer: readUnknownCustomer },

    /** Newest first. The cursor is the number of the next page, as text. */
    async listCustomers({ limit, cursor, email }, call) {
      const query = { limit, page: cursor, email }
      const { data, meta } = await read('listCustomers', '/customers/', customerList, call, query)
      const { page, pages } = meta ?? {}
      const items = data.map(toCustomer)
      if (!page || !pages || page >= pages) return { items, nextCursor: null }
      return { items, nextCursor: String(page + 1), share: page / pages }
    },

    recovery: createRecovery(read, now),
  }
}

export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  const faults = parsed.data.detail ?? []
  return {
    providerCode: parsed.data.error ?? null,
    issues: readIssues(faults),
    isUnreadableId: faults.some(({ loc: [place] }) => place === 'path'),
  }
}

/**
 * Every member of the body's union reports its own faults, so a path can occur twice. A member that was not meant
 * misses its own id; drop that fault if there are others.
 */
function readIssues(faults: readonly Fault[]): ProviderRejection['issues'] {
  const targets = faults.filter(fault => !(isOfUnion(fault) && fault.type === 'missing'))
  const paths = new Map(
    (targets.length > 0 ? targets : faults).map(fault => [toPath(fault).join('\n'), { path: toPath(fault), ...fault }]),
  )
  return [...paths.values()].map(({ path, type }) => ({
    path,
    message: type === 'missing' ? 'Expected a value: Rapidly requires one.' : 'Expected a value that Rapidly accepts.',
  }))
}

function isOfUnion({ loc }: Fault): boolean {
  return UNION_MEMBERS.some(member => member === loc[1])
}

/** A metadata value is a union too: the element after its key is a type name. */
function toPath(fault: Fault): string[] {
  const path = fault.loc.slice(isOfUnion(fault) ? 2 : ERROR_LOCATIONS.has(fault.loc[0]) ? 1 : 0).map(String)
  return path[0] === 'metadata' ? path.slice(0, 2) : path
}
