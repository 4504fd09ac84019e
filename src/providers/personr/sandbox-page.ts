import { maskEmail } from '../../sandbox/pages/hosted-pages.ts'
import type { HostedAction, HostedPages, HostedResult, HostedSession } from '../../sandbox/sandbox.ts'
import { isFinished, MAX_ATTEMPTS, type SandboxApplicant } from './sandbox-applicant.ts'
import { RETRY_LABELS } from './wire.ts'

/** The documented labels of final rejections. */
const FINAL_LABELS = ['FORGERY', 'CRIMINAL']

/** A page belongs to a link; `applicantOf` finds its applicant. */
export function pages(applicantOf: (link: string) => SandboxApplicant | undefined): HostedPages {
  return {
    provider: 'Personr',
    paths: ['/hosted/:link'],
    find({ params: { link = '' } }) {
      const applicant = applicantOf(link)
      return applicant ? toPage(applicant) : 'UNKNOWN'
    },
  }
}

function toPage(applicant: SandboxApplicant): HostedSession {
  const { id, email, flowName, status, retries } = applicant
  const name = [applicant.nameFirst, applicant.nameLast].filter(Boolean).join(' ')
  return {
    title: 'Complete your verification',
    intro:
      'On the real page you upload a document and take a selfie. In this sandbox you choose the result of the review.',
    requested: { heading: 'Verification flow', items: [{ name: flowName, note: FLOW_NOTES[flowName] }] },
    facts: [
      ['Applicant', name ? `${name} (${maskEmail(email)})` : maskEmail(email)],
      ['Applicant id', id],
      ['Status', status],
      ['Rejected attempts', `${retries} of ${MAX_ATTEMPTS}`],
    ],
    result: toResult(applicant),
    actions: isFinished(applicant) ? [] : toActions(applicant),
    returnUrl: null,
  }
}

const FLOW_NOTES: Readonly<Record<string, string>> = {
  'KYC basic': 'An identity document and a selfie.',
  'KYC with address': 'An identity document, a selfie and a proof of address.',
}

function toResult(applicant: SandboxApplicant): HostedResult | undefined {
  const { result, status } = applicant
  if (status === 'Created') return undefined
  if (status !== 'Reviewed' || !result) {
    return { tone: 'plain', title: 'Under review', text: 'Everything was submitted. The review is not finished yet.' }
  }
  if (result.reviewAnswer === 'Approved')
    return { tone: 'good', title: 'Approved', text: 'No further steps are needed.' }
  const reason = `Reason: ${result.rejectLabels?.join(', ')}.`
  if (isFinished(applicant)) return { tone: 'bad', title: 'Rejected', text: `${reason} This is final.` }
  return { tone: 'bad', title: 'Rejected for now', text: `${reason} You can try again.` }
}

function toActions({ id, status }: SandboxApplicant): HostedAction[] {
  const wait: HostedAction = {
    step: { id, to: 'pending' },
    label: 'Submit',
    note: 'The applicant stays pending until the review.',
    variant: 'quiet',
  }
  return [
    { step: { id, to: 'approved' }, label: 'Approve', note: 'The review approves the applicant.', variant: 'main' },
    {
      step: { id, to: 'rejected_retry' },
      label: 'Reject, allow another try',
      note: `The end user can try again, up to the ${MAX_ATTEMPTS}th rejection.`,
      variant: 'danger',
      reasons: { label: 'Label of a rejection that allows another try', codes: RETRY_LABELS },
    },
    {
      step: { id, to: 'rejected_final' },
      label: 'Reject finally',
      note: 'No further try is allowed.',
      variant: 'danger',
      reasons: { label: 'Label of a final rejection', codes: FINAL_LABELS },
    },
    ...(status === 'Pending' ? [] : [wait]),
  ]
}
