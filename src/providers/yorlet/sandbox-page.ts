import { maskEmail } from '../../sandbox/pages/hosted-pages.ts'
import type { HostedAction, HostedPages, HostedResult, HostedSession } from '../../sandbox/sandbox.ts'
import type { Objects, SandboxSession } from './sandbox-seed.ts'

export function pages(objects: Objects): HostedPages {
  return {
    provider: 'Yorlet',
    paths: ['/hosted/:id'],
    find({ params }) {
      const session = objects.sessions.get(params.id ?? '')
      return session ? toPage(objects, session) : 'UNKNOWN'
    },
  }
}

function toPage({ applicants, customers }: Objects, session: SandboxSession): HostedSession {
  const applicant = applicants.get(session.application_status)
  const customer = customers.get(session.customer)
  const role = applicant?.lead_tenant ? 'intro tenant' : 'permitted occupier'
  return {
    title: 'Your rental application',
    intro:
      'On the real page you fill in your details, give references and accept the terms. In this sandbox you choose the result.',
    requested: {
      heading: 'Applicant',
      items: [
        { name: customer?.name ?? 'Applicant', tag: role, note: customer && maskEmail(customer.email) },
        { name: 'Share of the rent', tag: `${applicant?.share_of_rent ?? 0} %` },
      ],
    },
    facts: [
      ['Application', session.application],
      ['Applicant', session.application_status],
      ['Session', session.id],
      ['Mode', session.mode],
      ['Status', session.status],
    ],
    result: RESULTS[session.status],
    actions: toActions(session),
    returnUrl: null,
  }
}

const RESULTS: Partial<Record<SandboxSession['status'], HostedResult>> = {
  active: { tone: 'plain', title: 'In progress', text: 'The application was opened and is not submitted yet.' },
  canceled: { tone: 'plain', title: 'Canceled', text: 'The application was withdrawn.' },
  complete: { tone: 'good', title: 'Complete', text: 'Everything was submitted. The landlord decides, not Yorlet.' },
  expired: { tone: 'plain', title: 'Expired', text: 'This application has expired.' },
}

function toActions({ id, status }: SandboxSession): HostedAction[] {
  const isNew = status === 'pending'
  if (!isNew && status !== 'active') return []
  const begin: HostedAction = {
    step: { id, to: 'active' },
    label: 'Start',
    note: 'The session stays active until the next action.',
    variant: 'quiet',
  }
  return [
    { step: { id, to: 'complete' }, label: 'Complete', note: 'Everything is submitted.', variant: 'main' },
    ...(isNew ? [begin] : []),
    { step: { id, to: 'canceled' }, label: 'Cancel', note: 'The application is withdrawn.', variant: 'quiet' },
    {
      step: { id, to: 'expired' },
      label: 'Expire',
      note: 'The session expires as if it had not been completed in time.',
      variant: 'quiet',
    },
  ]
}
