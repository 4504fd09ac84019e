import { showTime } from '../../sandbox/pages/hosted-pages.ts'
import type { HostedAction, HostedPages, HostedResult, HostedSession, RequestedItem } from '../../sandbox/sandbox.ts'
import {
  countFailedTries,
  hasEnded,
  hasValidCancelToken,
  MAX_FAILED_ATTEMPTS,
  type SandboxSession,
  type SandboxSessions,
} from './sandbox-session.ts'
import type { SandboxShareField } from './sandbox-share-fields.ts'

/** Failures of a document or a face. Codes that end a session are not offered. */
const FAILURE_CODES = [
  'selfie_face_mismatch',
  'liveness_failed',
  'document_authenticity_failed',
  'document_active_authentication_failed',
  'document_chip_authentication_failed',
  'document_anti_cloning_attestation_failed',
  'document_data_invalid',
]

/** The URL of a read has no cancel token: its page opens, but cannot cancel. */
export function pages(sessions: SandboxSessions): HostedPages {
  return {
    provider: 'Kayle',
    paths: ['/hosted/:id'],
    find({ params, query }) {
      const found = sessions.get(params.id ?? '')
      if (!found) return 'UNKNOWN'
      const token = query.get('cancel_token')
      if (token !== null && !hasValidCancelToken(found, token)) return 'FORBIDDEN'
      return toPage(sessions, sessions.endWhenOverdue(found), token !== null)
    },
  }
}

function toPage(sessions: SandboxSessions, session: SandboxSession, mayCancel: boolean): HostedSession {
  const attempts = sessions.attemptsOf(session)
  const failed = attempts.filter(({ status }) => status === 'failed')
  return {
    title: 'Verify your identity',
    intro:
      'On the real page you scan your document and take a selfie with your phone. In this sandbox you choose the result.',
    requested: { heading: 'Requested data', items: Object.entries(session.share_fields).map(toItem) },
    facts: [
      ['Session', session.id],
      ['Status', session.status],
      sessions.version === '1.5'
        ? ['Failed attempts', `${failed.length} of ${MAX_FAILED_ATTEMPTS}`]
        : ['Failed checks', String(countFailedTries(session))],
      ['Expires', showTime(session.expires_at)],
    ],
    result: toResult(session, attempts.at(-1)),
    actions: hasEnded(session) ? [] : toActions(session, mayCancel),
    returnUrl: session.redirect_url,
  }
}

function toItem([name, { required, reason }]: [string, SandboxShareField]): RequestedItem {
  return { name: name.replaceAll('_', ' '), tag: required ? 'required' : 'optional', note: reason || undefined }
}

function toResult(
  { status, failure_code }: SandboxSession,
  latest: ReturnType<SandboxSessions['attemptsOf']>[number] | undefined,
): HostedResult | undefined {
  if (status === 'cancelled') return { tone: 'plain', title: 'Cancelled', text: 'You ended this verification.' }
  if (status === 'expired') return { tone: 'plain', title: 'Expired', text: 'This verification has expired.' }
  if (status === 'failed')
    return { tone: 'bad', title: 'Not verified', text: `Reason: ${failure_code}. No attempts are left.` }
  if (status === 'succeeded' || latest?.status === 'succeeded')
    return { tone: 'good', title: 'Verified', text: 'Your identity was confirmed.' }
  if (latest?.status !== 'failed') return undefined
  const reason = `Reason: ${latest.failure_code}.`
  if (status !== 'completed') return { tone: 'bad', title: 'Attempt failed', text: `${reason} You can try again.` }
  return { tone: 'bad', title: 'Not verified', text: `${reason} No attempts are left.` }
}

function toActions({ id, status }: SandboxSession, mayCancel: boolean): HostedAction[] {
  const start: HostedAction = {
    step: { id, to: 'attempt_started' },
    label: 'Start an attempt',
    note: 'The session stays in progress until the next action.',
    variant: 'quiet',
  }
  const cancel: HostedAction = {
    step: { id, to: 'cancelled' },
    label: 'Cancel',
    note: 'Cancels the session, with the cancel token in the URL of this page.',
    variant: 'quiet',
  }
  return [
    {
      step: { id, to: 'attempt_succeeded' },
      label: 'Succeed',
      note: 'Document and selfie are valid: the session is completed.',
      variant: 'main',
    },
    {
      step: { id, to: 'attempt_failed' },
      label: 'Fail this attempt',
      note: `The end user can try again until ${MAX_FAILED_ATTEMPTS} attempts have failed.`,
      variant: 'danger',
      reasons: { label: 'Failure code', codes: FAILURE_CODES },
    },
    ...(status === 'created' ? [start] : []),
    ...(mayCancel ? [cancel] : []),
    {
      step: { id, to: 'expired' },
      label: 'Expire',
      note: 'The session expires as if its hour had passed.',
      variant: 'quiet',
    },
  ]
}
