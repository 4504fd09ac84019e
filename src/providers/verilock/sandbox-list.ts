import type { SandboxSession } from './sandbox-session.ts'
import { toSummary } from './sandbox-view.ts'
import { SESSION_STATUSES } from './wire.ts'

const RULES: Readonly<Record<string, { allows(value: string): boolean; message: string }>> = {
  page: { allows: value => isWhole(value, Number.MAX_SAFE_INTEGER), message: 'The page must be at least 1.' },
  per_page: { allows: value => isWhole(value, 100), message: 'The per page must be between 1 and 100.' },
  status: {
    allows: value => SESSION_STATUSES.some(status => status === value),
    message: 'The selected status is invalid.',
  },
  from: { allows: isDay, message: 'The from does not match the format Y-m-d.' },
  to: { allows: isDay, message: 'The to does not match the format Y-m-d.' },
}

/** The problems of a list's query, by parameter. */
export function listProblems(query: URLSearchParams): Record<string, string[]> {
  const problems = Object.entries(RULES).filter(
    ([name, rule]) => query.has(name) && !rule.allows(query.get(name) ?? ''),
  )
  return Object.fromEntries(problems.map(([name, { message }]) => [name, [message]]))
}

/** A page of sessions, newest first. `sessions` is sorted oldest first. Days are UTC and inclusive. */
export function toList(sessions: readonly SandboxSession[], query: URLSearchParams) {
  const page = Number(query.get('page') ?? 1)
  const perPage = Number(query.get('per_page') ?? 15)
  const found = sessions.filter(session => matches(session, query)).reverse()
  return {
    data: found.slice((page - 1) * perPage, page * perPage).map(toSummary),
    meta: {
      current_page: page,
      last_page: Math.max(1, Math.ceil(found.length / perPage)),
      per_page: perPage,
      total: found.length,
    },
  }
}

function matches(session: SandboxSession, query: URLSearchParams): boolean {
  const day = session.created_at.slice(0, 10)
  const status = query.get('status') ?? session.status
  return status === session.status && day >= (query.get('from') ?? day) && day <= (query.get('to') ?? day)
}

function isWhole(value: string, max: number): boolean {
  return /^[1-9]\d*$/.test(value) && Number(value) <= max
}

function isDay(value: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))
}
