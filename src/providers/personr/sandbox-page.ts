import { type Choice, type HostedPages, type HostedSession, maskEmail, type Verdict } from '../../sandbox/hosted.ts'
import { type Applicant, isOver, MAX_TRIES } from './sandbox-applicant.ts'
import { RETRY_LABELS } from './wire.ts'

/** The labels after which nobody may try again that the documents name. */
const FINAL_LABELS = ['FORGERY', 'CRIMINAL']

/** A page belongs to a link; `applicantOf` knows whose it is. */
export function pages(applicantOf: (link: string) => Applicant | undefined): HostedPages {
  return {
    provider: 'Personr',
    paths: ['/hosted/:link'],
    find({ params: { link = '' } }) {
      const applicant = applicantOf(link)
      return applicant ? toPage(applicant) : 'UNKNOWN'
    },
  }
}

function toPage(applicant: Applicant): HostedSession {
  const { id, email, flowName, status, retries } = applicant
  const name = [applicant.nameFirst, applicant.nameLast].filter(Boolean).join(' ')
  return {
    title: 'Complete your verification',
    lead: 'You would upload a document and take a selfie. Here you choose what the reviewer answers.',
    asked: { heading: 'The flow', items: [{ name: flowName, note: FLOW_NOTES[flowName] }] },
    facts: [
      ['Applicant', name ? `${name} (${maskEmail(email)})` : maskEmail(email)],
      ['Applicant id', id],
      ['Status', status],
      ['Rejected tries', `${retries} of ${MAX_TRIES}`],
    ],
    verdict: toVerdict(applicant),
    choices: isOver(applicant) ? [] : toChoices(applicant),
    returnUrl: null,
  }
}

const FLOW_NOTES: Readonly<Record<string, string>> = {
  'KYC basic': 'An identity document and a selfie.',
  'KYC with address': 'An identity document, a selfie and a proof of address.',
}

function toVerdict(applicant: Applicant): Verdict | undefined {
  const { result, status } = applicant
  if (status === 'Created') return undefined
  if (status !== 'Reviewed' || !result) {
    return { tone: 'plain', title: 'Under review', text: 'Everything was handed in. The answer is still to come.' }
  }
  if (result.reviewAnswer === 'Approved') return { tone: 'good', title: 'Approved', text: 'Nothing more is needed.' }
  const reason = `Reason: ${result.rejectLabels?.join(', ')}.`
  if (isOver(applicant)) return { tone: 'bad', title: 'Rejected', text: `${reason} This is final.` }
  return { tone: 'bad', title: 'Rejected for now', text: `${reason} You may try again.` }
}

function toChoices({ id, status }: Applicant): Choice[] {
  const wait: Choice = {
    step: { id, to: 'pending' },
    label: 'Hand in and wait',
    note: 'The review takes its time: the applicant is pending.',
    looks: 'quiet',
  }
  return [
    { step: { id, to: 'approved' }, label: 'Approve', note: 'The review ends well.', looks: 'main' },
    {
      step: { id, to: 'rejected_retry' },
      label: 'Reject, try again',
      note: `The end user may try again, until the ${MAX_TRIES}th rejection.`,
      looks: 'danger',
      reasons: { label: 'Label of a rejection that allows another try', codes: RETRY_LABELS },
    },
    {
      step: { id, to: 'rejected_final' },
      label: 'Reject for good',
      note: 'Nobody may try again.',
      looks: 'danger',
      reasons: { label: 'Label of a final rejection', codes: FINAL_LABELS },
    },
    ...(status === 'Pending' ? [] : [wait]),
  ]
}
