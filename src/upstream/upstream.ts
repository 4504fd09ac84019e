import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { z } from 'zod'
import { ProviderContractError } from '../domain/errors.ts'
import type { CallKind } from '../domain/provider-call.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import type { CircuitState, PeerCircuits } from './circuit-breaker.ts'
import { type CountedDrift, createDriftLog, type Deviation, findUnknown } from './drift.ts'
import type { Health, Minute } from './health/health-monitor.ts'
import type { UpstreamLimits } from './limits.ts'
import { parseLenient } from './parse-lenient.ts'
import { createResiliencePolicy } from './resilience-policy.ts'
import { type RejectionReader, toProviderError } from './response-errors.ts'
import { createTransport, headerOf, type RawResponse, type RequestOptions, type TransportOptions } from './transport.ts'

/** A call whose response is parsed by `schema`. An empty body is parsed as undefined. */
export interface UpstreamCall<T> extends RequestOptions {
  readonly schema: z.ZodType<T>
}

/** HTTP to one account of one provider. `call` returns the parsed response or throws a DomainError, nothing else. */
export interface Upstream {
  call<T>(call: UpstreamCall<T>): Promise<T>
  /** Like `call`, except that a response with the known digest is not parsed. */
  callUnlessKnown<T>(call: UpstreamCall<T>, knownDigest: string | undefined): Promise<DigestedResponse<T>>
  /** Counts a readable response about the wrong record as drift, and returns its error. */
  refuse(operation: string, message: string): ProviderContractError
  /** Counts a missing value of a response as drift. */
  countMissing(operation: string, path: string): void
  /** Counts an unrecognized status or outcome of a webhook delivery as drift. */
  countUnrecognized(operation: string): void
  health(): Health
  /** Sets the background read that runs before a create or a write may probe an open circuit. */
  probeWith(read: () => Promise<void>): void
  /** Runs an operator's test of the connection, whose reads are sent although the circuit is open. Throws their error. */
  test(read: () => Promise<void>): Promise<void>
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

export interface DigestedResponse<T> {
  /** A keyed hash of the status and the body. */
  readonly digest: string
  /** Undefined for the known response. */
  readonly body: T | undefined
}

export interface UpstreamOptions extends UpstreamLimits, TransportOptions {
  readonly readRejection: RejectionReader
  readonly peerCircuits?: PeerCircuits
  /** Called for every request. */
  readonly observer?: ProviderCallObserver
}

const MAX_RECOGNIZED = 10_000

export function createUpstream(options: UpstreamOptions): Upstream {
  const { provider } = options
  const transport = createTransport(options)
  const policy = createResiliencePolicy(options, transport)
  const drift = createDriftLog()
  /** How each response that can be recognized deviates from its schema, by its digest. */
  const deviations = new LRUCache<string, readonly Deviation[]>({ max: MAX_RECOGNIZED })
  const digestKey = randomBytes(32).toString('base64')
  let dated: { readonly date: string; readonly at: number } | undefined

  function call<T>(call: UpstreamCall<T>): Promise<T> {
    return policy.run(call, response => read(call, response).value)
  }

  function callUnlessKnown<T>(call: UpstreamCall<T>, knownDigest: string | undefined): Promise<DigestedResponse<T>> {
    return policy.run(call, response => {
      const digest = digestOf(response)
      const known = digest === knownDigest ? deviations.get(digest) : undefined
      if (known) {
        dated = dateOf(response) ?? dated
        countAll(call, known)
        return { digest, body: undefined }
      }
      const parsed = read(call, response)
      deviations.set(digest, parsed.deviations)
      return { digest, body: parsed.value }
    })
  }

  function digestOf({ status, text }: RawResponse): string {
    return hash('sha256', `${digestKey} ${status} ${text}`, 'base64')
  }

  function read<T>(call: UpstreamCall<T>, answer: RawResponse): ParsedResponse<T> {
    dated = dateOf(answer) ?? dated
    const body = readJson(answer)
    const error = toProviderError(provider, call, answer, body, options.readRejection)
    if (error) throw error
    return parse(call, body)
  }

  function parse<T>(call: UpstreamCall<T>, body: unknown): ParsedResponse<T> {
    const parsed = body === NOT_JSON ? undefined : parseLenient(call.schema, body)
    if (!parsed) throw refuse(call.operation, `${provider} sent a response that violates its contract.`)
    const degraded = parsed.degraded.map(place => ({ grade: 'DEGRADED' as const, ...place }))
    const deviations = [...degraded, ...findUnknown(call.schema, body)]
    countAll(call, deviations)
    return { value: parsed.value, deviations }
  }

  function refuse(operation: string, message: string): ProviderContractError {
    countAll({ operation }, [{ grade: 'REFUSED', path: '', shape: null }])
    return new ProviderContractError(provider, message, { operation })
  }

  function countAll({ operation }: Pick<RequestOptions, 'operation'>, deviations: readonly Deviation[]): void {
    for (const deviation of deviations) {
      drift.add({ operation, ...deviation })
      options.observer?.drifted(provider, operation, deviation.grade)
    }
  }

  function clockAheadMs(): number | null {
    const ahead = dated ? Date.parse(dated.date) - dated.at : Number.NaN
    return Number.isNaN(ahead) ? null : ahead
  }

  return {
    call,
    callUnlessKnown,
    probeWith: policy.probeWith,
    test: policy.test,
    clockAheadMs,
    refuse,
    countMissing: (operation, path) => countAll({ operation }, [{ grade: 'DEGRADED', path, shape: null }]),
    countUnrecognized: operation => countAll({ operation }, [{ grade: 'DEGRADED', path: 'status', shape: 'string' }]),
    health: () => ({ ...policy.health(), driftCount: drift.total }),
    circuits: policy.circuits,
    drift: drift.list,
    takeDrift: drift.take,
    takeMinutes: policy.takeMinutes,
    close: transport.close,
  }
}

interface ParsedResponse<T> {
  readonly value: T
  readonly deviations: readonly Deviation[]
}

/** The provider's time, and when it arrived. */
function dateOf(response: RawResponse): { readonly date: string; readonly at: number } | undefined {
  const date = headerOf(response, 'date')
  return date ? { date, at: Date.now() } : undefined
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
