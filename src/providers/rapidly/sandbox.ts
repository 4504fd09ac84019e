import { random } from '../../sandbox/random.ts'
import { createRouter } from '../../sandbox/router.ts'
import {
  type Answer,
  type Route,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxKit,
  type SandboxParts,
  type SandboxRequest,
} from '../../sandbox/sandbox.ts'
import { API_KEY, guarded } from './sandbox-answer.ts'
import { type Customers, openCustomers, type Stamp } from './sandbox-customer.ts'
import { pages } from './sandbox-page.ts'
import { openSessions } from './sandbox-session.ts'
import { packWebhook } from './sandbox-webhook.ts'

const BASE_PATH = '/api'
const DAY_MS = 86_400_000
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE']

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: BASE_PATH,
  inventions: [
    'The hosted portal lives under the path /hosted of this server.',
    'The workspace has no member model: member_id and external_member_id are checked for their form and then ignored.',
    'The checksum at the end of a session token is random.',
    'Every well-formed e-mail address counts as one that can get mail.',
    'The texts beside Unauthorized, invalid_token, insufficient_scope and uuid_parsing are ours.',
    'A second token, without the scopes that write, is accepted to show insufficient_scope.',
    'What is said when a team is made an individual is ours.',
    'Members, the state of a customer, the CSV export, webhook endpoints and the rewriting of /v1 are not served.',
    'A body that is not JSON is refused before the credentials are looked at, as FastAPI does; Rapidly was not seen doing it.',
    'The position in json_invalid is always 0.',
    'The owner in a customer create is ignored: the owner is made from the e-mail and the name of the customer.',
    'The hosted portal lets its visitor confirm the e-mail address, delete the customer and let the link expire.',
    'customer.state_changed is never sent, and neither the seed nor a session is told of.',
  ],
  packWebhook,
  open,
}

function open(kit: SandboxKit): SandboxParts {
  const stamp = createStamp(kit)
  const customers = openCustomers(kit, stamp)
  const sessions = openSessions(kit, stamp, customers)
  if (kit.isNew) seed(kit, customers)

  const detail = ['/customers/:id', '/customers/external/:external_id'].flatMap(path => [
    { method: 'GET', path, answer: guarded('customers:read', customers.get) },
    { method: 'PATCH', path, answer: guarded('customers:write', customers.update) },
    { method: 'DELETE', path, answer: guarded('customers:write', customers.remove) },
  ])
  const routes = [
    { method: 'POST', path: '/customer-sessions/', answer: guarded('customer_sessions:write', sessions.create) },
    { method: 'GET', path: '/customers/', answer: guarded('customers:read', customers.list) },
    { method: 'POST', path: '/customers/', answer: guarded('customers:write', customers.create) },
    ...detail,
  ]
  return {
    routes,
    unmatched: answerUnmatched(kit, routes),
    headers: () => ({
      'X-Request-ID': random.uuid(),
      'X-RateLimit-Limit': '0',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '0',
    }),
    pages: pages(kit, { session: sessions.get, customer: id => customers.find(customer => customer.id === id) }),
    advance: ({ id, to }) => customers.advance(id, to) ?? sessions.advance(id, to) ?? refuseStep(id),
  }
}

function refuseStep(id: string): never {
  const steps = 'A session takes the step expired; a customer takes email_verified or deleted.'
  throw new SandboxInputError(`Rapidly's sandbox cannot do that step to ${id}. ${steps}`)
}

/** Times carry microseconds; here they count the times asked for, so that no two of one millisecond are equal. */
function createStamp({ clock }: SandboxKit): Stamp {
  let asked = 0
  return at => {
    const micros = String(asked++ % 1000).padStart(3, '0')
    return (at ?? clock.now()).toISOString().replace('Z', `${micros}Z`)
  }
}

/** FastAPI's own answers: another method of a path, a slash too few or too many, no such path. */
function answerUnmatched({ origin }: SandboxKit, routes: readonly Route[]): (request: SandboxRequest) => Answer {
  const find = createRouter(routes.map(route => ({ ...route, path: BASE_PATH + route.path })))
  const methodsAt = (path: string) => METHODS.filter(method => find(method, path))
  return ({ path, query }): Answer => {
    const allowed = methodsAt(path)
    if (allowed.length > 0) {
      return { status: 405, headers: { Allow: allowed.join(', ') }, json: { detail: 'Method Not Allowed' } }
    }
    const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`
    if (methodsAt(other).length === 0) return { status: 404, json: { detail: 'Not Found' } }
    return { status: 307, headers: { Location: `${origin}${other}${query.size > 0 ? `?${query}` : ''}` } }
  }
}

function seed({ clock }: SandboxKit, { add }: Customers): void {
  const daysAgo = (days: number) => new Date(clock.now().getTime() - days * DAY_MS)
  add({ external_id: 'usr_1337', email: 'john.doe@example.com', name: 'John Doe' }, daysAgo(30))
  add({ external_id: 'usr_1338', email: 'team@example.com', name: 'Example Team', type: 'team' }, daysAgo(20))
  add(
    { email: 'jane.roe@example.com', name: 'Jane Roe', metadata: { plan: 'pro' }, billing_address: { country: 'SE' } },
    daysAgo(10),
  )
}
