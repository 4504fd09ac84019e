import { type Choice, type HostedPages, type HostedSession, maskEmail, type Verdict } from '../../sandbox/hosted.ts'
import type { Objects, Session } from './sandbox-seed.ts'

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

function toPage({ applicants, customers }: Objects, session: Session): HostedSession {
  const applicant = applicants.get(session.application_status)
  const customer = customers.get(session.customer)
  const role = applicant?.lead_tenant ? 'lead tenant' : 'permitted occupier'
  return {
    title: 'Your rental application',
    lead: 'You would fill in your details, give references and accept the terms. Here you choose how far you get.',
    asked: {
      heading: 'Who applies',
      items: [
        { name: customer?.name ?? 'An applicant', tag: role, note: customer && maskEmail(customer.email) },
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
    verdict: VERDICTS[session.status],
    choices: toChoices(session),
    returnUrl: null,
  }
}

const VERDICTS: Partial<Record<Session['status'], Verdict>> = {
  active: { tone: 'plain', title: 'In progress', text: 'The application was opened and is not handed in yet.' },
  canceled: { tone: 'plain', title: 'Canceled', text: 'The application was withdrawn.' },
  complete: { tone: 'good', title: 'Complete', text: 'Everything was handed in. The landlord decides, not Yorlet.' },
  expired: { tone: 'plain', title: 'Expired', text: 'The time for this application is over.' },
}

function toChoices({ id, status }: Session): Choice[] {
  const isNew = status === 'pending'
  if (!isNew && status !== 'active') return []
  const begin: Choice = {
    step: { id, to: 'active' },
    label: 'Begin and come back later',
    note: 'The session is active until something else happens.',
    looks: 'quiet',
  }
  return [
    { step: { id, to: 'complete' }, label: 'Complete', note: 'Everything is handed in.', looks: 'main' },
    ...(isNew ? [begin] : []),
    { step: { id, to: 'canceled' }, label: 'Cancel', note: 'The application is withdrawn.', looks: 'quiet' },
    { step: { id, to: 'expired' }, label: 'Let it expire', note: 'As if nobody had come in time.', looks: 'quiet' },
  ]
}
