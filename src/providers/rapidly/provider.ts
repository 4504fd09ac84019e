import { z } from 'zod'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, CreateCall, ProviderClient, ReadCall, RecordRef } from '../contract.ts'
import { customerInput, sessionInput } from './input.ts'
import { toCustomer, toCustomerBody, toSession, toSessionBody } from './mapper.ts'
import { createRecovery, type Read } from './recovery.ts'
import { customer, customerList, customerSession, errorBody, type Fault, PLACES, UNION_MEMBERS } from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.rapidly.tech/api'),
  apiKey: z.string().min(1).optional(),
})
export type Settings = z.infer<typeof settings>

/** Collections end in a slash: without it Rapidly redirects, and redirects are never followed. */
export function connect({ settings, upstream, now }: Connection<Settings>): ProviderClient {
  const headers = { authorization: `Bearer ${settings.apiKey}` }

  function create<T>(operation: string, path: string, json: object, { trail }: CreateCall, schema: z.ZodType<T>) {
    return upstream.call({ operation, kind: 'CREATE', method: 'POST', path, headers, json, trail, schema })
  }

  const read: Read = (operation, path, schema, { signal, trail }, query) =>
    upstream.call({ operation, kind: 'READ', method: 'GET', path, query, headers, signal, trail, schema })

  async function getCustomer({ providerId }: RecordRef, call: ReadCall) {
    return toCustomer(await read('getCustomer', `/customers/${encodeURIComponent(providerId)}`, customer, call))
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

    /** Newest first. The cursor is the number of the next page, as text. */
    async listCustomers({ limit, cursor, email }, call) {
      const query = { limit, page: cursor, email }
      const { data, meta } = await read('listCustomers', '/customers/', customerList, call, query)
      const { page, pages } = meta ?? {}
      const items = data.map(toCustomer)
      if (!page || !pages || page >= pages) return { items, nextCursor: null }
      return { items, nextCursor: String(page + 1), share: page / pages }
    },

    recovery: createRecovery(read, { getCustomer }, now),
  }
}

export function readRefusal(status: number, body: unknown): Refusal | undefined {
  if (status < 400) return undefined
  const parsed = errorBody.safeParse(body)
  if (!parsed.success) return {}
  return { providerCode: parsed.data.error ?? null, issues: readIssues(parsed.data.detail ?? []) }
}

/**
 * Every member of a body's union complains about the same body, so a path can come twice. The member that we did not
 * mean misses its own id: that says nothing beside any other fault.
 */
function readIssues(faults: readonly Fault[]): Refusal['issues'] {
  const meant = faults.filter(fault => !(isOfUnion(fault) && fault.type === 'missing'))
  const paths = new Map(
    (meant.length > 0 ? meant : faults).map(fault => [toPath(fault).join('\n'), { path: toPath(fault), ...fault }]),
  )
  return [...paths.values()].map(({ path, type }) => ({
    path,
    message: type === 'missing' ? 'Rapidly expects a value here.' : 'Rapidly does not accept this value.',
  }))
}

function isOfUnion({ loc }: Fault): boolean {
  return UNION_MEMBERS.some(member => member === loc[1])
}

/** A metadata value is a union too: what follows its key names a type. */
function toPath(fault: Fault): string[] {
  const path = fault.loc.slice(isOfUnion(fault) ? 2 : PLACES.has(fault.loc[0]) ? 1 : 0).map(String)
  return path[0] === 'metadata' ? path.slice(0, 2) : path
}
