import { createHash } from 'node:crypto'
import { maskEmail, showTime } from '../../sandbox/pages/hosted-pages.ts'
import type { HostedAction, HostedPages, HostedSession, SandboxContext } from '../../sandbox/sandbox.ts'
import type { SandboxCustomer } from './sandbox-customer-record.ts'
import type { SandboxSession } from './sandbox-session.ts'

interface Records {
  session(id: string): SandboxSession | undefined
  customer(id: string): SandboxCustomer | undefined
}

/** The portal's URL contains the token, of which only the hash is stored. */
export function pages({ clock }: SandboxContext, records: Records): HostedPages {
  return {
    provider: 'Rapidly',
    paths: ['/hosted/:id/portal'],
    find({ params, query }) {
      const session = records.session(params.id ?? '')
      if (!session) return 'UNKNOWN'
      const hash = createHash('sha256')
        .update(query.get('customer_session_token') ?? '')
        .digest('hex')
      if (hash !== session.token_hash) return 'FORBIDDEN'
      const isOpen = Date.parse(session.expires_at) > clock.now().getTime()
      return toPage(session, records.customer(session.customer_id), isOpen)
    },
  }
}

function toPage(session: SandboxSession, customer: SandboxCustomer | undefined, isOpen: boolean): HostedSession {
  const expired = { tone: 'plain', title: 'This link has expired', text: 'Go back and open the portal again.' } as const
  const deleted = {
    tone: 'plain',
    title: 'Customer deleted',
    text: 'The account behind the portal was deleted.',
  } as const
  return {
    title: 'Your customer portal',
    intro:
      'On the real page you see your purchases and change your details. No action is required here, and no decision is made.',
    requested: { heading: 'Customer', items: customer ? [toItem(customer)] : [] },
    facts: [
      ['Customer', session.customer_id],
      ['Session', session.id],
      ['Expires', showTime(session.expires_at)],
    ],
    result: isOpen ? (customer ? undefined : deleted) : expired,
    actions: isOpen && customer ? toActions(session, customer) : [],
    returnUrl: session.return_url,
  }
}

function toItem({ name, email, email_verified }: SandboxCustomer) {
  return {
    name: name ?? 'Customer',
    tag: email_verified ? 'e-mail confirmed' : 'e-mail open',
    note: maskEmail(email),
  }
}

function toActions(session: SandboxSession, { id, email_verified }: SandboxCustomer): HostedAction[] {
  const confirm: HostedAction = {
    step: { id, to: 'email_verified' },
    label: 'Confirm the e-mail address',
    note: 'The customer is updated.',
    variant: 'main',
  }
  return [
    ...(email_verified ? [] : [confirm]),
    {
      step: { id: session.id, to: 'expired' },
      label: 'Expire the link',
      note: 'The link expires as if its hour had passed.',
      variant: 'quiet',
    },
    { step: { id, to: 'deleted' }, label: 'Delete the customer', note: 'This cannot be undone.', variant: 'danger' },
  ]
}
