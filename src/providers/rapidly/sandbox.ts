import { random } from '../../sandbox/random.ts'
import { createRouter } from '../../sandbox/router.ts'
import {
  type Route,
  type SandboxContext,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
  type SandboxRoutes,
} from '../../sandbox/sandbox.ts'
import { openCustomers, type SandboxCustomers, type Stamp } from './sandbox-customer.ts'
import { API_KEY, guarded } from './sandbox-errors.ts'
import { pages } from './sandbox-page.ts'
import { openSessions } from './sandbox-session.ts'
import { signWebhook } from './sandbox-webhook.ts'

const BASE_PATH = '/api'
const DAY_MS = 86_400_000
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE']

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: BASE_PATH,
  undocumentedBehaviour: [
    'The hosted portal lives under the path /hosted of this server.',
    'The workspace has no member model: member_id and external_member_id are checked for their form and then ignored.',
    'The checksum at the end of a session token is random.',
    'Every well-formed e-mail address counts as deliverable.',
    'The texts of the errors Unauthorized, invalid_token, insufficient_scope and uuid_parsing are invented.',
    'A second token, without write scopes, exists for insufficient_scope.',
    'The error for changing a team to an individual is invented.',
    'Members, the state of a customer, the CSV export, webhook endpoints and the rewriting of /v1 are not served.',
    'A body that is not JSON is rejected before the credentials are checked, as FastAPI does; this was not observed at Rapidly.',
    'The position in json_invalid is always 0.',
    'The owner in a customer create is ignored: the owner has the e-mail and the name of the customer.',
    'The hosted portal can confirm the e-mail address, delete the customer and expire the link.',
    'customer.state_changed is never sent, and there are no events for the seed or for sessions.',
  ],
  signWebhook,
  open,
}

function open(context: SandboxContext): SandboxRoutes {
  const stamp = createStamp(context)
  const customers = openCustomers(context, stamp)
  const sessions = openSessions(context, stamp, customers)
  if (context.isNew) seed(context, customers)

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
    unmatched: respondUnmatched(context, routes),
    headers: () => ({
      'X-Request-ID': random.uuid(),
      'X-RateLimit-Limit': '0',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '0',
    }),
    pages: pages(context, { session: sessions.get, customer: id => customers.find(customer => customer.id === id) }),
    advance: ({ id, to }) => customers.advance(id, to) ?? sessions.advance(id, to) ?? refuseStep(id),
  }
}

function refuseStep(id: string): never {
  const steps = 'A session takes the step expired; a customer takes email_verified or deleted.'
  throw new SandboxInputError(`This step is not possible for ${id}. ${steps}`)
}

/** Times have microseconds. Here a counter fills them, so that times within one millisecond differ. */
function createStamp({ clock }: SandboxContext): Stamp {
  let timestampCount = 0
  return at => {
    const micros = String(timestampCount++ % 1000).padStart(3, '0')
    return (at ?? clock.now()).toISOString().replace('Z', `${micros}Z`)
  }
}

/** FastAPI's own responses: wrong method, missing or additional slash, unknown path. */
function respondUnmatched(
  { origin }: SandboxContext,
  routes: readonly Route[],
): (request: SandboxRequest) => SandboxResponse {
  const find = createRouter(routes.map(route => ({ ...route, path: BASE_PATH + route.path })))
  const methodsAt = (path: string) => METHODS.filter(method => find(method, path))
  return ({ path, query }): SandboxResponse => {
    const allowed = methodsAt(path)
    if (allowed.length > 0) {
      return { status: 405, headers: { Allow: allowed.join(', ') }, json: { detail: 'Method Not Allowed' } }
    }
    const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`
    if (methodsAt(other).length === 0) return { status: 404, json: { detail: 'Not Found' } }
    return { status: 307, headers: { Location: `${origin}${other}${query.size > 0 ? `?${query}` : ''}` } }
  }
}

function seed({ clock }: SandboxContext, { add }: SandboxCustomers): void {
  const daysAgo = (days: number) => new Date(clock.now().getTime() - days * DAY_MS)
  add({ external_id: 'usr_1337', email: 'john.doe@example.com', name: 'John Doe' }, daysAgo(30))
  add({ external_id: 'usr_1338', email: 'team@example.com', name: 'Example Team', type: 'team' }, daysAgo(20))
  add(
    { email: 'jane.roe@example.com', name: 'Jane Roe', metadata: { plan: 'pro' }, billing_address: { country: 'SE' } },
    daysAgo(10),
  )
}
