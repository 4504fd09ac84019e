import { randomUUID } from 'node:crypto'
import { DomainError, ProviderError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import type { RequestOptions } from './transport.ts'

/** Sends one attempt with our headers and reports the response status. */
type CallAttempt<T> = (headers: Readonly<Record<string, string>>, answered: (status: number) => void) => Promise<T>

/** Reports each attempt of a call to the call log and the observer, and a call without any attempt. */
export function instrumentCall(
  provider: Provider,
  request: RequestOptions,
  observer: ProviderCallObserver | undefined,
) {
  const { operation, kind, callLog } = request
  let attempts = 0

  async function attempt<T>(send: CallAttempt<T>): Promise<T> {
    const end = begin(++attempts)
    let status: number | null = null
    try {
      const result = await send(end.headers, answered => {
        status = answered
      })
      end.with('SUCCEEDED', status)
      return result
    } catch (error) {
      end.with(codeOf(error), status ?? statusOf(error))
      throw error
    }
  }

  /** Wraps the whole call: a call rejected by the circuit breaker or the bulkhead is reported as well. */
  async function settled<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      if (attempts === 0) begin(1).with('NOT_SENT', null)
      throw error
    }
  }

  function begin(attempt: number) {
    const pending = observer?.begin({ provider, operation, kind, attempt, callLog })
    const startedMs = performance.now()
    return {
      headers: { 'x-request-id': callLog?.requestId ?? randomUUID(), ...pending?.headers },
      with: (outcome: string, status: number | null) => {
        const call = { provider, operation, kind, attempt, ms: performance.now() - startedMs, outcome, status }
        callLog?.add(call)
        pending?.end(call)
      },
    }
  }

  return { attempt, settled }
}

function codeOf(error: unknown): string {
  return error instanceof DomainError ? error.code : 'INTERNAL_ERROR'
}

function statusOf(error: unknown): number | null {
  return error instanceof ProviderError ? error.status : null
}
