import { createServer, type IncomingMessage } from 'node:http'
import { prepareCreate } from './creates.ts'
import { listenHere } from './listen.ts'
import { createProviders } from './providers.ts'
import { openStore } from './store.ts'
import * as view from './views.ts'

/**
 * The limit: the same responses from handwritten code, without GraphQL, authentication, limits, validation or metrics.
 */

const store = openStore(process.env)
const providers = createProviders(process.env)
const create = prepareCreate(store, providers)

interface Variables {
  readonly id?: string
  readonly providerId?: string
  readonly first?: number
  readonly after?: string | null
  readonly key?: string
}

const ANSWERS: Readonly<Record<string, (variables: Variables) => unknown>> = {
  ping: () => ({ __typename: 'Query' }),
  one: ({ id }) => one(rowId(id)),
  stored: ({ id }) => stored(rowId(id)),
  lookup: ({ providerId = '' }) => {
    const row = store.sessionByProviderId(providerId)
    return { session: row ? view.storedSession(row) : null }
  },
  list: ({ first = 20, after }) => list(first, after),
  local: ({ first = 20, after }) => local(first, after, false),
  filtered: ({ first = 20, after }) => local(first, after, true),
  create: async ({ key = '' }) => ({ createSession: await create(toCreateInput(key)) }),
}

async function one(id: string) {
  const { session, customer, applicant } = rowsOf(id)
  const [reported, customerFromProvider, applicantFromProvider] = await Promise.all([
    providers.session(session.provider_id),
    providers.customer(customer.provider_id),
    providers.applicant(applicant.provider_id, applicant.parent_provider_id),
  ])
  return {
    session: {
      ...view.sessionFromProvider(session, reported),
      attempts: { nodes: view.reportedAttempts(store.attempts(id), reported) },
      customer: view.customerFromProvider(customer, customerFromProvider),
      applicant: view.applicantFromProvider(applicant, applicantFromProvider),
    },
  }
}

function stored(id: string) {
  const { session, customer, applicant } = rowsOf(id)
  return {
    session: {
      ...view.storedSession(session),
      attempts: { nodes: store.attempts(id).map(view.storedAttempt) },
      customer: view.storedCustomer(customer, store.openPii(customer)),
      applicant: view.storedApplicant(applicant),
    },
  }
}

async function list(first: number, after: string | null | undefined) {
  const { rows, pageInfo } = store.sessions({ first, after, filtered: false })
  const ids = [...new Set(rows.map(row => row.customer_id ?? ''))]
  const customers = new Map(await Promise.all(ids.map(async id => [id, await customer(id)] as const)))
  const nodes = rows.map(row => ({
    ...view.storedSession(row),
    attempts: { nodes: store.attempts(row.id).map(view.storedAttempt) },
    customer: customers.get(row.customer_id ?? ''),
  }))
  return { sessions: { nodes, pageInfo } }
}

function local(first: number, after: string | null | undefined, filtered: boolean) {
  const { rows, pageInfo } = store.sessions({ first, after, filtered })
  return { sessions: { nodes: rows.map(view.storedSession), pageInfo } }
}

/** It calls the provider each time, and fails if that fails. */
const FRESH = { stale: false }

async function customer(id: string) {
  const row = store.customer(id)
  return row && { ...view.customerFromProvider(row, await providers.customer(row.provider_id)), sync: FRESH }
}

function rowsOf(id: string) {
  const session = store.session(id)
  const customer = store.customer(session?.customer_id ?? '')
  const applicant = store.applicant(session?.applicant_id ?? '')
  if (!session || !customer || !applicant) throw new Error('The store lacks a row.')
  return { session, customer, applicant }
}

/** The document is constant, so its selection is known. */
function toCreateInput(idempotencyKey: string) {
  const shareFields = [{ key: 'date_of_birth', required: true, reason: 'To check that you are of age' }]
  const kayle = { redirectUrl: 'https://app.example.com/done', shareFields }
  return { idempotencyKey, externalId: 'user-1', session: { kayle } }
}

function rowId(globalId = ''): string {
  return Buffer.from(globalId, 'base64url').toString('latin1').split(':')[1] ?? ''
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise(resolve => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => resolve(body))
  })
}

const server = createServer(async (request, response) => {
  const { operationName, variables } = JSON.parse(await readBody(request)) as {
    operationName: string
    variables: Variables
  }
  const body = JSON.stringify({ data: await ANSWERS[operationName]?.(variables) })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
})
listenHere(server)
