import type { z } from 'zod'
import { ProviderContractError } from '../domain/errors.ts'
import { type RefusalReader, toAnswerError } from './answer.ts'
import { parseTolerantly } from './parse.ts'
import { createTransport, type RawAnswer, type RequestOptions, type TransportOptions } from './transport.ts'

/** A call whose answer is parsed by `schema`. A body that is empty is parsed as undefined. */
export interface Call<T> extends RequestOptions {
  readonly schema: z.ZodType<T>
}

/** HTTP towards one account of one provider. `call` gives the parsed answer or throws a DomainError, nothing else. */
export interface Upstream {
  call<T>(call: Call<T>): Promise<T>
  close(): Promise<void>
}

export interface UpstreamOptions extends TransportOptions {
  readonly readRefusal: RefusalReader
  readonly onDrift?: (drift: Drift) => void
}

export interface Drift {
  readonly operation: string
  readonly grade: 'DEGRADED' | 'REFUSED'
  readonly paths: readonly string[]
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const transport = createTransport(options)
  const { provider } = options

  async function call<T>(call: Call<T>): Promise<T> {
    const answer = await transport.send(call)
    const body = readJson(answer)
    const error = toAnswerError(provider, call, answer, body, options.readRefusal)
    if (error) throw error
    return parse(call, body)
  }

  function parse<T>(call: Call<T>, body: unknown): T {
    const parsed = body === NOT_JSON ? undefined : parseTolerantly(call.schema, body)
    if (!parsed) {
      options.onDrift?.({ operation: call.operation, grade: 'REFUSED', paths: [] })
      throw new ProviderContractError(provider, `${provider} sent an answer that breaks its contract.`, {
        operation: call.operation,
      })
    }
    if (parsed.degraded.length > 0) {
      options.onDrift?.({ operation: call.operation, grade: 'DEGRADED', paths: parsed.degraded })
    }
    return parsed.value
  }

  return { call, close: transport.close }
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
