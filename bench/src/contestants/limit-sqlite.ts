import { prepareCreate } from './creates.ts'
import { answerCustomer, answerOne, answerStored, type SessionRows } from './limit-answers.ts'
import { type Answers, toCreateInput } from './limit-requests.ts'
import type { Providers } from './providers.ts'
import { openStore } from './store.ts'
import * as view from './views.ts'

/** The answers of the limit from SQLite. */
export function answerFromSqlite(env: NodeJS.ProcessEnv, providers: Providers): Answers {
  const store = openStore(env)
  const create = prepareCreate(store, providers)

  function stored(id: string) {
    const rows = rowsOf(id)
    return answerStored(rows, store.openPii(rows.customer))
  }

  function rowsOf(id: string): SessionRows {
    const session = store.session(id)
    const customer = store.customer(session?.customer_id ?? '')
    const applicant = store.applicant(session?.applicant_id ?? '')
    if (!session || !customer || !applicant) throw new Error('The store lacks a row.')
    return { session, customer, applicant, attempts: store.attempts(id) }
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
    return row && answerCustomer(providers, row)
  }

  function local(first: number, after: string | null | undefined, filtered: boolean) {
    const { rows, pageInfo } = store.sessions({ first, after, filtered })
    return { sessions: { nodes: rows.map(view.storedSession), pageInfo } }
  }

  return {
    ping: () => ({ __typename: 'Query' }),
    one: ({ id }) => answerOne(providers, rowsOf(view.toRowId(id))),
    stored: ({ id }) => stored(view.toRowId(id)),
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
