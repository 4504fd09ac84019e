import {
  type AskedItem,
  type Choice,
  type HostedPages,
  type HostedSession,
  showTime,
  type Verdict,
} from '../../sandbox/hosted.ts'
import {
  fitsCancelToken,
  isTerminal,
  MAX_FAILED_ATTEMPTS,
  type Sessions,
  type StoredSession,
} from './sandbox-session.ts'
import type { ShareField } from './sandbox-share-fields.ts'

/** What can be wrong with a document or a face; the codes of a session that ended are not for an end user to choose. */
const FAILURE_CODES = [
  'selfie_face_mismatch',
  'liveness_failed',
  'document_authenticity_failed',
  'document_active_authentication_failed',
  'document_chip_authentication_failed',
  'document_anti_cloning_attestation_failed',
  'document_data_invalid',
]

/** The address of a read has no cancel token: its page opens, and cannot cancel. */
export function pages(sessions: Sessions): HostedPages {
  return {
    provider: 'Kayle',
    paths: ['/hosted/:id'],
    find({ params, query }) {
      const found = sessions.get(params.id ?? '')
      if (!found) return 'UNKNOWN'
      const token = query.get('cancel_token')
      if (token !== null && !fitsCancelToken(found, token)) return 'FORBIDDEN'
      return toPage(sessions, sessions.endWhenOverdue(found), token !== null)
    },
  }
}

function toPage(sessions: Sessions, session: StoredSession, mayCancel: boolean): HostedSession {
  const attempts = sessions.attemptsOf(session)
  const failed = attempts.filter(({ status }) => status === 'failed')
  return {
    title: 'Verify your identity',
    lead: 'You would scan your document and take a selfie with your phone. Here you choose how that goes.',
    asked: { heading: 'What would be shared', items: Object.entries(session.share_fields).map(toItem) },
    facts: [
      ['Session', session.id],
      ['Status', session.status],
      ['Failed attempts', `${failed.length} of ${MAX_FAILED_ATTEMPTS}`],
      ['Open until', showTime(session.expires_at)],
    ],
    verdict: toVerdict(session, attempts.at(-1)),
    choices: isTerminal(session) ? [] : toChoices(session, mayCancel),
    returnUrl: session.redirect_url,
  }
}

function toItem([name, { required, reason }]: [string, ShareField]): AskedItem {
  return { name: name.replaceAll('_', ' '), tag: required ? 'required' : 'optional', note: reason || undefined }
}

function toVerdict(
  { status }: StoredSession,
  latest: ReturnType<Sessions['attemptsOf']>[number] | undefined,
): Verdict | undefined {
  if (status === 'cancelled') return { tone: 'plain', title: 'Cancelled', text: 'You ended this verification.' }
  if (status === 'expired') return { tone: 'plain', title: 'Expired', text: 'The time for this verification is over.' }
  if (latest?.status === 'succeeded') return { tone: 'good', title: 'Verified', text: 'Your identity was confirmed.' }
  if (latest?.status !== 'failed') return undefined
  const reason = `Reason: ${latest.failure_code}.`
  if (status !== 'completed') return { tone: 'bad', title: 'That did not work', text: `${reason} You may try again.` }
  return { tone: 'bad', title: 'Not verified', text: `${reason} It was the last attempt.` }
}

function toChoices({ id, status }: StoredSession, mayCancel: boolean): Choice[] {
  const start: Choice = {
    step: { id, to: 'attempt_started' },
    label: 'Start an attempt',
    note: 'The session is in progress until something else happens.',
    looks: 'quiet',
  }
  const cancel: Choice = {
    step: { id, to: 'cancelled' },
    label: 'Cancel',
    note: 'As the end user may, with the cancel token in the address of this page.',
    looks: 'quiet',
  }
  return [
    {
      step: { id, to: 'attempt_succeeded' },
      label: 'Succeed',
      note: 'Document and selfie are fine: the session is completed.',
      looks: 'main',
    },
    {
      step: { id, to: 'attempt_failed' },
      label: 'Fail this attempt',
      note: `The end user may try again until ${MAX_FAILED_ATTEMPTS} attempts have failed.`,
      looks: 'danger',
      reasons: { label: 'Failure code', codes: FAILURE_CODES },
    },
    ...(status === 'created' ? [start] : []),
    ...(mayCancel ? [cancel] : []),
    {
      step: { id, to: 'expired' },
      label: 'Let it expire',
      note: 'As if nobody had come within the hour.',
      looks: 'quiet',
    },
  ]
}
