import { createHash } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { Answer, SandboxKit, SandboxRequest } from '../../sandbox/sandbox.ts'
import type { Collection } from '../../sandbox/store.ts'
import { notFound, refuseFaults, refuseValue } from './sandbox-answer.ts'
import { listPage } from './sandbox-customer-list.ts'
import { checkCustomer, checkCustomerUpdate, uuid4 } from './sandbox-validation.ts'
import { toEvent } from './sandbox-webhook.ts'
import type { Address } from './wire.ts'

interface Member {
  readonly id: string
  readonly created_at: string
  readonly modified_at: null
  readonly customer_id: string
  readonly email: string
  readonly name: string | null
  readonly external_id: string | null
  readonly role: 'owner'
}

/** What a request may set. */
interface CustomerFields {
  readonly email: string
  readonly external_id: string | null
  readonly name: string | null
  readonly type: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly billing_address: Address | null
}

export interface StoredCustomer extends CustomerFields {
  readonly id: string
  readonly created_at: string
  readonly modified_at: string | null
  readonly email_verified: boolean
  readonly workspace_id: string
  readonly deleted_at: string | null
  readonly members: readonly Member[]
}

const WORKSPACE_ID = '1dbfc517-0bbf-4301-9ba8-555ca42b9737'

/** A time as Rapidly writes it; now, where none is given. */
export type Stamp = (at?: Date) => string
export type Customers = ReturnType<typeof openCustomers>

/** The customers of the one workspace, and what the routes do with them. */
export function openCustomers(kit: SandboxKit, stamp: Stamp) {
  const all: Collection<StoredCustomer> = kit.collection('customers')

  function find(matches: (customer: StoredCustomer) => boolean): StoredCustomer | undefined {
    return all.all().find(customer => customer.deleted_at === null && matches(customer))
  }

  function byRequest({ params }: SandboxRequest): StoredCustomer {
    if (params.id !== undefined) refuseFaults(uuid4(params.id, ['path', 'id']))
    const found = find(({ id, external_id }) =>
      params.id === undefined ? external_id === params.external_id : id === params.id.toLowerCase(),
    )
    if (!found) throw notFound()
    return found
  }

  function add(given: Partial<CustomerFields> & { readonly email: string }, createdAt?: Date): StoredCustomer {
    const { email, name = null, external_id = null } = given
    const made = { id: random.uuid(), created_at: stamp(createdAt), modified_at: null }
    return all.put(made.id, {
      ...made,
      metadata: given.metadata ?? {},
      external_id,
      email,
      email_verified: false,
      type: given.type ?? 'individual',
      name,
      billing_address: given.billing_address ? toAddress(given.billing_address) : null,
      workspace_id: WORKSPACE_ID,
      deleted_at: null,
      members: [{ ...made, id: random.uuid(), customer_id: made.id, email, name, external_id, role: 'owner' }],
    })
  }

  function refuseTaken({ email, external_id }: Partial<CustomerFields>, but?: StoredCustomer): void {
    const taken = (matches: (customer: StoredCustomer) => boolean) =>
      find(customer => customer.id !== but?.id && matches(customer)) !== undefined
    if (email && taken(customer => customer.email.toLowerCase() === email.toLowerCase())) {
      refuseValue('email', 'A customer with this email address already exists.', email)
    }
    if (external_id && taken(customer => customer.external_id === external_id)) {
      refuseValue('external_id', 'A customer with this external ID already exists.', external_id)
    }
  }

  function change(customer: StoredCustomer, changes: Partial<StoredCustomer>): StoredCustomer {
    return all.put(customer.id, { ...customer, ...changes, modified_at: stamp() })
  }

  function tell(change: 'created' | 'updated' | 'deleted', customer: StoredCustomer): StoredCustomer {
    kit.emit(toEvent(change, present(customer), stamp()))
    return customer
  }

  /** Anonymised, the e-mail and the name leave their hashes. */
  function remove(customer: StoredCustomer, anonymize: boolean): StoredCustomer {
    const { email, name } = customer
    const forgotten = { email: sha256(email), name: name && sha256(name), billing_address: null }
    return tell('deleted', change(customer, { deleted_at: stamp(), external_id: null, ...(anonymize && forgotten) }))
  }

  return {
    add,
    find,

    create(_: SandboxRequest, body: unknown): Answer {
      refuseFaults(checkCustomer(body))
      const fields = body as CustomerFields
      refuseTaken(fields)
      return { status: 201, json: presentWithMembers(tell('created', add(fields))) }
    },

    get: (request: SandboxRequest): Answer => ({ status: 200, json: presentWithMembers(byRequest(request)) }),

    list({ query }: SandboxRequest): Answer {
      const living = all.all().filter(customer => customer.deleted_at === null)
      const { data, meta } = listPage(living, query)
      return { status: 200, json: { data: data.map(presentWithMembers), meta } }
    },

    update(request: SandboxRequest, body: unknown): Answer {
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
      return { status: 200, json: presentWithMembers(tell('updated', change(customer, changes))) }
    },

    remove(request: SandboxRequest): Answer {
      remove(byRequest(request), /^(1|on|t|true|y|yes)$/i.test(request.query.get('anonymize') ?? ''))
      return { status: 204 }
    },

    /** Undefined where there is no such customer or no such step. */
    advance(id: string, to: string): StoredCustomer | undefined {
      const customer = find(customer => customer.id === id)
      if (customer && to === 'email_verified') return tell('updated', change(customer, { email_verified: true }))
      return customer && to === 'deleted' ? remove(customer, false) : undefined
    },
  }
}

/** By the external id neither that id nor the type can be changed: they are unknown fields there. */
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

/** As a session shows it: without its members. */
export function present({ members: _, ...customer }: StoredCustomer) {
  const avatar_url = `https://www.gravatar.com/avatar/${sha256(customer.email.toLowerCase())}?d=404`
  return { ...customer, avatar_url }
}

function presentWithMembers(customer: StoredCustomer) {
  return { ...present(customer), members: customer.members }
}

function toAddress(given: Address): Address {
  return { line1: null, line2: null, postal_code: null, city: null, state: null, ...given }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
