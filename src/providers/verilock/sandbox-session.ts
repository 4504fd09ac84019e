import { random } from '../../sandbox/random.ts'
import { SandboxInputError } from '../../sandbox/sandbox.ts'
import type { CreateSessionBody, SESSION_STATUSES, STEP_STATUSES } from './wire.ts'

export interface Profile {
  readonly id: string
  readonly steps: readonly string[]
  /** True if reads omit the metadata of its sessions, as in the older documentation. */
  readonly hidesMetadata?: boolean
}

interface Result {
  readonly status: (typeof STEP_STATUSES)[number]
  readonly score?: number
  readonly type?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** A stored session. */
export interface SandboxSession {
  readonly id: string
  readonly token: string
  readonly status: (typeof SESSION_STATUSES)[number]
  readonly input: CreateSessionBody
  readonly steps: readonly string[]
  readonly hidesMetadata?: boolean
  readonly results: Readonly<Record<string, Result>>
  /** The steps with an uploaded file. */
  readonly uploaded: readonly string[]
  readonly created_at: string
  readonly expires_at: string
  readonly completed_at: string | null
}

export function newSession(input: CreateSessionBody, { steps, hidesMetadata }: Profile, now: Date): SandboxSession {
  return {
    id: `ses_${random.uuid()}`,
    token: `tok_${random.lower(32)}`,
    status: 'created',
    input,
    steps,
    hidesMetadata,
    results: resultsOf(steps, 'not_started'),
    uploaded: [],
    created_at: toIsoTime(now),
    expires_at: toIsoTime(new Date(now.getTime() + (input.expires_in ?? 3600) * 1000)),
    completed_at: null,
  }
}

/** The session in its current state: it expires if nobody started it in time. */
export function stateAt(session: SandboxSession, now: Date): SandboxSession {
  const overdue = session.status === 'created' && Date.parse(session.expires_at) <= now.getTime()
  return overdue ? { ...session, status: 'expired' } : session
}

/** The session after a control step. `failedStep` is the reason of a decline. */
export function advance(session: SandboxSession, to: string, now: Date, failedStep?: string): SandboxSession {
  const allowed = MOVES[session.status] ?? []
  switch (allowed.find(step => step === to)) {
    case 'processing':
      return { ...session, status: 'processing', results: resultsOf(session.steps, 'pending') }
    case 'expired':
      return { ...session, status: 'expired' }
    case 'approved':
      return { ...session, status: 'approved', results: approved(session.steps), completed_at: toIsoTime(now) }
    case 'declined':
      return {
        ...session,
        status: 'declined',
        results: declined(session.steps, failedStep),
        completed_at: toIsoTime(now),
      }
  }
  throw new SandboxInputError(
    allowed.length > 0
      ? `A session that is ${session.status} can become ${allowed.join(', ')}.`
      : `A session that is ${session.status} stays so.`,
  )
}

const MOVES: Partial<Record<SandboxSession['status'], SandboxSession['status'][]>> = {
  created: ['processing', 'approved', 'declined', 'expired'],
  processing: ['approved', 'declined'],
}

const APPROVED: Readonly<Record<string, Result>> = {
  document: {
    status: 'approved',
    type: 'passport',
    details: { document_number: '12AB34567', issuing_country: 'FR', expiry_date: '2030-08-21' },
  },
  selfie: { status: 'approved' },
  face_match: { status: 'approved', score: 0.97, details: { similarity: 'very_high' } },
  liveness: { status: 'approved', score: 0.99, details: { is_live: true } },
  aml: { status: 'approved', score: 0.02, details: { pep: false, sanctions: false, adverse_media: false } },
}

const DECLINED: Readonly<Record<string, Result>> = {
  face_match: { status: 'declined', score: 0.31, details: { similarity: 'low' } },
  liveness: { status: 'declined', score: 0.12, details: { is_live: false } },
  aml: { status: 'declined', score: 0.91, details: { pep: false, sanctions: true, adverse_media: false } },
}

function approved(steps: readonly string[]): SandboxSession['results'] {
  return Object.fromEntries(steps.map(step => [step, APPROVED[step] ?? { status: 'approved' }]))
}

function declined(steps: readonly string[], failedStep = steps[0] ?? ''): SandboxSession['results'] {
  if (!steps.includes(failedStep)) {
    throw new SandboxInputError(`failureCode is the step that declined: ${steps.join(', ')}.`)
  }
  const at = steps.indexOf(failedStep)
  return {
    ...resultsOf(steps, 'not_started'),
    ...approved(steps.slice(0, at)),
    [failedStep]: DECLINED[failedStep] ?? { status: 'declined' },
  }
}

function resultsOf(steps: readonly string[], status: Result['status']): SandboxSession['results'] {
  return Object.fromEntries(steps.map(step => [step, { status }]))
}

/** Verilock's times have whole seconds. */
export function toIsoTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}
