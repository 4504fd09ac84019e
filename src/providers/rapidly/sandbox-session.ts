import { createHash, randomBytes } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxContext, SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { present, type SandboxCustomers, type Stamp } from './sandbox-customer.ts'
import type { SandboxCustomer } from './sandbox-customer-record.ts'
import { refuseFaults, refuseValue } from './sandbox-errors.ts'
import { checkCustomerSession, renameAlias } from './sandbox-validation.ts'
import { type CreateCustomerSessionBody, SESSION_LIFETIME_MS } from './wire.ts'

export interface SandboxSession {
  readonly id: string
  readonly created_at: string
  readonly modified_at: null
  readonly expires_at: string
  readonly return_url: string | null
  readonly customer_id: string
  /** Only the hash of the token is stored: Rapidly shows it once. */
  readonly token_hash: string
}

/** The sessions, which can be created but not read. */
export function openSessions(context: SandboxContext, stamp: Stamp, customers: SandboxCustomers) {
  const all = context.collection<SandboxSession>('customer_sessions')

  /** Given both ids, the external one wins. */
  function findCustomer({ customer_id, external_customer_id }: CreateCustomerSessionBody): SandboxCustomer {
    if (typeof external_customer_id === 'string') {
      const found = customers.find(customer => customer.external_id === external_customer_id)
      return found ?? refuseValue('external_customer_id', 'Customer does not exist.', external_customer_id)
    }
    const found = customers.find(customer => customer.id === customer_id?.toLowerCase())
    return found ?? refuseValue('customer_id', 'Customer does not exist.', customer_id)
  }

  function add(customer: SandboxCustomer, returnUrl: string | null | undefined, token: string): SandboxSession {
    const id = random.uuid()
    return all.put(id, {
      id,
      created_at: stamp(),
      modified_at: null,
      expires_at: stamp(new Date(context.clock.now().getTime() + SESSION_LIFETIME_MS)),
      return_url: returnUrl ? new URL(returnUrl).href : null,
      customer_id: customer.id,
      token_hash: createHash('sha256').update(token).digest('hex'),
    })
  }

  return {
    get: all.get,

    create(_: SandboxRequest, body: unknown): SandboxResponse {
      refuseFaults(checkCustomerSession(body))
      const given = renameAlias(body) as CreateCustomerSessionBody
      const customer = findCustomer(given)
      const token = `rapidly_cst_${randomBytes(36).toString('base64url')}`
      const { token_hash: _hash, ...session } = add(customer, given.return_url, token)
      const query = new URLSearchParams({ customer_session_token: token, email: customer.email })
      const customer_portal_url = `${context.origin}/hosted/${session.id}/portal?${query}`
      return { status: 201, json: { ...session, token, customer_portal_url, customer: present(customer) } }
    },

    /** Undefined if there is no such session or step. */
    advance(id: string, to: string): SandboxSession | undefined {
      const session = all.get(id)
      return session && to === 'expired' ? all.put(id, { ...session, expires_at: stamp() }) : undefined
    },
  }
}
