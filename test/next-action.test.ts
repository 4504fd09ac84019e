import { describe, expect, test } from 'vitest'
import {
  NEXT_ACTION_KINDS,
  NEXT_ACTION_RULES,
  type NextActionKind,
  ruleFor,
  type Situation,
  toNextAction,
} from '../src/domain/next-action.ts'
import { OUTCOMES } from '../src/domain/outcome.ts'
import { PROVIDERS } from '../src/domain/provider.ts'
import { SESSION_STATUSES, type Session } from '../src/domain/session.ts'
import { quotedIn, readDoc, tableRows } from './harness/docs.ts'

const NOW = new Date('2026-05-05T12:00:00Z')
const PAGE = 'https://provider.example/hosted/1'

const SITUATIONS: readonly Situation[] = SESSION_STATUSES.flatMap(status =>
  OUTCOMES.flatMap(outcome =>
    PROVIDERS.flatMap(provider => [true, false].map(page => ({ status, outcome, provider, page }))),
  ),
)

let made = 0
function session(told: Partial<Session>): Session {
  made += 1
  return {
    id: `id-${made}`,
    provider: 'KAYLE',
    status: 'CREATED',
    outcome: 'PENDING',
    createdAt: new Date(NOW.getTime() - made),
    access: { hostedUrl: PAGE, token: null, cancelToken: null, expiresAt: null },
    ...told,
  } as Session
}

function kindOf(...sessions: readonly Partial<Session>[]): NextActionKind {
  return toNextAction(
    sessions.map((told, age) => session({ createdAt: new Date(NOW.getTime() - age * 1000), ...told })),
    NOW,
  ).kind
}

describe('the next action', () => {
  test('has an answer to every status, outcome and provider, with a page and without', () => {
    expect(SITUATIONS).toHaveLength(SESSION_STATUSES.length * OUTCOMES.length * PROVIDERS.length * 2)
    for (const { page, ...situation } of SITUATIONS) {
      const access = { hostedUrl: page ? PAGE : null, token: null, cancelToken: null, expiresAt: null }
      const told = session({ ...situation, access })
      const action = toNextAction([told], NOW)
      const isOpen = ['CREATED', 'IN_PROGRESS'].includes(situation.status)
      expect(NEXT_ACTION_KINDS).toContain(action.kind)
      expect(action.session).toBe(told)
      expect(action.kind, 'what is decided asks for nothing').toSatisfy(
        kind => !['APPROVED', 'REJECTED'].includes(situation.outcome) || kind === 'NONE',
      )
      expect(action.url, JSON.stringify({ ...situation, page, kind: action.kind })).toBe(
        isOpen && page && ['VERIFY', 'APPLY', 'OPEN_PORTAL', 'RETRY'].includes(action.kind) ? PAGE : null,
      )
    }
  })

  test('needs each of its rules, and each kind comes from one', () => {
    const used = new Set(SITUATIONS.map(situation => ruleFor(situation)))
    expect([...used].length).toBe(NEXT_ACTION_RULES.length)
    expect(new Set(NEXT_ACTION_RULES.map(({ kind }) => kind))).toEqual(new Set(NEXT_ACTION_KINDS))
  })

  test('stands in docs/person.md rule by rule', () => {
    const rows = tableRows(readDoc('docs/person.md')).filter(row => row.length === 6)
    const documented = rows.slice(1).map(([outcome = '', status = '', provider = '', page, kind = '', because]) => ({
      outcome: quotedIn(outcome),
      status: quotedIn(status),
      provider: quotedIn(provider),
      page,
      kind: quotedIn(kind)[0],
      because,
    }))
    const coded = NEXT_ACTION_RULES.map(({ outcome = [], status = [], provider = [], page, kind, because }) => ({
      outcome,
      status,
      provider,
      page: page === undefined ? '–' : page ? 'yes' : 'no',
      kind,
      because,
    }))
    expect(documented).toEqual(coded)
    const meanings = tableRows(readDoc('docs/person.md')).filter(row => row.length === 2)
    expect(meanings.slice(1).map(([kind = '']) => quotedIn(kind)[0])).toEqual(NEXT_ACTION_KINDS)
  })

  test('is decided by the newest session that is open, however old it is', () => {
    expect(kindOf({ status: 'COMPLETED', outcome: 'APPROVED' }, { provider: 'YORLET' }, { provider: 'KAYLE' })).toBe(
      'APPLY',
    )
  })

  test('is decided by the newest that is not where none is open', () => {
    const approved = { status: 'COMPLETED', outcome: 'APPROVED' } as const
    const expired = { status: 'EXPIRED', outcome: 'NOT_APPLICABLE' } as const
    expect(kindOf(expired, approved)).toBe('RETRY')
    expect(kindOf(approved, expired)).toBe('NONE')
  })

  test('is decided by a closed portal only where there is nothing else', () => {
    const portal = { provider: 'RAPIDLY', status: 'EXPIRED', outcome: 'NOT_APPLICABLE' } as const
    expect(kindOf(portal, { status: 'EXPIRED', outcome: 'NOT_APPLICABLE' })).toBe('RETRY')
    expect(kindOf(portal)).toBe('NONE')
  })

  test('is NONE without a session', () => {
    expect(toNextAction([], NOW)).toEqual({ kind: 'NONE', session: null, url: null, expiresAt: null })
  })

  test('opens no page that has expired', () => {
    const access = (expiresAt: Date) => ({ hostedUrl: PAGE, token: null, cancelToken: null, expiresAt })
    const later = new Date(NOW.getTime() + 1)
    expect(toNextAction([session({ access: access(later) })], NOW)).toMatchObject({ url: PAGE, expiresAt: later })
    expect(toNextAction([session({ access: access(NOW) })], NOW)).toMatchObject({ url: null, expiresAt: null })
  })
})
