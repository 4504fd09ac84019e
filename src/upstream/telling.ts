import { randomUUID } from 'node:crypto'
import { DomainError, ProviderError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { CallWatch } from '../domain/provider-call.ts'
import type { RequestOptions } from './transport.ts'

/** Sends one attempt with headers of ours, and says which status was answered. */
type Attempt<T> = (headers: Readonly<Record<string, string>>, answered: (status: number) => void) => Promise<T>

/** Tells the trail and the watch of each attempt of one call, and of a call that never got as far as one. */
export function tellOf(provider: Provider, request: RequestOptions, watch: CallWatch | undefined) {
  const { operation, kind, trail } = request
  let attempts = 0

  async function attempt<T>(send: Attempt<T>): Promise<T> {
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

  /** The call as a whole: what was kept back by breaker or bulkhead is told as well. */
  async function whole<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      if (attempts === 0) begin(1).with('NOT_SENT', null)
      throw error
    }
  }

  function begin(attempt: number) {
    const underWay = watch?.begin({ provider, operation, kind, attempt, trail })
    const began = performance.now()
    return {
      headers: { 'x-request-id': trail?.requestId ?? randomUUID(), ...underWay?.headers },
      with: (outcome: string, status: number | null) => {
        const call = { provider, operation, kind, attempt, ms: performance.now() - began, outcome, status }
        trail?.add(call)
        underWay?.end(call)
      },
    }
  }

  return { attempt, whole }
}

function codeOf(error: unknown): string {
  return error instanceof DomainError ? error.code : 'INTERNAL_ERROR'
}

function statusOf(error: unknown): number | null {
  return error instanceof ProviderError ? error.status : null
}
