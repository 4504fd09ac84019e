import { ERROR_CODES } from '../../src/domain/error-codes.ts'
import type { RawAnswer } from './clients/raw-client.ts'

/** Internals that no response may reveal: stack traces, paths, SQL, names of dependencies. */
const INSIDE = [
  /\bat (?:async )?[\w.<>]+ \(/,
  /node_modules|node:internal|file:\/\//,
  /(?:\/tmp|\/work|\/home|\/usr|\/root)\//,
  /\.[cm]?[jt]s(?::\d+|\b(?!on))/,
  /\b(?:Type|Range|Reference|Syntax|Internal)Error\b/,
  /\bselect \S+ from\b|\binsert into\b|\bdelete from\b|SQLITE_|\b(?:kysely|better-sqlite3|whatwg)\b/i,
  /\bCannot (?:read|destructure|convert)\b|is not (?:a function|iterable)/,
]

export interface Verdict {
  /** The error codes, including those in result unions. */
  readonly codes: readonly string[]
  /** Problems of the response itself. */
  readonly faults: readonly string[]
}

/** Checks that a response to any input is acceptable for any client. */
export function findLeaks({ status, text, headers }: RawAnswer): Verdict {
  const faults = INSIDE.flatMap(pattern => {
    const found = pattern.exec(text)
    return found ? [`discloses internals: ${found[0]}`] : []
  })
  if (status >= 500) faults.push(`status ${status}`)
  if (!String(headers['content-type'] ?? '').includes('json')) return { codes: [], faults }
  const codes = codesIn(text)
  if (!codes) return { codes: [], faults: [...faults, 'is no JSON'] }
  const unknown = codes.filter(code => code === 'INTERNAL_ERROR' || !(ERROR_CODES as readonly string[]).includes(code))
  return { codes, faults: [...faults, ...unknown.map(code => `has the code ${code}`)] }
}

function codesIn(text: string): string[] | undefined {
  try {
    const { errors = [] } = JSON.parse(text) as { errors?: { extensions?: { code?: unknown } }[] }
    return errors.map(({ extensions }) => String(extensions?.code))
  } catch {
    return undefined
  }
}
