import type { Fault } from './faults/fault-rule.ts'
import type { SandboxRequest } from './sandbox.ts'

export interface LoggedRequest {
  readonly at: string
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** Null if no response was sent. */
  readonly status: number | null
  /** The injected faults; absent if there were none. */
  readonly faults?: readonly Fault['kind'][]
}

export interface RequestLog {
  all(): readonly LoggedRequest[]
  add(request: SandboxRequest, status: number | null, faults: readonly Fault['kind'][]): void
  clear(): number
}

const MAX_ENTRIES = 1000

/** The latest requests of a sandbox, with credentials masked. */
export function createRequestLog(): RequestLog {
  let entries: LoggedRequest[] = []
  return {
    all: () => entries,
    add: (request, status, faults) => {
      entries.push({
        at: new Date().toISOString(),
        method: request.method,
        path: request.path,
        query: request.query.toString(),
        headers: { ...request.headers, ...(request.headers.authorization && { authorization: '(masked)' }) },
        body: request.body.toString('utf8').slice(0, 16_384),
        status,
        ...(faults.length > 0 && { faults }),
      })
      if (entries.length > MAX_ENTRIES) entries = entries.slice(-MAX_ENTRIES)
    },
    clear: () => {
      const count = entries.length
      entries = []
      return count
    },
  }
}
