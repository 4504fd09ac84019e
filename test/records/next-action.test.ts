import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PROVIDERS } from '../../src/domain/provider.ts'
import type { Applicant } from '../../src/domain/records/applicant.ts'
import { OUTCOMES } from '../../src/domain/records/decision.ts'
import { JOURNEY_STEPS, type Journeys, PLAIN_JOURNEY } from '../../src/domain/records/journey.ts'
import {
  NEXT_ACTION_KINDS,
  NEXT_ACTION_RULES,
  type NextActionKind,
  nextActionRuleFor,
  type SessionState,
  toNextAction,
} from '../../src/domain/records/next-action.ts'
import { SESSION_STATUSES, type Session } from '../../src/domain/records/session.ts'
import { type Registry, registry } from '../../src/providers/registry.ts'
import { quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const NOW = new Date('2026-05-05T12:00:00Z')
const PAGE = 'https://provider.example/hosted/1'

const JOURNEYS: Journeys = new Map(
  Object.values(registry as Registry).map(({ provider, journey = PLAIN_JOURNEY }) => [provider, journey]),
)

const SITUATIONS: readonly SessionState[] = SESSION_STATUSES.flatMap(status =>
  OUTCOMES.flatMap(outcome =>
    JOURNEY_STEPS.flatMap(step => [true, false].map(page => ({ status, outcome, step, page }))),
  ),
)
const OPENED = ['VERIFY', 'APPLY', 'OPEN_PORTAL', 'RETRY']

let made = 0
function session(reported: Partial<Session>): Session {
  made += 1
  return {
    id: `id-${made}`,
    provider: 'KAYLE',
    accountId: `account-${reported.provider ?? 'KAYLE'}`,
    applicantId: null,
    status: 'CREATED',
    outcome: 'PENDING',
    createdAt: new Date(NOW.getTime() - made),
    access: { hostedUrl: PAGE, sdkToken: null, cancelToken: null, expiresAt: null },
    ...reported,
  } as Session
}

/** The newest first. */
function aged(...sessions: readonly Partial<Session>[]): Session[] {
  return sessions.map((reported, age) => session({ createdAt: new Date(NOW.getTime() - age * 1000), ...reported }))
}

function actionOf(sessions: readonly Session[], applicants: readonly Applicant[] = []) {
  return toNextAction({ sessions, applicants }, JOURNEYS, NOW)
}

function kindOf(...sessions: readonly Partial<Session>[]): NextActionKind {
  return actionOf(aged(...sessions)).kind
}

function applicant(reported: Partial<Applicant>): Applicant {
  const sync = { fetchedAt: NOW, stale: false, source: 'FETCH', lastError: null } as const
  return {
    id: 'applicant-1',
    accountId: 'account-PERSONR',
    provider: 'PERSONR',
    createdAt: NOW,
    sync,
    ...reported,
  } as Applicant
}

describe('the next action', () => {
  test('is defined for every status, outcome and provider, with and without a page', () => {
    const reported = SESSION_STATUSES.flatMap(status =>
      OUTCOMES.flatMap(outcome =>
        PROVIDERS.flatMap(provider => [true, false].map(page => ({ status, outcome, provider, page }))),
      ),
    )
    for (const { page, ...situation } of reported) {
      const access = { hostedUrl: page ? PAGE : null, sdkToken: null, cancelToken: null, expiresAt: null }
      const reported = session({ ...situation, access })
      const action = actionOf([reported])
      const isOpen = ['CREATED', 'IN_PROGRESS'].includes(situation.status) && situation.outcome !== 'INCONCLUSIVE'
      expect(NEXT_ACTION_KINDS).toContain(action.kind)
      expect(action.session).toBe(reported)
      expect(action.kind, 'a decided session needs no action').toSatisfy(
        kind =>
          !['APPROVED', 'REJECTED'].includes(situation.outcome) ||
          kind === (situation.outcome === 'APPROVED' ? 'DONE' : 'REJECTED'),
      )
      expect(action.url, JSON.stringify({ ...situation, page, kind: action.kind })).toBe(
        isOpen && page && OPENED.includes(action.kind) ? PAGE : null,
      )
      expect(action.needsNewSession).toBe(OPENED.includes(action.kind) && action.url === null)
    }
  })

  test('needs each of its rules, and each kind comes from one', () => {
    const used = new Set(SITUATIONS.map(situation => nextActionRuleFor(situation)))
    expect([...used].length).toBe(NEXT_ACTION_RULES.length)
    expect(new Set(['START', ...NEXT_ACTION_RULES.map(({ kind }) => kind)])).toEqual(new Set(NEXT_ACTION_KINDS))
  })

  test('is documented in docs/reference/person.md rule by rule', () => {
    const rows = tableRows(readDoc('docs/reference/person.md')).filter(row => row.length === 6)
    const documented = rows.slice(1).map(([outcome = '', status = '', step = '', page, kind = '', because]) => ({
      outcome: quotedIn(outcome),
      status: quotedIn(status),
      step: quotedIn(step)[0],
      page,
      kind: quotedIn(kind)[0],
      because,
    }))
    const coded = NEXT_ACTION_RULES.map(({ outcome = [], status = [], step, page, kind, because }) => ({
      outcome,
      status,
      step,
      page: page === undefined ? '–' : page ? 'yes' : 'no',
      kind,
      because,
    }))
    expect(documented).toEqual(coded)
    const meanings = tableRows(readDoc('docs/reference/person.md')).filter(row => row.length === 2)
    expect(meanings.slice(1).map(([kind = '']) => quotedIn(kind)[0])).toEqual(NEXT_ACTION_KINDS)
  })

  test('is decided by the newest open session, however old it is', () => {
    expect(kindOf({ status: 'COMPLETED', outcome: 'APPROVED' }, { provider: 'YORLET' }, { provider: 'KAYLE' })).toBe(
      'APPLY',
    )
  })

  test('is decided by the newest ended session if none is open', () => {
    const approved = { status: 'COMPLETED', outcome: 'APPROVED' } as const
    const expired = { status: 'EXPIRED', outcome: 'NOT_APPLICABLE' } as const
    expect(kindOf(expired, approved), 'it was approved all the same').toBe('DONE')
    expect(kindOf(expired, { ...approved, outcome: 'REJECTED' })).toBe('RETRY')
    expect(kindOf(expired)).toBe('RETRY')
    expect(kindOf(approved, expired)).toBe('DONE')
    expect(kindOf({ status: 'COMPLETED', outcome: 'INCONCLUSIVE' }, approved)).toBe('DONE')
    expect(kindOf({ status: 'COMPLETED', outcome: 'INCONCLUSIVE' }, expired)).toBe('RETRY')
  })

  test('is decided by a closed portal only if there is nothing else', () => {
    const portal = { provider: 'RAPIDLY', status: 'EXPIRED', outcome: 'NOT_APPLICABLE' } as const
    expect(kindOf(portal, { status: 'EXPIRED', outcome: 'NOT_APPLICABLE' })).toBe('RETRY')
    expect(kindOf(portal)).toBe('DONE')
  })

  test('is START without a session', () => {
    expect(actionOf([])).toEqual({ kind: 'START', needsNewSession: true, session: null, url: null, expiresAt: null })
  })

  test('opens no page that has expired', () => {
    const access = (expiresAt: Date) => ({ hostedUrl: PAGE, sdkToken: null, cancelToken: null, expiresAt })
    const later = new Date(NOW.getTime() + 1)
    expect(actionOf([session({ access: access(later) })])).toMatchObject({ url: PAGE, expiresAt: later })
    expect(actionOf([session({ access: access(NOW) })])).toMatchObject({ url: null, expiresAt: null })
  })
})

describe('the next action of a person', () => {
  const APPROVED = { status: 'COMPLETED', outcome: 'APPROVED' } as const
  const REJECTED = { status: 'COMPLETED', outcome: 'REJECTED' } as const
  const portal = { provider: 'RAPIDLY', status: 'IN_PROGRESS', outcome: 'NOT_APPLICABLE' } as const
  const retry = { provider: 'PERSONR', status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY' } as const
  const link = { provider: 'PERSONR', applicantId: 'applicant-1' } as const

  test.each([
    [APPROVED, 'DONE'],
    [REJECTED, 'REJECTED'],
  ] as const)('whose applicant is decided opens no second link (%o)', (decided, kind) => {
    const own = aged(link, { ...link, ...decided })
    expect(actionOf(own, [applicant(decided)])).toMatchObject({ kind, url: null, session: own[1] })
    const [second] = own
    expect(actionOf([second as Session], [applicant(decided)])).toMatchObject({ kind, url: null })
    expect(actionOf(own, [applicant(retry)]), 'a retry uses the newer link').toMatchObject({
      kind: 'VERIFY',
      session: own[0],
    })
    const elsewhere = { provider: 'KAYLE', applicantId: 'applicant-1' } as const
    expect(actionOf(aged(elsewhere), [applicant(decided)]), 'no decision of another provider').toMatchObject({
      kind: 'VERIFY',
    })
  })

  test.each([
    ['a retry', retry, 'RETRY'],
    ['a verification', {}, 'VERIFY'],
    ['an application', { provider: 'YORLET' }, 'APPLY'],
    ['a review', { provider: 'VERILOCK', status: 'IN_PROGRESS' }, 'WAIT'],
    ['one that expired', { status: 'EXPIRED', outcome: 'NOT_APPLICABLE' }, 'RETRY'],
    ['a rejection', REJECTED, 'REJECTED'],
  ] as const)('with %s is not hidden by a newer portal', (_, reported, kind) => {
    const own = aged(portal, reported)
    expect(actionOf(own)).toMatchObject({ kind, session: own[1] })
  })

  test('who is done is the portal', () => {
    expect(kindOf(portal, APPROVED)).toBe('OPEN_PORTAL')
    expect(kindOf({ ...portal, status: 'EXPIRED' }, APPROVED)).toBe('DONE')
  })

  test('whose applicant has no session is that of the applicant', () => {
    expect(actionOf([], [applicant(retry)])).toMatchObject({ kind: 'RETRY', session: null, url: null })
    expect(actionOf([], [applicant({ status: 'IN_PROGRESS', outcome: 'PENDING' })]).kind).toBe('WAIT')
    expect(actionOf([], [applicant({ status: 'CREATED', outcome: 'PENDING' })]).kind).toBe('START')
    expect(actionOf(aged(portal), [applicant(retry)]).kind).toBe('RETRY')
  })

  test('who was rejected is never decided by sessions without a decision', () => {
    const own = aged({ provider: 'YORLET', status: 'COMPLETED', outcome: 'NOT_APPLICABLE' }, REJECTED)
    expect(actionOf(own)).toMatchObject({ kind: 'REJECTED', session: own[1] })
  })

  test('with an open session and a newer approval of the same provider is not the open session', () => {
    expect(kindOf(APPROVED, {})).toBe('DONE')
    expect(kindOf({}, APPROVED)).toBe('VERIFY')
    expect(kindOf(APPROVED, { provider: 'VERILOCK' })).toBe('VERIFY')
  })

  test('waiting for one provider is that of another provider that needs the user', () => {
    expect(kindOf({ provider: 'VERILOCK', status: 'IN_PROGRESS' }, {})).toBe('VERIFY')
  })

  test('opens no ended session, hides no required action, and never reports success after a rejection', () => {
    fc.assert(
      fc.property(
        fc.array(lives, { maxLength: 6 }),
        fc.constantFrom(null, 'CREATED', ...DECISIONS),
        (reported, decision) => {
          const own = aged(...reported.map(toSession))
          const deciding = decision === null ? [] : [applicant(toVerdict(decision))]
          const action = actionOf(own, deciding)
          const isFinal = (outcome: string | null) => outcome === 'APPROVED' || outcome === 'REJECTED'
          // Personr's data of the applicant, if either source has a decision.
          const follows = ({ provider, outcome }: Session) =>
            provider === 'PERSONR' && (isFinal(decision) || isFinal(outcome))
          const truthOf = (each: Session) => (decision !== null && follows(each) ? toVerdict(decision) : each)
          const decided = (each: Session) => isFinal(truthOf(each).outcome)
          const isOpen = (each: Session) => ['CREATED', 'IN_PROGRESS'].includes(truthOf(each).status) && !decided(each)
          const overtaken = (each: Session) =>
            own.some((other, index) => index < own.indexOf(each) && other.provider === each.provider && decided(other))
          if (action.url) {
            expect(action.session).toSatisfy((each: Session) => isOpen(each) && !overtaken(each))
            expect(action.session?.access?.expiresAt ?? null).not.toEqual(NOW)
          }
          for (const provider of PROVIDERS) {
            const only = ({ provider: at }: { readonly provider: string }) => at === provider
            const alone = actionOf(own.filter(only), deciding.filter(only))
            if (alone.session) expect(alone.session.provider).toBe(provider)
          }
          const request = own.find(
            (each, index) =>
              truthOf(each).status === 'CREATED' &&
              each.provider !== 'RAPIDLY' &&
              isOpen(each) &&
              !own.slice(0, index).some(newer => newer.provider === each.provider),
          )
          if (request) expect(['VERIFY', 'APPLY', 'RETRY']).toContain(action.kind)
          const newest = own.find(decided)
          if (action.kind === 'START') expect(own).toEqual([])
          if (action.kind !== 'DONE' || !newest || truthOf(newest).outcome !== 'REJECTED') return
          // An applicant without a session was decided last.
          if (!action.session) expect(isFinal(decision)).toBe(true)
          else expect.fail('a rejected person gets a success message')
        },
      ),
      { numRuns: 2_000, seed: Number(process.env.SEED ?? 17) },
    )
  })
})

const DECISIONS = ['APPROVED', 'REJECTED', 'NEEDS_RETRY'] as const
/** The outcomes of ended sessions without a decision. */
const UNDECIDED = ['IN_REVIEW', 'INCONCLUSIVE'] as const
type Decision = (typeof DECISIONS)[number]

function toVerdict(decision: Decision | 'CREATED') {
  if (decision === 'CREATED') return { status: 'CREATED', outcome: 'PENDING' } as const
  return { status: decision === 'NEEDS_RETRY' ? 'IN_PROGRESS' : 'COMPLETED', outcome: decision } as const
}

/** The possible results of a session at each provider. */
const lives = fc.record({
  provider: fc.constantFrom(...PROVIDERS),
  state: fc.constantFrom('CREATED', 'IN_PROGRESS', 'CANCELED', 'EXPIRED', ...DECISIONS, ...UNDECIDED, 'COMPLETED'),
  page: fc.constantFrom('open', 'expired', 'none'),
})

function toSession({
  provider,
  state,
  page,
}: typeof lives extends fc.Arbitrary<infer L> ? L : never): Partial<Session> {
  const decides = provider !== 'RAPIDLY' && provider !== 'YORLET'
  const access = { hostedUrl: page === 'none' ? null : PAGE, sdkToken: null, cancelToken: null }
  const own = { provider, applicantId: provider === 'PERSONR' ? 'applicant-1' : null }
  const shown = { ...own, access: { ...access, expiresAt: page === 'expired' ? NOW : null } }
  if (DECISIONS.some(decision => decision === state) && decides) return { ...shown, ...toVerdict(state as Decision) }
  const undecided = UNDECIDED.find(outcome => outcome === state)
  if (undecided && decides) return { ...shown, status: 'COMPLETED', outcome: undecided }
  const status = [...DECISIONS, ...UNDECIDED].some(outcome => outcome === state)
    ? 'COMPLETED'
    : (state as Session['status'])
  const isOpen = status === 'CREATED' || status === 'IN_PROGRESS'
  return { ...shown, status, outcome: decides && isOpen ? 'PENDING' : 'NOT_APPLICABLE' }
}
