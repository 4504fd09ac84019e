import { createHash } from 'node:crypto'
import { type Choice, type HostedPages, type HostedSession, maskEmail, showTime } from '../../sandbox/hosted.ts'
import type { SandboxKit } from '../../sandbox/sandbox.ts'
import type { StoredCustomer } from './sandbox-customer.ts'
import type { StoredSession } from './sandbox-session.ts'

interface Records {
  session(id: string): StoredSession | undefined
  customer(id: string): StoredCustomer | undefined
}

/** The portal opens with the token in its address, whose hash is all that is kept. */
export function pages({ clock }: SandboxKit, records: Records): HostedPages {
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

function toPage(session: StoredSession, customer: StoredCustomer | undefined, isOpen: boolean): HostedSession {
  const over = { tone: 'plain', title: 'This link has expired', text: 'Go back and open the portal again.' } as const
  const gone = {
    tone: 'plain',
    title: 'This customer is gone',
    text: 'The account behind the portal was deleted.',
  } as const
  return {
    title: 'Your customer portal',
    lead: 'You would see your purchases and change your details. Nothing has to be done here, and nothing is decided.',
    asked: { heading: 'Whose portal this is', items: customer ? [toItem(customer)] : [] },
    facts: [
      ['Customer', session.customer_id],
      ['Session', session.id],
      ['Open until', showTime(session.expires_at)],
    ],
    verdict: isOpen ? (customer ? undefined : gone) : over,
    choices: isOpen && customer ? toChoices(session, customer) : [],
    returnUrl: session.return_url,
  }
}

function toItem({ name, email, email_verified }: StoredCustomer) {
  return {
    name: name ?? 'A customer',
    tag: email_verified ? 'e-mail confirmed' : 'e-mail open',
    note: maskEmail(email),
  }
}

function toChoices(session: StoredSession, { id, email_verified }: StoredCustomer): Choice[] {
  const confirm: Choice = {
    step: { id, to: 'email_verified' },
    label: 'Confirm the e-mail address',
    note: 'The customer is updated.',
    looks: 'main',
  }
  return [
    ...(email_verified ? [] : [confirm]),
    {
      step: { id: session.id, to: 'expired' },
      label: 'Let the link expire',
      note: 'As if its hour were over.',
      looks: 'quiet',
    },
    { step: { id, to: 'deleted' }, label: 'Delete the customer', note: 'For good.', looks: 'danger' },
  ]
}
