import { z } from 'zod'
import { ProviderNotFoundError, UnsupportedError } from '../../domain/errors.ts'
import type { Capability } from '../../domain/provider.ts'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { ClientDeps, CreateCall, ListQuery, ProviderClient, ProviderRecordRef, ReadCall } from '../contract.ts'
import { toPathSegment } from '../path-segment.ts'
import { customerInput, sessionInput } from './input.ts'
import { toApplicant, toCustomer, toCustomerBody, toSession, toSessionBody } from './mapper.ts'
import { createRecovery, NO_MARKER, type ReadCustomers } from './recovery.ts'
import {
  type Applicant,
  anyResponse,
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
  /** Reading, listing and cancelling application sessions, which Yorlet does not document. */
  undocumentedReads: z.enum(['on', 'off']).default('off'),
  /** Adds our marker to the metadata of a new customer. Yorlet documents metadata for updates, not for creates. */
  customerMarker: z.enum(['on', 'off']).default('on'),
  /** Sends an unknown create again with its Idempotency-Key, which Yorlet's older pages document. */
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

export function connect(connection: ClientDeps<Settings>): ProviderClient {
  const api = openApi(connection)
  const { settings } = connection
  const { undocumentedReads, customerMarker, repeatCreates } = settings
  const sessions = { ...sessionCalls(api), ...(undocumentedReads === 'on' && undocumentedCalls(api)) }
  const customers = customerCalls(api, settings)
  return {
    ...sessions,
    ...customers,
    conditionalReads: {
      applicant: (ref, call, knownDigest) => readUnknownApplicant(api, ref, call, knownDigest),
      customer: (ref, call, knownDigest) => readUnknownCustomer(api, ref, call, knownDigest),
    },
    recovery: createRecovery(settings, {
      ...sessions,
      readCustomer: customerReader(api),
      readCustomers: customerPages(api),
    }),
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
      if (!parentProviderId) throw withoutApplication()
      return readApplicant(api, providerId, parentProviderId, call)
    },
  }
}

/** Most applications have one page of applicants. */
async function readUnknownApplicant(
  api: Api,
  { providerId, parentProviderId }: ProviderRecordRef,
  call: ReadCall,
  knownDigest: string | undefined,
) {
  if (!parentProviderId) throw withoutApplication()
  const page = await api.readUnlessKnown(
    'getApplicant',
    applicantsPath(parentProviderId),
    call,
    applicantList,
    knownDigest,
  )
  if (!page.body) return { digest: page.digest, snapshot: undefined }
  const found = page.body.data.find(({ id }) => id === providerId)
  if (found) return { digest: page.digest, snapshot: toApplicant(found, parentProviderId) }
  return { digest: undefined, snapshot: await readApplicant(api, providerId, parentProviderId, call) }
}

async function readApplicant(api: Api, providerId: string, applicationId: string, call: ReadCall) {
  const found = await findApplicant(api, applicationId, providerId, call)
  if (found) return toApplicant(found, applicationId)
  throw new ProviderNotFoundError('YORLET', 'YORLET has no applicant with this id in this application.', {
    operation: 'getApplicant',
  })
}

function withoutApplication(): UnsupportedError {
  return new UnsupportedError(
    'YORLET',
    'GET_APPLICANT',
    'YORLET reads an applicant through its application: parentProviderId is required.',
  )
}

function applicantsPath(applicationId: string): string {
  return `/applications/${toPathSegment('YORLET', applicationId)}/applicants`
}

/** An application has at most ten applicants, so more pages than this are a pagination loop. */
const MAX_APPLICANT_PAGES = 10

/** Reads the applicant from its application's list: Yorlet documents no single read. */
async function findApplicant(
  api: Api,
  applicationId: string,
  applicantId: string,
  call: ReadCall,
): Promise<Applicant | undefined> {
  const path = applicantsPath(applicationId)
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
      const isMarked = customerMarker === 'on'
      if (!isMarked) await call.note?.(NO_MARKER)
      const body = toCustomerBody(customerInput.parse(input), isMarked ? call.reference : undefined)
      return toCustomer(await api.create('createCustomer', '/customers', body, call, customer))
    },

    getCustomer: async ({ providerId }, call) => toCustomer(await customerReader(api)(providerId, call)),

    async listCustomers(query, call) {
      const page = await api.read('listCustomers', '/customers', call, customerList, query)
      return { items: page.data.map(toCustomer), nextCursor: nextCursor(page, query.cursor) }
    },
  } satisfies Calls
}

function customerReader(api: Api) {
  return (providerId: string, call: ReadCall) =>
    api.read('getCustomer', `/customers/${toPathSegment('YORLET', providerId)}`, call, customer)
}

async function readUnknownCustomer(
  api: Api,
  { providerId }: ProviderRecordRef,
  call: ReadCall,
  knownDigest: string | undefined,
) {
  const path = `/customers/${toPathSegment('YORLET', providerId)}`
  const { digest, body } = await api.readUnlessKnown('getCustomer', path, call, customer, knownDigest)
  return { digest, snapshot: body && toCustomer(body) }
}

/** Raw customers: the mapper removes our marker. */
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
function openApi({ settings, upstream }: ClientDeps<Settings>) {
  const headers = {
    authorization: `Bearer ${settings.apiKey}`,
    // The API reference names the first header, the platform guides the second.
    ...(settings.context && { 'yorlet-context': settings.context, 'yorlet-account': settings.context }),
  }
  return {
    create: <T>(operation: string, path: string, json: object, call: CreateCall, schema: z.ZodType<T>) => {
      const keyed = { ...headers, 'idempotency-key': call.idempotencyKey }
      const { callLog } = call
      return upstream.call({ operation, kind: 'CREATE', method: 'POST', path, headers: keyed, json, callLog, schema })
    },
    read: <T>(operation: string, path: string, call: ReadCall, schema: z.ZodType<T>, list: ListQuery = {}) => {
      const query = { limit: list.limit, starting_after: list.cursor }
      const { signal, callLog } = call
      return upstream.call({ operation, kind: 'READ', method: 'GET', path, query, headers, signal, callLog, schema })
    },
    readUnlessKnown: <T>(
      operation: string,
      path: string,
      { signal, callLog }: ReadCall,
      schema: z.ZodType<T>,
      knownDigest: string | undefined,
    ) =>
      upstream.callUnlessKnown(
        { operation, kind: 'READ', method: 'GET', path, headers, signal, callLog, schema },
        knownDigest,
      ),
    cancel: (operation: string, path: string, { signal, callLog }: ReadCall) =>
      upstream.call({ operation, kind: 'WRITE', method: 'POST', path, headers, signal, callLog, schema: anyResponse }),
  }
}

/** `{ error: { type, param?, message }, status }`. Only `type` and `param` are safe to pass on. */
export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  if (status < 400) return undefined
  const { type, param } = errorBody.safeParse(body).data?.error ?? {}
  return {
    providerCode: type ?? null,
    isUnreadableId: param === 'id',
    issues: param ? [{ path: [param], message: 'Expected a value that Yorlet accepts.' }] : [],
  }
}

function sessionPath(providerId: string): string {
  return `/application_sessions/${toPathSegment('YORLET', providerId)}`
}

interface WirePage {
  readonly data: readonly { readonly id: string }[]
  readonly has_more?: boolean | null
}

/** The last id of a page. If it equals the previous one, the list did not advance, so this is the last page. */
function nextCursor({ data, has_more }: WirePage, cursor: string | undefined): string | null {
  const last = data.at(-1)?.id
  return has_more && last && last !== cursor ? last : null
}
