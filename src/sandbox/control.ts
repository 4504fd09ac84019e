import { z } from 'zod'
import type { Clock } from './clock.ts'
import { faultsInput } from './fault-rule.ts'
import type { Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import { type Answer, type Route, SandboxInputError, type SandboxParts, type SandboxRequest } from './sandbox.ts'
import type { Store } from './store.ts'

const advanceInput = z.object({ id: z.string(), to: z.string(), failureCode: z.string().optional() })
const clockInput = z.union([z.object({ advanceSeconds: z.number() }), z.object({ now: z.iso.datetime() })])

export interface Controlled {
  readonly clock: Clock
  readonly faults: Faults
  readonly log: RequestLog
  readonly parts: SandboxParts
  readonly store: Store
}

/** The routes under `/_sandbox`, outside the provider's own paths, by which a person or a test drives the sandbox. */
export function controlRoutes({ store, clock, log, faults, parts }: Controlled): Route[] {
  return [
    { method: 'GET', path: '/_sandbox/objects', answer: () => ok(store.toJSON()) },
    { method: 'GET', path: '/_sandbox/requests', answer: () => ok({ requests: log.all() }) },
    { method: 'DELETE', path: '/_sandbox/requests', answer: () => ok({ cleared: log.clear() }) },
    { method: 'POST', path: '/_sandbox/advance', answer: guarded(advanceInput, step => parts.advance(step)) },
    { method: 'GET', path: '/_sandbox/faults', answer: () => ok(faults.list()) },
    { method: 'POST', path: '/_sandbox/faults', answer: guarded(faultsInput, input => faults.replace(input)) },
    { method: 'DELETE', path: '/_sandbox/faults', answer: () => ok({ cleared: faults.clear() }) },
    { method: 'GET', path: '/_sandbox/clock', answer: () => ok({ now: clock.now().toISOString() }) },
    { method: 'POST', path: '/_sandbox/clock', answer: guarded(clockInput, input => moveClock(clock, input)) },
  ]
}

function moveClock(clock: Clock, input: z.infer<typeof clockInput>): { now: string } {
  const seconds = 'now' in input ? (Date.parse(input.now) - clock.now().getTime()) / 1000 : input.advanceSeconds
  clock.advance(seconds)
  return { now: clock.now().toISOString() }
}

/** Parses a control call's JSON body; what does not fit is answered 400 with every issue. */
export function guarded<T>(schema: z.ZodType<T>, run: (input: T) => unknown): (request: SandboxRequest) => Answer {
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

function ok(json: unknown): Answer {
  return { status: 200, json: json ?? {} }
}
