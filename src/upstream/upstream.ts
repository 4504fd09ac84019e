import type { z } from 'zod'
import { type Deadline, withDeadline } from '../domain/deadline.ts'
import { ProviderContractError } from '../domain/errors.ts'
import type { CallKind } from '../domain/provider-call.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import { instrumentCall } from './call-instrumentation.ts'
import type { CircuitState, PeerCircuits } from './circuit-breaker.ts'
import { type CountedDrift, createDriftLog, type DriftGrade, findUnknown, type SchemaPath } from './drift.ts'
import type { Health, Minute } from './health-monitor.ts'
import type { UpstreamLimits } from './limits.ts'
import { parseLenient } from './parse-lenient.ts'
import { createResiliencePolicy } from './resilience-policy.ts'
import { type RejectionReader, toProviderError } from './response-errors.ts'
import { createTransport, type RawResponse, type RequestOptions, type TransportOptions } from './transport.ts'

/** A call whose response is parsed by `schema`. An empty body is parsed as undefined. */
export interface UpstreamCall<T> extends RequestOptions {
  readonly schema: z.ZodType<T>
}

/** HTTP to one account of one provider. `call` returns the parsed response or throws a DomainError, nothing else. */
export interface Upstream {
  call<T>(call: UpstreamCall<T>): Promise<T>
  /** Counts a readable response about the wrong record as drift, and returns its error. */
  refuse(operation: string, message: string): ProviderContractError
  /** Counts a missing value of a response as drift. */
  countMissing(operation: string, path: string): void
  /** Counts an unrecognized status or outcome of a webhook delivery as drift. */
  countUnrecognized(operation: string): void
  health(): Health
  /** Sets the background read that runs before a create or a write may probe an open circuit. */
  probeWith(read: () => Promise<void>): void
  /**
   * How far its clock was ahead of ours at the latest response, in milliseconds, accurate to a second; null if unknown.
   */
  clockAheadMs(): number | null
  /** The circuit state of each kind of call. */
  circuits(): Readonly<Record<CallKind, CircuitState>>
  drift(): readonly CountedDrift[]
  /** Drift since the previous call. */
  takeDrift(): readonly CountedDrift[]
  /** The completed minutes since the previous call; `all` includes the current one. */
  takeMinutes(all?: boolean): readonly Minute[]
  close(): Promise<void>
}

export interface UpstreamOptions extends UpstreamLimits, TransportOptions {
  readonly readRejection: RejectionReader
  readonly peerCircuits?: PeerCircuits
  /** Called for every request. */
  readonly observer?: ProviderCallObserver
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { provider } = options
  const transport = createTransport(options)
  const policy = createResiliencePolicy(options)
  const drift = createDriftLog()
  let dated: { readonly date: string; readonly at: number } | undefined

  function call<T>(call: UpstreamCall<T>): Promise<T> {
    const instrumentation = instrumentCall(provider, call, options.observer)
    const limit = limitOf(call)
    const probe = (deadline: AbortSignal) => sendOnce(unattended(call), deadline)
    const run = instrumentation.settled(
      policy.run(call, limit.signal, deadline => sendOnce(call, deadline, instrumentation), probe),
    )
    const done = () => limit.clear()
    run.then(done, done)
    return run
  }

  function sendOnce<T>(
    call: UpstreamCall<T>,
    deadline: AbortSignal,
    instrumentation = instrumentCall(provider, call, options.observer),
  ): Promise<T> {
    return instrumentation.attempt(async (headers, answered) => {
      const answer = await transport.send(call, deadline, headers)
      answered(answer.status)
      if (answer.headers.date) dated = { date: answer.headers.date, at: Date.now() }
      return read(call, answer)
    })
  }

  function read<T>(call: UpstreamCall<T>, answer: RawResponse): T {
    const body = readJson(answer)
    const error = toProviderError(provider, call, answer, body, options.readRejection)
    if (error) throw error
    return parse(call, body)
  }

  /** The deadline of a call. A disconnected client cancels its reads, and nothing else. */
  function limitOf({ kind, signal }: RequestOptions): Deadline {
    return kind === 'READ'
      ? withDeadline(options.readDeadlineMs, signal && { signal })
      : withDeadline(options.createDeadlineMs)
  }

  function parse<T>(call: UpstreamCall<T>, body: unknown): T {
    const parsed = body === NOT_JSON ? undefined : parseLenient(call.schema, body)
    if (!parsed) throw refuse(call.operation, `${provider} sent a response that violates its contract.`)
    count(call, 'DEGRADED', parsed.degraded)
    for (const { grade, ...place } of findUnknown(call.schema, body)) count(call, grade, [place])
    return parsed.value
  }

  function refuse(operation: string, message: string): ProviderContractError {
    count({ operation }, 'REFUSED', [{ path: '', shape: null }])
    return new ProviderContractError(provider, message, { operation })
  }

  function count(
    { operation }: Pick<RequestOptions, 'operation'>,
    grade: DriftGrade,
    places: readonly SchemaPath[],
  ): void {
    for (const place of places) {
      drift.add({ operation, grade, ...place })
      options.observer?.drifted(provider, operation, grade)
    }
  }

  function clockAheadMs(): number | null {
    const ahead = dated ? Date.parse(dated.date) - dated.at : Number.NaN
    return Number.isNaN(ahead) ? null : ahead
  }

  return {
    call,
    probeWith: policy.probeWith,
    clockAheadMs,
    refuse,
    countMissing: (operation, path) => count({ operation }, 'DEGRADED', [{ path, shape: null }]),
    countUnrecognized: operation => count({ operation }, 'DEGRADED', [{ path: 'status', shape: 'string' }]),
    health: () => ({ ...policy.health(), driftCount: drift.total }),
    circuits: policy.circuits,
    drift: drift.list,
    takeDrift: drift.take,
    takeMinutes: policy.takeMinutes,
    close: transport.close,
  }
}

/** The same call for the background. */
function unattended<T>(call: UpstreamCall<T>): UpstreamCall<T> {
  return { ...call, signal: undefined, callLog: undefined }
}

const NOT_JSON = Symbol('not JSON')

function readJson(answer: RawResponse): unknown {
  if (answer.text === '') return undefined
  try {
    return JSON.parse(answer.text)
  } catch {
    return NOT_JSON
  }
}
