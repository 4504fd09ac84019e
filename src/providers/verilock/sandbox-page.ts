import { type Choice, type HostedPages, type HostedSession, showTime, type Verdict } from '../../sandbox/hosted.ts'
import type { Desk } from './sandbox-routes.ts'
import type { StoredSession } from './sandbox-session.ts'

/** A create's address ends in the token, a read's in the id. */
export function pages(desk: Desk): HostedPages {
  return {
    provider: 'Verilock',
    paths: ['/verify/:key'],
    find({ params: { key = '' } }) {
      const found = desk.session(key) ?? desk.sessions().find(({ token }) => token === key)
      return found ? toPage(found) : 'UNKNOWN'
    },
  }
}

function toPage(session: StoredSession): HostedSession {
  return {
    title: 'Confirm who you are',
    lead: 'You would show a document and your face to a camera. Here you choose what Verilock makes of it.',
    asked: {
      heading: 'The steps of this profile',
      items: session.steps.map(step => ({
        name: step === 'aml' ? 'AML' : step.replaceAll('_', ' '),
        tag: session.results[step]?.status.replaceAll('_', ' '),
        note: STEP_NOTES[step],
      })),
    },
    facts: [
      ['Session', session.id],
      ['Status', session.status],
      ['Profile', session.asked.profile_id],
      ['Open until', showTime(session.expires_at)],
    ],
    verdict: toVerdict(session),
    choices: toChoices(session),
    returnUrl: session.asked.redirect_url ?? null,
  }
}

const STEP_NOTES: Readonly<Record<string, string>> = {
  document: 'A passport, an identity card, a driving licence or a residence permit.',
  selfie: 'A picture of your face.',
  face_match: 'The face is compared with the one on the document.',
  liveness: 'A check that a person is there and not a picture.',
  aml: 'A look at lists of sanctions and of people in public office.',
}

function toVerdict({ status, steps, results }: StoredSession): Verdict | undefined {
  const failed = steps.find(step => results[step]?.status === 'declined')
  switch (status) {
    case 'approved':
      return { tone: 'good', title: 'Approved', text: 'Every step was passed.' }
    case 'declined':
      return { tone: 'bad', title: 'Declined', text: `The step that failed: ${failed}.` }
    case 'expired':
      return { tone: 'plain', title: 'Expired', text: 'Nobody began in time.' }
    case 'processing':
      return { tone: 'plain', title: 'Being processed', text: 'Everything was handed in. A decision is still to come.' }
    default:
      return undefined
  }
}

function toChoices({ id, status, steps }: StoredSession): Choice[] {
  const isNew = status === 'created'
  if (!isNew && status !== 'processing') return []
  const submit: Choice = {
    step: { id, to: 'processing' },
    label: 'Hand in and wait',
    note: 'The session is processing until it is approved or declined.',
    looks: 'quiet',
  }
  const expire: Choice = {
    step: { id, to: 'expired' },
    label: 'Let it expire',
    note: 'As if nobody had begun in time.',
    looks: 'quiet',
  }
  return [
    { step: { id, to: 'approved' }, label: 'Approve', note: 'Every step is passed.', looks: 'main' },
    {
      step: { id, to: 'declined' },
      label: 'Decline',
      note: 'The steps before it are passed, those after it are not begun.',
      looks: 'danger',
      reasons: { label: 'The step that fails', codes: steps },
    },
    ...(isNew ? [submit, expire] : []),
  ]
}
