import type { SandboxCustomer } from './sandbox-customer-record.ts'
import { refuseFaults } from './sandbox-errors.ts'
import { oneOf, positiveInteger } from './sandbox-validation.ts'

const SORTINGS = ['created_at', 'email', 'name'].flatMap(name => [name, `-${name}`])
const MAX_LIMIT = 100

/** One page of the customers that match the query. A limit that is too high is reduced silently. */
export function listPage(customers: readonly SandboxCustomer[], query: URLSearchParams) {
  const sortings = query.getAll('sorting')
  const page = query.get('page') ?? '1'
  const limit = query.get('limit') ?? '10'
  refuseFaults([
    ...positiveInteger(page, ['query', 'page']),
    ...positiveInteger(limit, ['query', 'limit']),
    ...sortings.flatMap((sorting, index) => oneOf(SORTINGS)(sorting, ['query', 'sorting', index])),
  ])
  const found = customers
    .filter(customer => matchesQuery(customer, query))
    .sort(comparing(sortings.length > 0 ? sortings : ['-created_at']))
  const perPage = Math.min(Number(limit), MAX_LIMIT)
  const data = found.slice((Number(page) - 1) * perPage, Number(page) * perPage)
  // Rapidly takes the total from the returned rows, so a page past the end reports none.
  const total = data.length === 0 ? 0 : found.length
  return { data, meta: { total, page: Number(page), per_page: perPage, pages: Math.ceil(total / perPage) } }
}

function matchesQuery(customer: SandboxCustomer, query: URLSearchParams): boolean {
  const has = (text: string | null, part: string) => text?.toLowerCase().includes(part.toLowerCase()) ?? false
  return [...query].every(([key, value]) => {
    const name = /^metadata\[(.+)\]$/.exec(key)?.[1]
    if (name !== undefined) return String(customer.metadata[name]) === value
    if (key === 'email') return customer.email.toLowerCase() === value.toLowerCase()
    if (key === 'workspace_id') return customer.workspace_id === value
    if (key !== 'query') return true
    return [customer.name, customer.email, customer.external_id].some(text => has(text, value))
  })
}

function comparing(sortings: readonly string[]) {
  return (a: SandboxCustomer, b: SandboxCustomer): number => {
    for (const sorting of sortings) {
      const name = sorting.replace('-', '') as 'created_at' | 'email' | 'name'
      const order = (a[name] ?? '') < (b[name] ?? '') ? -1 : Number(a[name] !== b[name])
      if (order !== 0) return sorting.startsWith('-') ? -order : order
    }
    return 0
  }
}
