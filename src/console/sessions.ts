import {
  countSessionGroups,
  findSessionLine,
  listSessionLines,
  MOST_LOOKED_AT,
  type SessionGroup,
} from '../../db/console-repository.ts'
import { listEvents } from '../../db/event-repository.ts'
import { NotFoundError } from '../domain/errors.ts'
import { PROVIDERS } from '../domain/provider.ts'
import type { Answer } from './desk.ts'
import { withGlobalId } from './global-id.ts'

const DAY_MS = 86_400_000
const DAYS = 30
const LINES = 50
const MOST_EVENTS = 500

/** `?provider&status&outcome`: the last 30 days counted, the funnel of each provider, and the newest that match. */
export const showSessions: Answer = async ({ db, now, remember }, { tenantId }, { search }) => {
  const today = now().getTime() - (now().getTime() % DAY_MS)
  const since = new Date(today - (DAYS - 1) * DAY_MS)
  const groups = await remember(`sessions|${tenantId}`, () => countSessionGroups(db, tenantId, since))
  const filter = pick(search, ['provider', 'status', 'outcome'])
  const rows = await listSessionLines(db, tenantId, filter, { since, limit: LINES })
  const total = sum(groups)
  return {
    days: DAYS,
    total,
    /** True where only the newest were counted. */
    cut: total >= MOST_LOOKED_AT,
    groups: byState(groups),
    funnels: PROVIDERS.map(provider => toFunnel(provider, groups)).filter(({ created }) => created > 0),
    daily: toDaily(groups, since),
    rows: rows.map(row => withGlobalId('Session', row)),
  }
}

/** One session and what happened to it. Throws NOT_FOUND. */
export const showSession: Answer = async ({ db }, { tenantId }, { id }) => {
  const session = await findSessionLine(db, tenantId, id)
  if (!session) throw new NotFoundError('There is no such session.')
  const events = await listEvents(db, { tenantId, sessionId: id, after: 0, limit: MOST_EVENTS + 1 })
  return {
    session: withGlobalId('Session', session),
    events: events.slice(0, MOST_EVENTS).map(({ at, source, data }) => ({ at, source, ...data })),
    /** True where only the first are shown. */
    cut: events.length > MOST_EVENTS,
  }
}

function pick(search: URLSearchParams, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap(name => (search.get(name) ? [[name, search.get(name) ?? '']] : [])))
}

function byState(groups: readonly SessionGroup[]) {
  const counted = new Map<string, { status: string; outcome: string; count: number }>()
  for (const { status, outcome, count } of groups) {
    const key = `${status}|${outcome}`
    counted.set(key, { status, outcome, count: count + (counted.get(key)?.count ?? 0) })
  }
  return [...counted.values()].toSorted((one, other) => other.count - one.count)
}

/** Each step holds the next: what expired or was cancelled was created, and no more is known of it. */
function toFunnel(provider: string, groups: readonly SessionGroup[]) {
  const own = groups.filter(group => group.provider === provider)
  const completed = own.filter(({ status }) => status === 'COMPLETED')
  return {
    provider,
    created: sum(own),
    begun: sum(own.filter(({ status }) => status === 'IN_PROGRESS')) + sum(completed),
    completed: sum(completed),
    approved: haveNoOutcome(own) ? null : sum(completed.filter(({ outcome }) => outcome === 'APPROVED')),
  }
}

/** As at a provider that decides nothing. */
function haveNoOutcome(groups: readonly SessionGroup[]): boolean {
  return groups.every(({ outcome }) => outcome === 'NOT_APPLICABLE')
}

/** A column each, as a chart takes them; every day is there. */
function toDaily(groups: readonly SessionGroup[], since: Date) {
  const at = Array.from({ length: DAYS }, (_, index) => since.getTime() + index * DAY_MS)
  const on = (day: number) => groups.filter(group => group.day.getTime() === day)
  return {
    at,
    created: at.map(day => sum(on(day))),
    approved: at.map(day => sum(on(day).filter(({ outcome }) => outcome === 'APPROVED'))),
  }
}

function sum(groups: readonly SessionGroup[]): number {
  return groups.reduce((total, { count }) => total + count, 0)
}
