import type { Provider } from '../provider.ts'
import type { Applicant } from './applicant.ts'
import { isDecided, type Outcome } from './decision.ts'
import { type Journey, type JourneyStep, type Journeys, PLAIN_JOURNEY } from './journey.ts'
import type { Session, SessionStatus } from './session.ts'

export const NEXT_ACTION_KINDS = [
  'START',
  'VERIFY',
  'APPLY',
  'OPEN_PORTAL',
  'RETRY',
  'WAIT',
  'DONE',
  'REJECTED',
  'UNKNOWN',
] as const
/** What the app has the user do next. */
export type NextActionKind = (typeof NEXT_ACTION_KINDS)[number]

export interface NextAction {
  readonly kind: NextActionKind
  /** True if the action requires a session that does not exist: none was started, or no page of it can be opened. */
  readonly needsNewSession: boolean
  /** The session that determines the action; null if none does. */
  readonly session: Session | null
  /** The page to open, and when it expires. */
  readonly url: string | null
  readonly expiresAt: Date | null
}

/** An absent field matches everything. `page`: whether a page can still be opened. */
export interface NextActionRule {
  readonly outcome?: readonly Outcome[]
  readonly status?: readonly SessionStatus[]
  readonly step?: JourneyStep
  readonly page?: boolean
  readonly kind: NextActionKind
  readonly because: string
}

const OPEN: readonly SessionStatus[] = ['CREATED', 'IN_PROGRESS']

/** The actions that open the page of a session. */
const OPENS_PAGE: readonly NextActionKind[] = ['VERIFY', 'APPLY', 'OPEN_PORTAL', 'RETRY']

/** The first matching rule applies. docs/reference/person.md shows the same table. */
export const NEXT_ACTION_RULES: readonly NextActionRule[] = [
  { outcome: ['APPROVED'], kind: 'DONE', because: 'the provider approved' },
  { outcome: ['REJECTED'], kind: 'REJECTED', because: 'the provider rejected' },
  { outcome: ['NEEDS_RETRY'], kind: 'RETRY', because: 'the provider requires another try' },
  { outcome: ['INCONCLUSIVE'], kind: 'RETRY', because: 'it ended without a decision: create a new session' },
  { step: 'PORTAL', page: false, kind: 'DONE', because: 'a closed portal needs no action' },
  { status: ['CANCELED', 'EXPIRED'], kind: 'RETRY', because: 'it ended early: create a new session' },
  { outcome: ['IN_REVIEW'], kind: 'WAIT', because: 'a person at the provider reviews it' },
  {
    status: ['COMPLETED'],
    outcome: ['NOT_APPLICABLE'],
    kind: 'DONE',
    because: 'it is complete, and there is no decision',
  },
  {
    status: ['COMPLETED'],
    outcome: ['PENDING'],
    kind: 'WAIT',
    because: 'the user has finished, the provider has not decided',
  },
  { status: ['IN_PROGRESS'], page: false, kind: 'WAIT', because: 'it is in progress, without a page to open' },
  { status: OPEN, step: 'APPLICATION', kind: 'APPLY', because: 'the application is open' },
  { status: OPEN, step: 'PORTAL', kind: 'OPEN_PORTAL', because: 'the portal is open' },
  { status: OPEN, kind: 'VERIFY', because: 'the user has not started, or can return' },
  { kind: 'UNKNOWN', because: 'the status is unrecognized, or the outcome is missing' },
]

export interface SessionState {
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly step: JourneyStep
  readonly page: boolean
}

export function nextActionRuleFor({ outcome, status, step, page }: SessionState): NextActionRule {
  const found = NEXT_ACTION_RULES.find(
    rule =>
      (rule.outcome?.includes(outcome) ?? true) &&
      (rule.status?.includes(status) ?? true) &&
      (rule.step === undefined || rule.step === step) &&
      (rule.page === undefined || rule.page === page),
  )
  if (!found) throw new Error('The last rule of the table has to match everything.')
  return found
}

/** A session, or an applicant without sessions. */
interface Stage {
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly journey: Journey
  readonly session: Session | null
  /** Only the newest open stage of each course counts. */
  readonly journeyKey: string
  readonly provider: Provider
  readonly createdAt: Date
  readonly id: string
  readonly page: string | null
  readonly kind: NextActionKind
}

/** The records that the next action depends on. */
export interface ActionRecords {
  readonly sessions: readonly Session[]
  readonly applicants: readonly Applicant[]
}

/** The next action of a person, or of one session. docs/reference/person.md describes which stage determines it. */
export function toNextAction(known: ActionRecords, journeys: Journeys, now: Date): NextAction {
  const stage = choose(toStages(known, journeys, now).sort(byAge))
  if (!stage) return { kind: 'START', needsNewSession: true, session: null, url: null, expiresAt: null }
  const { kind, session, page } = stage
  const opensPage = OPENS_PAGE.includes(kind)
  const url = opensPage ? page : null
  const expiresAt = url === null ? null : (session?.access?.expiresAt ?? null)
  return { kind, needsNewSession: opensPage && url === null, session, url, expiresAt }
}

/** The stage that determines the action. `stages` are sorted by age, newest first. */
function choose(stages: readonly Stage[]): Stage | undefined {
  const [steps, portals] = [stages.filter(stage => !isPortal(stage)), stages.filter(isPortal)]
  const open = steps.filter(stage => isOpen(stage) && !isOvertaken(stage, steps))
  const newest = open.filter(
    ({ journeyKey }, index) => open.findIndex(other => other.journeyKey === journeyKey) === index,
  )
  const actionable = newest.find(({ kind }) => kind !== 'WAIT') ?? newest[0]
  const finished = chooseFinished(steps.filter(stage => !isOpen(stage)))
  const portal = portals.find(isOpen)
  return actionable ?? (finished && finished.kind !== 'DONE' ? finished : (portal ?? finished)) ?? portals[0]
}

/** The newest finished stage. An abandoned one does not hide a decision. */
function chooseFinished(finished: readonly Stage[]): Stage | undefined {
  const isApproved = finished.some(({ outcome }) => outcome === 'APPROVED')
  const counting = isApproved ? finished.filter(stage => !endedUndecided(stage)) : finished
  const decision = counting.find(isDecided)
  const [newest] = counting
  if (!newest || (newest.kind !== 'DONE' && newest.kind !== 'REJECTED') || !decision) return newest
  // Prefer the session that carries the decision over others that the decision applies to.
  const { journeyKey, outcome } = decision
  return counting.find(stage => stage.journeyKey === journeyKey && stage.session?.outcome === outcome) ?? decision
}

function endedUndecided({ status, outcome }: Stage): boolean {
  return !isDecided({ outcome }) && (status === 'CANCELED' || status === 'EXPIRED' || outcome === 'INCONCLUSIVE')
}

/** True for an open stage that is older than a decision of the same provider. */
function isOvertaken(stage: Stage, stages: readonly Stage[]): boolean {
  return stages.some(
    other => other.provider === stage.provider && isDecided(other) && byAge(other, stage) < 0 && other !== stage,
  )
}

function isOpen({ status, journey, page, outcome }: Stage): boolean {
  if (isDecided({ outcome }) || outcome === 'INCONCLUSIVE') return false
  return journey.step === 'PORTAL' ? page !== null : OPEN.includes(status)
}

function isPortal({ journey }: Stage): boolean {
  return journey.step === 'PORTAL'
}

/** Newest first. */
function byAge(one: Pick<Stage, 'createdAt' | 'id'>, other: Pick<Stage, 'createdAt' | 'id'>): number {
  return other.createdAt.getTime() - one.createdAt.getTime() || (one.id < other.id ? 1 : -1)
}

function toStages({ sessions, applicants }: ActionRecords, journeys: Journeys, now: Date): Stage[] {
  const journeyOf = ({ provider }: Pick<Session, 'provider'>) => journeys.get(provider) ?? PLAIN_JOURNEY
  const deciding = new Map(
    applicants.filter(each => journeyOf(each).decidesByApplicant && each.sync).map(each => [each.id, each]),
  )
  const applicantOf = (session: Session) => {
    const applicant = deciding.get(session.applicantId ?? '')
    return applicant?.accountId === session.accountId ? applicant : undefined
  }
  const alone = [...deciding.values()].filter(({ id }) => !sessions.some(session => applicantOf(session)?.id === id))
  return [
    ...sessions.map(session => toStage(session, applicantOf(session), journeyOf(session), now)),
    // An applicant whose verification has not started needs no action.
    ...alone.filter(({ status }) => status !== 'CREATED').map(applicant => toStageOf(applicant, journeyOf(applicant))),
  ]
}

function toStage(session: Session, applicant: Applicant | undefined, journey: Journey, now: Date): Stage {
  const { id, provider, createdAt } = session
  const { status, outcome } = verdictOf(session, applicant)
  const page = pageOf(session, { status, outcome, journey, now })
  const { kind } = nextActionRuleFor({ status, outcome, step: journey.step, page: page !== null })
  const journeyKey = applicant?.id ?? provider
  return { status, outcome, journey, session, journeyKey, provider, createdAt, id, page, kind }
}

function toStageOf({ id, provider, createdAt, status, outcome }: Applicant, journey: Journey): Stage {
  const { kind } = nextActionRuleFor({ status, outcome, step: journey.step, page: false })
  return { status, outcome, journey, session: null, journeyKey: id, provider, createdAt, id, page: null, kind }
}

/** A decision about an applicant, or its withdrawal, applies to each of its sessions. */
function verdictOf(session: Session, applicant: Applicant | undefined): Pick<Session, 'outcome' | 'status'> {
  return applicant && (isDecided(applicant) || isDecided(session)) ? applicant : session
}

interface Standing extends Pick<Stage, 'journey' | 'outcome' | 'status'> {
  readonly now: Date
}

/** The page of an open session that has not expired and that the user can return to or has to. */
function pageOf({ access }: Session, { status, outcome, journey, now }: Standing): string | null {
  if (!OPEN.includes(status) || outcome === 'INCONCLUSIVE') return null
  if (access?.expiresAt && access.expiresAt <= now) return null
  const isClosed = status === 'IN_PROGRESS' && !journey.resumable && outcome !== 'NEEDS_RETRY'
  return isClosed ? null : (access?.hostedUrl ?? null)
}
