import type { Outcome } from './outcome.ts'
import type { Provider } from './provider.ts'
import type { Session, SessionStatus } from './session.ts'

export const NEXT_ACTION_KINDS = ['VERIFY', 'APPLY', 'OPEN_PORTAL', 'WAIT', 'RETRY', 'NONE', 'UNKNOWN'] as const
/** What an app has its user do next. */
export type NextActionKind = (typeof NEXT_ACTION_KINDS)[number]

export interface NextAction {
  readonly kind: NextActionKind
  /** The session that decided; null where the person has none. */
  readonly session: Session | null
  /** The page to open, and until when it is there. */
  readonly url: string | null
  readonly expiresAt: Date | null
}

/** What is not named holds for all. `page`: whether the session has a page that can still be opened. */
export interface NextActionRule {
  readonly outcome?: readonly Outcome[]
  readonly status?: readonly SessionStatus[]
  readonly provider?: readonly Provider[]
  readonly page?: boolean
  readonly kind: NextActionKind
  readonly because: string
}

const OPEN: readonly SessionStatus[] = ['CREATED', 'IN_PROGRESS']
/** A portal is opened at will and is no step on the way: once closed, it says nothing about what comes next. */
const PORTALS: readonly Provider[] = ['RAPIDLY']

/** The first that fits counts. docs/person.md shows the same table. A provider that no rule names verifies. */
export const NEXT_ACTION_RULES: readonly NextActionRule[] = [
  { outcome: ['APPROVED', 'REJECTED'], kind: 'NONE', because: 'it is decided' },
  { outcome: ['NEEDS_RETRY'], kind: 'RETRY', because: 'the provider wants it done again' },
  { status: ['CANCELED', 'EXPIRED'], provider: PORTALS, kind: 'NONE', because: 'a closed portal asks for nothing' },
  { status: ['CANCELED', 'EXPIRED'], kind: 'RETRY', because: 'it ended before its time: make a new session' },
  { status: ['COMPLETED'], outcome: ['NOT_APPLICABLE'], kind: 'NONE', because: 'it is done, and nobody decides' },
  { status: ['COMPLETED'], outcome: ['PENDING'], kind: 'WAIT', because: 'the user is done, the provider is not' },
  { status: ['IN_PROGRESS'], page: false, kind: 'WAIT', because: 'it goes on, and there is nothing to open' },
  { status: OPEN, provider: ['YORLET'], kind: 'APPLY', because: 'the application is open' },
  { status: OPEN, provider: PORTALS, kind: 'OPEN_PORTAL', because: 'the portal is open' },
  { status: ['CREATED'], kind: 'VERIFY', because: 'the user has not begun' },
  { status: ['IN_PROGRESS'], provider: ['KAYLE'], kind: 'VERIFY', because: 'the user is at it, and can come back' },
  { status: ['IN_PROGRESS'], kind: 'WAIT', because: 'the provider is at it' },
  { kind: 'UNKNOWN', because: 'the provider used a word that nobody knows, or told no outcome' },
]

/** What a person does next, by the newest session that is open, else by the newest that is not. */
export function toNextAction(sessions: readonly Session[], now: Date): NextAction {
  const session = [...sessions].sort(byUrgency)[0]
  if (!session) return { kind: 'NONE', session: null, url: null, expiresAt: null }
  const page = pageOf(session, now)
  const { kind } = ruleFor({
    outcome: session.outcome,
    status: session.status,
    provider: session.provider,
    page: page !== null,
  })
  const opens = page !== null && kind !== 'WAIT' && kind !== 'NONE' && kind !== 'UNKNOWN'
  return { kind, session, url: opens ? page : null, expiresAt: opens ? (session.access?.expiresAt ?? null) : null }
}

export interface Situation extends Pick<Session, 'outcome' | 'status' | 'provider'> {
  readonly page: boolean
}

export function ruleFor({ outcome, status, provider, page }: Situation): NextActionRule {
  const found = NEXT_ACTION_RULES.find(
    rule =>
      (rule.outcome?.includes(outcome) ?? true) &&
      (rule.status?.includes(status) ?? true) &&
      (rule.provider?.includes(provider) ?? true) &&
      (rule.page === undefined || rule.page === page),
  )
  if (!found) throw new Error('The last rule of the table has to fit everything.')
  return found
}

function byUrgency(one: Session, other: Session): number {
  return (
    urgencyOf(one) - urgencyOf(other) ||
    other.createdAt.getTime() - one.createdAt.getTime() ||
    (one.id < other.id ? 1 : -1)
  )
}

/** 0: open. 1: not open. 2: a portal that is not open. */
function urgencyOf({ status, provider }: Session): number {
  if (OPEN.includes(status)) return 0
  return PORTALS.includes(provider) ? 2 : 1
}

function pageOf({ status, access }: Session, now: Date): string | null {
  if (!OPEN.includes(status) || (access?.expiresAt && access.expiresAt <= now)) return null
  return access?.hostedUrl ?? null
}
