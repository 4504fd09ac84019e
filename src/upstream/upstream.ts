import type { z } from 'zod'
import { ProviderContractError } from '../domain/errors.ts'
import { type RefusalReader, toAnswerError } from './answer.ts'
import type { BreakerHints } from './breaker-hints.ts'
import { type CountedDrift, createDriftLog, type DriftGrade, findUnknown } from './drift.ts'
import { createGuard } from './guard.ts'
import type { Health } from './health.ts'
import type { UpstreamLimits } from './limits.ts'
import { parseTolerantly } from './parse.ts'
import { createTransport, type RawAnswer, type RequestOptions, type TransportOptions } from './transport.ts'

/** A call whose answer is parsed by `schema`. A body that is empty is parsed as undefined. */
export interface Call<T> extends RequestOptions {
  readonly schema: z.ZodType<T>
}

/** HTTP towards one account of one provider. `call` gives the parsed answer or throws a DomainError, nothing else. */
export interface Upstream {
  call<T>(call: Call<T>): Promise<T>
  /** Counts an answer that could be read and is about something else, and gives the error that it means. */
  refuse(operation: string, message: string): ProviderContractError
  health(): Health
  drift(): readonly CountedDrift[]
  close(): Promise<void>
}

export interface UpstreamOptions extends UpstreamLimits, TransportOptions {
  readonly readRefusal: RefusalReader
  readonly hints?: BreakerHints
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { provider } = options
  const transport = createTransport(options)
  const guard = createGuard(options)
  const drift = createDriftLog()

  function call<T>(call: Call<T>): Promise<T> {
    return guard.run(call, deadlineOf(call), async deadline => {
      const answer = await transport.send(call, deadline)
      const body = readJson(answer)
      const error = toAnswerError(provider, call, answer, body, options.readRefusal)
      if (error) throw error
      return parse(call, body)
    })
  }

  /** When a call has to be over. A client that leaves ends its reads, and nothing else. */
  function deadlineOf({ kind, signal }: RequestOptions): AbortSignal {
    if (kind !== 'READ') return AbortSignal.timeout(options.createDeadlineMs)
    const deadline = AbortSignal.timeout(options.readDeadlineMs)
    return signal ? AbortSignal.any([deadline, signal]) : deadline
  }

  function parse<T>(call: Call<T>, body: unknown): T {
    const parsed = body === NOT_JSON ? undefined : parseTolerantly(call.schema, body)
    if (!parsed) throw refuse(call.operation, `${provider} sent an answer that breaks its contract.`)
    count(call, 'DEGRADED', parsed.degraded)
    count(call, 'ABSORBED', findUnknown(call.schema, body))
    return parsed.value
  }

  function refuse(operation: string, message: string): ProviderContractError {
    count({ operation }, 'REFUSED', [''])
    return new ProviderContractError(provider, message, { operation })
  }

  function count({ operation }: Pick<RequestOptions, 'operation'>, grade: DriftGrade, paths: readonly string[]): void {
    for (const path of paths) drift.add({ operation, grade, path })
  }

  return {
    call,
    refuse,
    health: () => ({ ...guard.health(), driftCount: drift.total }),
    drift: drift.list,
    close: transport.close,
  }
}

const NOT_JSON = Symbol('not JSON')

function readJson(answer: RawAnswer): unknown {
  if (answer.text === '') return undefined
  try {
    return JSON.parse(answer.text)
  } catch {
    return NOT_JSON
  }
}
