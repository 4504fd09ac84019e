import {
  countSessionGroups,
  listSessionRows,
  MAX_SCANNED,
  type SessionCursor,
  type SessionGroup,
  type SessionRowFilter,
  type SessionSummary,
} from '../../db/repositories/admin-repository.ts'
import { DomainError } from '../domain/errors.ts'
import { encodeGlobalId } from '../domain/global-id.ts'
import { PROVIDERS } from '../domain/provider.ts'
import { OUTCOMES } from '../domain/records/decision.ts'
import { SESSION_STATUSES } from '../domain/records/session.ts'
import type { AdminHandler } from './handler.ts'
import { readChoice, readDay } from './parameters.ts'

const DAY_MS = 86_400_000
const DAYS = 30
const PAGE = 20

/**
 * `?provider&status&outcome&from&until&after`: counts for the last 30 days, the funnel of each provider, and a page of the
 * matching sessions, the newest first. `from` and `until` are days in UTC, both included; `after` is `next` of the page before.
 */
export const showSessions: AdminHandler = async ({ db, now, cache }, { tenantId }, { search }) => {
  const today = now().getTime() - (now().getTime() % DAY_MS)
  const since = new Date(today - (DAYS - 1) * DAY_MS)
  const groups = await cache.getOrLoad(`sessions|${tenantId}`, () => countSessionGroups(db, tenantId, since))
  const after = parseCursor(search.get('after'))
  const rows = await listSessionRows(db, tenantId, readFilter(search), { after, limit: PAGE + 1 })
  const page = rows.slice(0, PAGE)
  const last = page.at(-1)
  const total = sum(groups)
  return {
    days: DAYS,
    total,
    /** True if only the newest were counted. */
    cut: total >= MAX_SCANNED,
    groups: byState(groups),
    funnels: PROVIDERS.map(provider => toFunnel(provider, groups)).filter(({ created }) => created > 0),
    daily: toDaily(groups, since),
    rows: page.map(toSessionRow),
    next: rows.length > PAGE && last ? formatCursor(last) : null,
  }
}

export function toSessionRow({ accountId: _account, ...row }: SessionSummary) {
  return { ...row, graphqlId: encodeGlobalId('Session', row.id) }
}

function readFilter(search: URLSearchParams): SessionRowFilter {
  const until = readDay(search, 'until')
  return {
    provider: readChoice(search, 'provider', PROVIDERS),
    status: readChoice(search, 'status', SESSION_STATUSES),
    outcome: readChoice(search, 'outcome', OUTCOMES),
    from: readDay(search, 'from'),
    until: until && new Date(until.getTime() + DAY_MS),
  }
}

function formatCursor({ createdAt, id }: SessionSummary): string {
  return `${createdAt.getTime()}.${id}`
}

/** Throws BAD_REQUEST for a text that is no `next` of a page. */
function parseCursor(text: string | null): SessionCursor | undefined {
  if (!text) return undefined
  const [, createdAt, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(text) ?? []
  if (!createdAt || !id) throw new DomainError('BAD_REQUEST', 'Expected after to be the `next` of a page.')
  return { createdAt: Number(createdAt), id }
}

function byState(groups: readonly SessionGroup[]) {
  const counted = new Map<string, { status: string; outcome: string; count: number }>()
  for (const { status, outcome, count } of groups) {
    const key = `${status}|${outcome}`
    counted.set(key, { status, outcome, count: count + (counted.get(key)?.count ?? 0) })
  }
  return [...counted.values()].toSorted((one, other) => other.count - one.count)
}

/** By the events of the sessions: one that failed, expired or was cancelled counts in every stage that it reached. */
function toFunnel(provider: string, groups: readonly SessionGroup[]) {
  const own = groups.filter(group => group.provider === provider)
  const reached = (stage: number) => sum(own.filter(group => group.stage >= stage))
  return {
    provider,
    created: sum(own),
    started: reached(1),
    completed: reached(2),
    approved: haveNoOutcome(own) ? null : reached(3),
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
