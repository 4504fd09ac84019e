import { prepareCreate } from './creates.ts'
import { type Answers, FRESH, toCreateInput, toRowId } from './limit-requests.ts'
import type { Providers } from './providers.ts'
import { openStore } from './store.ts'
import * as view from './views.ts'

/** The answers of the limit from SQLite. */
export function answerFromSqlite(env: NodeJS.ProcessEnv, providers: Providers): Answers {
  const store = openStore(env)
  const create = prepareCreate(store, providers)

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

  function rowsOf(id: string) {
    const session = store.session(id)
    const customer = store.customer(session?.customer_id ?? '')
    const applicant = store.applicant(session?.applicant_id ?? '')
    if (!session || !customer || !applicant) throw new Error('The store lacks a row.')
    return { session, customer, applicant }
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

  async function customer(id: string) {
    const row = store.customer(id)
    return row && { ...view.customerFromProvider(row, await providers.customer(row.provider_id)), sync: FRESH }
  }

  function local(first: number, after: string | null | undefined, filtered: boolean) {
    const { rows, pageInfo } = store.sessions({ first, after, filtered })
    return { sessions: { nodes: rows.map(view.storedSession), pageInfo } }
  }

  return {
    ping: () => ({ __typename: 'Query' }),
    one: ({ id }) => one(toRowId(id)),
    stored: ({ id }) => stored(toRowId(id)),
    lookup: ({ providerId = '' }) => {
      const row = store.sessionByProviderId(providerId)
      return { session: row ? view.storedSession(row) : null }
    },
    list: ({ first = 20, after }) => list(first, after),
    local: ({ first = 20, after }) => local(first, after, false),
    filtered: ({ first = 20, after }) => local(first, after, true),
    create: async ({ key = '' }) => ({ createSession: await create(toCreateInput(key)) }),
  }
}
