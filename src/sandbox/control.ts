import { z } from 'zod'
import type { Clock } from './clock.ts'
import { faultsInput } from './faults/fault-rule.ts'
import type { Faults } from './faults/faults.ts'
import type { RequestLog } from './request-log.ts'
import {
  type Route,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
  type SandboxRoutes,
} from './sandbox.ts'
import type { Store } from './store.ts'

const advanceInput = z.object({ id: z.string(), to: z.string(), failureCode: z.string().optional() })
const clockInput = z.union([z.object({ advanceSeconds: z.number() }), z.object({ now: z.iso.datetime() })])

export interface ControlDeps {
  readonly clock: Clock
  readonly faults: Faults
  readonly log: RequestLog
  readonly parts: SandboxRoutes
  readonly store: Store
}

/** The routes under `/_sandbox`, with which a person or a test controls the sandbox. */
export function controlRoutes({ store, clock, log, faults, parts }: ControlDeps): Route[] {
  return [
    { method: 'GET', path: '/_sandbox/objects', answer: () => ok(store.toJSON()) },
    { method: 'GET', path: '/_sandbox/requests', answer: () => ok({ requests: log.all() }) },
    { method: 'DELETE', path: '/_sandbox/requests', answer: () => ok({ cleared: log.clear() }) },
    { method: 'POST', path: '/_sandbox/advance', answer: withValidatedBody(advanceInput, step => parts.advance(step)) },
    { method: 'GET', path: '/_sandbox/faults', answer: () => ok(faults.list()) },
    {
      method: 'POST',
      path: '/_sandbox/faults',
      answer: withValidatedBody(faultsInput, input => faults.replace(input)),
    },
    { method: 'DELETE', path: '/_sandbox/faults', answer: () => ok({ cleared: faults.clear() }) },
    { method: 'GET', path: '/_sandbox/clock', answer: () => ok({ now: clock.now().toISOString() }) },
    {
      method: 'POST',
      path: '/_sandbox/clock',
      answer: withValidatedBody(clockInput, input => moveClock(clock, input)),
    },
  ]
}

function moveClock(clock: Clock, input: z.infer<typeof clockInput>): { now: string } {
  const seconds = 'now' in input ? (Date.parse(input.now) - clock.now().getTime()) / 1000 : input.advanceSeconds
  clock.advance(seconds)
  return { now: clock.now().toISOString() }
}

/** Parses a control call's JSON body. An invalid one is answered 400 with every issue. */
export function withValidatedBody<T>(
  schema: z.ZodType<T>,
  run: (input: T) => unknown,
): (request: SandboxRequest) => SandboxResponse {
  return request => {
    try {
      const input = schema.safeParse(JSON.parse(request.body.toString('utf8') || '{}'))
      if (!input.success) return { status: 400, json: { error: z.prettifyError(input.error) } }
      return ok(run(input.data))
    } catch (error) {
      if (error instanceof SandboxInputError) return { status: 400, json: { error: error.message } }
      if (error instanceof SyntaxError) return { status: 400, json: { error: 'The body is not JSON.' } }
      throw error
    }
  }
}

function ok(json: unknown): SandboxResponse {
  return { status: 200, json: json ?? {} }
}
