import { z } from 'zod'
import { ProviderNotFoundError, UnsupportedError } from '../../domain/errors.ts'
import type { Capability } from '../../domain/provider.ts'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, CreateCall, ListQuery, ProviderClient, ReadCall } from '../contract.ts'
import { customerInput, sessionInput } from './input.ts'
import { toApplicant, toCustomer, toCustomerBody, toSession, toSessionBody } from './mapper.ts'
import { createRecovery, type ReadCustomers } from './recovery.ts'
import {
  type Applicant,
  anyAnswer,
  applicantList,
  createdSession,
  customer,
  customerList,
  errorBody,
  session,
  sessionList,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.yorlet.com/v1'),
  apiKey: z.string().min(1).optional(),
  /** The account to act for. */
  context: z.string().min(1).optional(),
  /** Reading, listing and cancelling application sessions, which no page of Yorlet's documents. */
  undocumentedReads: z.enum(['on', 'off']).default('off'),
  /** Our marker in a new customer's metadata, which Yorlet documents for an update and not for a create. */
  customerMarker: z.enum(['on', 'off']).default('on'),
  /** Sending a create whose answer never came again with its Idempotency-Key, which Yorlet's older pages document. */
  repeatCreates: z.enum(['on', 'off']).default('on'),
})
export type Settings = z.infer<typeof settings>

const DOCUMENTED: readonly Capability[] = [
  'CREATE_SESSION',
  'GET_APPLICANT',
  'CREATE_CUSTOMER',
  'GET_CUSTOMER',
  'LIST_CUSTOMERS',
  'WEBHOOKS',
  'IDEMPOTENT_CREATE',
]
const UNDOCUMENTED: readonly Capability[] = ['GET_SESSION', 'LIST_SESSIONS', 'CANCEL_SESSION']

export function connect(connection: Connection<Settings>): ProviderClient {
  const api = openApi(connection)
  const { settings } = connection
  const { undocumentedReads, customerMarker, repeatCreates } = settings
  const sessions = { ...sessionCalls(api), ...(undocumentedReads === 'on' && undocumentedCalls(api)) }
  const customers = customerCalls(api, settings)
  return {
    ...sessions,
    ...customers,
    recovery: createRecovery(settings, { ...sessions, ...customers, readCustomers: customerPages(api) }),
    capabilities: [
      ...DOCUMENTED,
      ...(undocumentedReads === 'on' ? UNDOCUMENTED : []),
      ...(customerMarker === 'on' || repeatCreates === 'on' ? (['RECONCILE'] as const) : []),
    ],
  }
}

type Calls = Omit<ProviderClient, 'capabilities'>

function sessionCalls(api: Api): Calls {
  return {
    async createSession(input, call) {
      const body = toSessionBody(sessionInput.parse(input))
      return toSession(await api.create('createSession', '/application_sessions', body, call, createdSession))
    },

    async getApplicant({ providerId, parentProviderId }, call) {
      if (!parentProviderId) {
        throw new UnsupportedError(
          'YORLET',
          'GET_APPLICANT',
          'A Yorlet applicant is reached through its application: parentProviderId is needed.',
        )
      }
      const found = await findApplicant(api, parentProviderId, providerId, call)
      if (!found) {
        throw new ProviderNotFoundError('YORLET', 'YORLET has no such applicant in this application.', {
          operation: 'getApplicant',
        })
      }
      return toApplicant(found, parentProviderId)
    },
  }
}

/** An application has at most ten applicants: more pages than this are a provider's loop. */
const MAX_APPLICANT_PAGES = 10

/** The one applicant in its application's list: no page documents a get of its own. */
async function findApplicant(
  api: Api,
  applicationId: string,
  applicantId: string,
  call: ReadCall,
): Promise<Applicant | undefined> {
  const path = `/applications/${encodeURIComponent(applicationId)}/applicants`
  let cursor: string | undefined
  for (let pages = 0; pages < MAX_APPLICANT_PAGES; pages++) {
    const page = await api.read('getApplicant', path, call, applicantList, { cursor })
    const found = page.data.find(({ id }) => id === applicantId)
    const next = nextCursor(page, cursor)
    if (found || !next) return found
    cursor = next
  }
  return undefined
}

function customerCalls(api: Api, { customerMarker }: Settings) {
  return {
    async createCustomer(input, call) {
      const body = toCustomerBody(customerInput.parse(input), customerMarker === 'on' ? call.reference : undefined)
      return toCustomer(await api.create('createCustomer', '/customers', body, call, customer))
    },

    async getCustomer({ providerId }, call) {
      return toCustomer(await api.read('getCustomer', `/customers/${encodeURIComponent(providerId)}`, call, customer))
    },

    async listCustomers(query, call) {
      const page = await api.read('listCustomers', '/customers', call, customerList, query)
      return { items: page.data.map(toCustomer), nextCursor: nextCursor(page, query.cursor) }
    },
  } satisfies Calls
}

/** The customers as Yorlet sends them: mapped, they show our marker no more. */
function customerPages(api: Api): ReadCustomers {
  return async (query, call) => {
    const page = await api.read('listCustomers', '/customers', call, customerList, query)
    return { items: page.data, nextCursor: nextCursor(page, query.cursor) }
  }
}

function undocumentedCalls(api: Api): Calls {
  return {
    async getSession({ providerId }, call) {
      return toSession(await api.read('getSession', sessionPath(providerId), call, session))
    },

    async listSessions(query, call) {
      const page = await api.read('listSessions', '/application_sessions', call, sessionList, query)
      return { items: page.data.map(toSession), nextCursor: nextCursor(page, query.cursor) }
    },

    async cancelSession({ providerId }, call) {
      await api.cancel('cancelSession', `${sessionPath(providerId)}/cancel`, call)
    },
  }
}

type Api = ReturnType<typeof openApi>

/** The three kinds of request, with their headers. */
function openApi({ settings, upstream }: Connection<Settings>) {
  const headers = {
    authorization: `Bearer ${settings.apiKey}`,
    // The reference names the first of the two, the guides for platforms the second.
    ...(settings.context && { 'yorlet-context': settings.context, 'yorlet-account': settings.context }),
  }
  return {
    create: <T>(operation: string, path: string, json: object, call: CreateCall, schema: z.ZodType<T>) => {
      const keyed = { ...headers, 'idempotency-key': call.idempotencyKey }
      const { trail } = call
      return upstream.call({ operation, kind: 'CREATE', method: 'POST', path, headers: keyed, json, trail, schema })
    },
    read: <T>(operation: string, path: string, call: ReadCall, schema: z.ZodType<T>, list: ListQuery = {}) => {
      const query = { limit: list.limit, starting_after: list.cursor }
      const { signal, trail } = call
      return upstream.call({ operation, kind: 'READ', method: 'GET', path, query, headers, signal, trail, schema })
    },
    cancel: (operation: string, path: string, { signal, trail }: ReadCall) =>
      upstream.call({ operation, kind: 'WRITE', method: 'POST', path, headers, signal, trail, schema: anyAnswer }),
  }
}

/** `{ error: { type, param?, message }, status }`. Only the first two are the provider's to pass on. */
export function readRefusal(status: number, body: unknown): Refusal | undefined {
  if (status < 400) return undefined
  const { type, param } = errorBody.safeParse(body).data?.error ?? {}
  return {
    providerCode: type ?? null,
    issues: param ? [{ path: [param], message: 'Yorlet does not accept this value.' }] : [],
  }
}

function sessionPath(providerId: string): string {
  return `/application_sessions/${encodeURIComponent(providerId)}`
}

interface WirePage {
  readonly data: readonly { readonly id: string }[]
  readonly has_more?: boolean | null
}

/** The last id of a page. A page that ends where the one before did has not moved, so it is the last one. */
function nextCursor({ data, has_more }: WirePage, cursor: string | undefined): string | null {
  const last = data.at(-1)?.id
  return has_more && last && last !== cursor ? last : null
}
