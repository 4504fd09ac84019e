import { randomUUID } from 'node:crypto'
import { DomainError, ProviderError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { PendingCall, ProviderCallObserver } from '../domain/provider-call-observer.ts'
import type { RequestOptions } from './transport.ts'

/** Reports one attempt of a call to the operation's call log and to the observer. */
export interface AttemptReport {
  /** The headers of the request. */
  readonly headers: Readonly<Record<string, string>>
  end(outcome: string, status: number | null): void
}

export function beginAttempt(
  provider: Provider,
  { operation, kind, callLog }: RequestOptions,
  attempt: number,
  observer: ProviderCallObserver | undefined,
): AttemptReport {
  const pending: PendingCall | undefined = observer?.begin({ provider, operation, kind, attempt, callLog })
  const startedMs = performance.now()
  return {
    headers: { 'x-request-id': callLog?.requestId ?? randomUUID(), ...pending?.headers },
    end: (outcome, status) => {
      const call = { provider, operation, kind, attempt, ms: performance.now() - startedMs, outcome, status }
      callLog?.add(call)
      pending?.end(call)
    },
  }
}

export function codeOf(error: unknown): string {
  return error instanceof DomainError ? error.code : 'INTERNAL_ERROR'
}

export function statusOf(error: unknown): number | null {
  return error instanceof ProviderError ? error.status : null
}
