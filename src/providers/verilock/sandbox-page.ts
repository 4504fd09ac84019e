import { showTime } from '../../sandbox/pages/hosted-pages.ts'
import type { HostedAction, HostedPages, HostedResult, HostedSession } from '../../sandbox/sandbox.ts'
import type { RouteContext } from './sandbox-routes.ts'
import type { SandboxSession } from './sandbox-session.ts'

/** The URL of a create ends in the token, that of a read in the id. */
export function pages(routeContext: RouteContext): HostedPages {
  return {
    provider: 'Verilock',
    paths: ['/verify/:key'],
    find({ params: { key = '' } }) {
      const found = routeContext.session(key) ?? routeContext.sessions().find(({ token }) => token === key)
      return found ? toPage(found) : 'UNKNOWN'
    },
  }
}

function toPage(session: SandboxSession): HostedSession {
  return {
    title: 'Confirm your identity',
    intro: 'On the real page you show a document and your face to a camera. In this sandbox you choose the result.',
    requested: {
      heading: 'Verification steps',
      items: session.steps.map(step => ({
        name: step === 'aml' ? 'AML' : step.replaceAll('_', ' '),
        tag: session.results[step]?.status.replaceAll('_', ' '),
        note: STEP_NOTES[step],
      })),
    },
    facts: [
      ['Session', session.id],
      ['Status', session.status],
      ['Profile', session.input.profile_id],
      ['Expires', showTime(session.expires_at)],
    ],
    result: toResult(session),
    actions: toActions(session),
    returnUrl: session.input.redirect_url ?? null,
  }
}

const STEP_NOTES: Readonly<Record<string, string>> = {
  document: 'A passport, an identity card, a driving licence or a residence permit.',
  selfie: 'A photo of your face.',
  face_match: 'The face is compared with the one on the document.',
  liveness: 'A check that a live person is present.',
  aml: 'A check of sanctions lists and lists of politically exposed persons.',
}

function toResult({ status, steps, results }: SandboxSession): HostedResult | undefined {
  const failed = steps.find(step => results[step]?.status === 'declined')
  switch (status) {
    case 'approved':
      return { tone: 'good', title: 'Approved', text: 'All steps were passed.' }
    case 'declined':
      return { tone: 'bad', title: 'Declined', text: `Failed step: ${failed}.` }
    case 'expired':
      return { tone: 'plain', title: 'Expired', text: 'The verification was not started in time.' }
    case 'processing':
      return { tone: 'plain', title: 'Processing', text: 'Everything was submitted. There is no decision yet.' }
    default:
      return undefined
  }
}

function toActions({ id, status, steps }: SandboxSession): HostedAction[] {
  const isNew = status === 'created'
  if (!isNew && status !== 'processing') return []
  const submit: HostedAction = {
    step: { id, to: 'processing' },
    label: 'Submit',
    note: 'The session stays in processing until it is approved or declined.',
    variant: 'quiet',
  }
  const expire: HostedAction = {
    step: { id, to: 'expired' },
    label: 'Expire',
    note: 'The session expires as if it had not been started in time.',
    variant: 'quiet',
  }
  return [
    { step: { id, to: 'approved' }, label: 'Approve', note: 'All steps are passed.', variant: 'main' },
    {
      step: { id, to: 'declined' },
      label: 'Decline',
      note: 'Earlier steps are passed, later ones are not started.',
      variant: 'danger',
      reasons: { label: 'Failed step', codes: steps },
    },
    ...(isNew ? [submit, expire] : []),
  ]
}
