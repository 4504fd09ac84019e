import {
  countSessionGroups,
  findSessionRow,
  listSessionRows,
  MAX_SCANNED,
  type SessionGroup,
} from '../../db/repositories/admin-repository.ts'
import { listEvents } from '../../db/repositories/event-repository.ts'
import { notFoundError } from '../domain/errors.ts'
import { encodeGlobalId } from '../domain/global-id.ts'
import { PROVIDERS } from '../domain/provider.ts'
import type { AdminHandler } from './handler.ts'

const DAY_MS = 86_400_000
const DAYS = 30
const MAX_ROWS = 50
const MAX_EVENTS = 500

/**
 * `?provider&status&outcome`: counts for the last 30 days, the funnel of each provider, and the newest matching
 * sessions.
 */
export const showSessions: AdminHandler = async ({ db, now, cache }, { tenantId }, { search }) => {
  const today = now().getTime() - (now().getTime() % DAY_MS)
  const since = new Date(today - (DAYS - 1) * DAY_MS)
  const groups = await cache.getOrLoad(`sessions|${tenantId}`, () => countSessionGroups(db, tenantId, since))
  const filter = pick(search, ['provider', 'status', 'outcome'])
  const rows = await listSessionRows(db, tenantId, filter, { since, limit: MAX_ROWS })
  const total = sum(groups)
  return {
    days: DAYS,
    total,
    /** True if only the newest were counted. */
    cut: total >= MAX_SCANNED,
    groups: byState(groups),
    funnels: PROVIDERS.map(provider => toFunnel(provider, groups)).filter(({ created }) => created > 0),
    daily: toDaily(groups, since),
    rows: rows.map(row => ({ ...row, graphqlId: encodeGlobalId('Session', row.id) })),
  }
}

/** A session with its timeline. Throws NOT_FOUND. */
export const showSession: AdminHandler = async ({ db }, { tenantId }, { id }) => {
  const session = await findSessionRow(db, tenantId, id)
  if (!session) throw notFoundError('session')
  const events = await listEvents(db, { tenantId, sessionId: id, after: 0, limit: MAX_EVENTS + 1 })
  return {
    session: { ...session, graphqlId: encodeGlobalId('Session', session.id) },
    events: events.slice(0, MAX_EVENTS).map(({ at, source, data }) => ({ at, source, ...data })),
    /** True if only the first events are returned. */
    cut: events.length > MAX_EVENTS,
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

/** Each stage includes the next. Expired and cancelled sessions count only as created. */
function toFunnel(provider: string, groups: readonly SessionGroup[]) {
  const own = groups.filter(group => group.provider === provider)
  const completed = own.filter(({ status }) => status === 'COMPLETED')
  return {
    provider,
    created: sum(own),
    started: sum(own.filter(({ status }) => status === 'IN_PROGRESS')) + sum(completed),
    completed: sum(completed),
    approved: haveNoOutcome(own) ? null : sum(completed.filter(({ outcome }) => outcome === 'APPROVED')),
  }
}

/** True for a provider without decisions. */
function haveNoOutcome(groups: readonly SessionGroup[]): boolean {
  return groups.every(({ outcome }) => outcome === 'NOT_APPLICABLE')
}

/** One array per column, the format of the chart; days without sessions are included. */
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
