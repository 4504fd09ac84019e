import type { z } from 'zod'
import { ProviderContractError } from '../domain/errors.ts'
import type { CallKind, CallWatch } from '../domain/provider-call.ts'
import { limitTime, type TimeLimit } from '../domain/time-limit.ts'
import { type RefusalReader, toAnswerError } from './answer.ts'
import type { CircuitState } from './breaker.ts'
import type { BreakerHints } from './breaker-hints.ts'
import { type CountedDrift, createDriftLog, type DriftGrade, findUnknown, type Place } from './drift.ts'
import { createGuard } from './guard.ts'
import type { Health, Minute } from './health.ts'
import type { UpstreamLimits } from './limits.ts'
import { parseTolerantly } from './parse.ts'
import { tellOf } from './telling.ts'
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
  /** How far its clock was ahead of ours when it last answered, in milliseconds, to a second; null where it never said. */
  clockAheadMs(): number | null
  /** The circuit of each class of calls. */
  circuits(): Readonly<Record<CallKind, CircuitState>>
  drift(): readonly CountedDrift[]
  /** What drifted since the last time this was asked. */
  takeDrift(): readonly CountedDrift[]
  /** The minutes that are over since the last time this was asked; with `all` the one that runs, too. */
  takeMinutes(all?: boolean): readonly Minute[]
  close(): Promise<void>
}

export interface UpstreamOptions extends UpstreamLimits, TransportOptions {
  readonly readRefusal: RefusalReader
  readonly hints?: BreakerHints
  /** Is told of every request. */
  readonly watch?: CallWatch
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { provider } = options
  const transport = createTransport(options)
  const guard = createGuard(options)
  const drift = createDriftLog()
  let dated: { readonly date: string; readonly at: number } | undefined

  function call<T>(call: Call<T>): Promise<T> {
    const tell = tellOf(provider, call, options.watch)
    const limit = limitOf(call)
    const run = tell.whole(
      guard.run(call, limit.signal, deadline =>
        tell.attempt(async (headers, answered) => {
          const answer = await transport.send(call, deadline, headers)
          answered(answer.status)
          if (answer.headers.date) dated = { date: answer.headers.date, at: Date.now() }
          return read(call, answer)
        }),
      ),
    )
    const done = () => limit.done()
    run.then(done, done)
    return run
  }

  function read<T>(call: Call<T>, answer: RawAnswer): T {
    const body = readJson(answer)
    const error = toAnswerError(provider, call, answer, body, options.readRefusal)
    if (error) throw error
    return parse(call, body)
  }

  /** When a call has to be over. A client that leaves ends its reads, and nothing else. */
  function limitOf({ kind, signal }: RequestOptions): TimeLimit {
    return kind === 'READ'
      ? limitTime(options.readDeadlineMs, signal && { signal })
      : limitTime(options.createDeadlineMs)
  }

  function parse<T>(call: Call<T>, body: unknown): T {
    const parsed = body === NOT_JSON ? undefined : parseTolerantly(call.schema, body)
    if (!parsed) throw refuse(call.operation, `${provider} sent an answer that breaks its contract.`)
    count(call, 'DEGRADED', parsed.degraded)
    count(call, 'ABSORBED', findUnknown(call.schema, body))
    return parsed.value
  }

  function refuse(operation: string, message: string): ProviderContractError {
    count({ operation }, 'REFUSED', [{ path: '', shape: null }])
    return new ProviderContractError(provider, message, { operation })
  }

  function count({ operation }: Pick<RequestOptions, 'operation'>, grade: DriftGrade, places: readonly Place[]): void {
    for (const place of places) {
      drift.add({ operation, grade, ...place })
      options.watch?.drifted(provider, operation, grade)
    }
  }

  function clockAheadMs(): number | null {
    const ahead = dated ? Date.parse(dated.date) - dated.at : Number.NaN
    return Number.isNaN(ahead) ? null : ahead
  }

  return {
    call,
    clockAheadMs,
    refuse,
    health: () => ({ ...guard.health(), driftCount: drift.total }),
    circuits: guard.circuits,
    drift: drift.list,
    takeDrift: drift.take,
    takeMinutes: guard.takeMinutes,
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
