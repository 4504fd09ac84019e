import { createHash } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxContext, SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import type { Collection } from '../../sandbox/store.ts'
import { listPage } from './sandbox-customer-list.ts'
import type { CustomerFields, SandboxCustomer } from './sandbox-customer-record.ts'
import { notFound, refuseFaults, refuseValue } from './sandbox-errors.ts'
import { checkCustomer, checkCustomerUpdate, uuid4 } from './sandbox-validation.ts'
import { toEvent } from './sandbox-webhook.ts'
import type { Address } from './wire.ts'

const WORKSPACE_ID = '1dbfc517-0bbf-4301-9ba8-555ca42b9737'

/** A time in Rapidly's format; now by default. */
export type Stamp = (at?: Date) => string
export type SandboxCustomers = ReturnType<typeof openCustomers>

/** The customers of the only workspace, and their routes. */
export function openCustomers(context: SandboxContext, stamp: Stamp) {
  const all: Collection<SandboxCustomer> = context.collection('customers')

  function find(matches: (customer: SandboxCustomer) => boolean): SandboxCustomer | undefined {
    return all.all().find(customer => customer.deleted_at === null && matches(customer))
  }

  function byRequest({ params }: SandboxRequest): SandboxCustomer {
    if (params.id !== undefined) refuseFaults(uuid4(params.id, ['path', 'id']))
    const found = find(({ id, external_id }) =>
      params.id === undefined ? external_id === params.external_id : id === params.id.toLowerCase(),
    )
    if (!found) throw notFound()
    return found
  }

  function add(given: Partial<CustomerFields> & { readonly email: string }, createdAt?: Date): SandboxCustomer {
    const { email, name = null, external_id = null } = given
    const created = { id: random.uuid(), created_at: stamp(createdAt), modified_at: null }
    return all.put(created.id, {
      ...created,
      metadata: given.metadata ?? {},
      external_id,
      email,
      email_verified: false,
      type: given.type ?? 'individual',
      name,
      billing_address: given.billing_address ? toAddress(given.billing_address) : null,
      workspace_id: WORKSPACE_ID,
      deleted_at: null,
      members: [{ ...created, id: random.uuid(), customer_id: created.id, email, name, external_id, role: 'owner' }],
    })
  }

  function refuseTaken({ email, external_id }: Partial<CustomerFields>, but?: SandboxCustomer): void {
    const taken = (matches: (customer: SandboxCustomer) => boolean) =>
      find(customer => customer.id !== but?.id && matches(customer)) !== undefined
    if (email && taken(customer => customer.email.toLowerCase() === email.toLowerCase())) {
      refuseValue('email', 'A customer with this email address already exists.', email)
    }
    if (external_id && taken(customer => customer.external_id === external_id)) {
      refuseValue('external_id', 'A customer with this external ID already exists.', external_id)
    }
  }

  function change(customer: SandboxCustomer, changes: Partial<SandboxCustomer>): SandboxCustomer {
    return all.put(customer.id, { ...customer, ...changes, modified_at: stamp() })
  }

  function sendWebhook(change: 'created' | 'updated' | 'deleted', customer: SandboxCustomer): SandboxCustomer {
    context.emit(toEvent(change, present(customer), stamp()))
    return customer
  }

  /** An anonymised customer has hashes in place of the e-mail and the name. */
  function remove(customer: SandboxCustomer, anonymize: boolean): SandboxCustomer {
    const { email, name } = customer
    const forgotten = { email: sha256(email), name: name && sha256(name), billing_address: null }
    return sendWebhook(
      'deleted',
      change(customer, { deleted_at: stamp(), external_id: null, ...(anonymize && forgotten) }),
    )
  }

  return {
    add,
    find,

    create(_: SandboxRequest, body: unknown): SandboxResponse {
      refuseFaults(checkCustomer(body))
      const fields = body as CustomerFields
      refuseTaken(fields)
      return { status: 201, json: presentWithMembers(sendWebhook('created', add(fields))) }
    },

    get: (request: SandboxRequest): SandboxResponse => ({ status: 200, json: presentWithMembers(byRequest(request)) }),

    list({ query }: SandboxRequest): SandboxResponse {
      const existing = all.all().filter(customer => customer.deleted_at === null)
      const { data, meta } = listPage(existing, query)
      return { status: 200, json: { data: data.map(presentWithMembers), meta } }
    },

    update(request: SandboxRequest, body: unknown): SandboxResponse {
      refuseFaults(checkCustomerUpdate(body))
      const customer = byRequest(request)
      const changes = readChanges(request, body as Partial<CustomerFields>)
      if (customer.external_id && 'external_id' in changes && changes.external_id !== customer.external_id) {
        refuseValue('external_id', 'Customer external ID cannot be updated.', changes.external_id)
      }
      if (customer.type === 'team' && changes.type === 'individual') {
        refuseValue('type', 'A team customer cannot become an individual one.', changes.type)
      }
      refuseTaken(changes, customer)
      return { status: 200, json: presentWithMembers(sendWebhook('updated', change(customer, changes))) }
    },

    remove(request: SandboxRequest): SandboxResponse {
      remove(byRequest(request), /^(1|on|t|true|y|yes)$/i.test(request.query.get('anonymize') ?? ''))
      return { status: 204 }
    },

    /** Undefined if there is no such customer or step. */
    advance(id: string, to: string): SandboxCustomer | undefined {
      const customer = find(customer => customer.id === id)
      if (customer && to === 'email_verified') return sendWebhook('updated', change(customer, { email_verified: true }))
      return customer && to === 'deleted' ? remove(customer, false) : undefined
    },
  }
}

/** A request by external id cannot change that id or the type: they are unknown fields there. */
function readChanges({ params }: SandboxRequest, body: Partial<CustomerFields>): Partial<CustomerFields> {
  const { email, external_id, name, type, metadata, billing_address } = body
  const changes = {
    email: email ?? undefined,
    name,
    metadata,
    billing_address: billing_address && toAddress(billing_address),
    ...(params.id !== undefined && { external_id, type }),
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

/** The customer inside a session: without its members. */
export function present({ members: _, ...customer }: SandboxCustomer) {
  const avatar_url = `https://www.gravatar.com/avatar/${sha256(customer.email.toLowerCase())}?d=404`
  return { ...customer, avatar_url }
}

function presentWithMembers(customer: SandboxCustomer) {
  return { ...present(customer), members: customer.members }
}

function toAddress(given: Address): Address {
  return { line1: null, line2: null, postal_code: null, city: null, state: null, ...given }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
