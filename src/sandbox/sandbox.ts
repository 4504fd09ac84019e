import type { Clock } from './clock.ts'
import type { HostedPages } from './hosted.ts'
import type { Collection } from './store.ts'
import type { PackWebhook, SandboxEvent } from './webhooks.ts'

/** What a provider's folder says about its local server. `src/sandbox` serves it. */
export interface SandboxDefinition<Credentials = object> {
  /** The credentials it accepts, in the words of the provider's settings. */
  readonly credentials: Credentials
  /** The path at which the provider's paths start, '' for none. Routes are given below it. */
  readonly basePath: string
  /** What it does that no documentation of the provider says, a sentence each. */
  readonly inventions: readonly string[]
  /** Writes a webhook as the provider does. Absent: it has none. */
  readonly packWebhook?: PackWebhook
  open(kit: SandboxKit): SandboxParts
}

export interface SandboxKit {
  readonly clock: Clock
  /** Where this server answers, such as `http://localhost:4101`. */
  readonly origin: string
  /** True where the store is empty and the seed belongs in. */
  readonly isNew: boolean
  collection<T>(name: string): Collection<T>
  /** Tells whoever asked for webhooks. It never waits for them. */
  emit(event: SandboxEvent): void
}

export interface SandboxParts {
  readonly routes: readonly Route[]
  /** The answer to a path or method that no route has. */
  unmatched(request: SandboxRequest): Answer
  /** Headers that every answer carries. */
  headers?(request: SandboxRequest): Record<string, string>
  /** Moves an object through its states, as its end user or its provider would. Throws SandboxInputError. */
  advance(step: AdvanceStep): unknown
  /** What its end users open. */
  readonly pages?: HostedPages
}

export interface AdvanceStep {
  readonly id: string
  /** The step, in the provider's own words. */
  readonly to: string
  readonly failureCode?: string
}

export interface Route {
  readonly method: string
  /** Below the base path; `:name` stands for one segment. */
  readonly path: string
  readonly answer: (request: SandboxRequest) => Answer | Promise<Answer>
}

export interface SandboxRequest {
  readonly method: string
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
}

/** A control call that asked for something the sandbox cannot do. The message says what it can. */
export class SandboxInputError extends Error {}

/** The fields of a JSON or form body; undefined where it is neither, or broken. */
export async function readFields(request: SandboxRequest): Promise<Record<string, unknown> | undefined> {
  const type = request.headers['content-type'] ?? ''
  try {
    if (type.includes('application/json')) {
      const value: unknown = JSON.parse(request.body.toString('utf8'))
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
    }
    if (!type.includes('form')) return undefined
    const form = await new Response(new Uint8Array(request.body), { headers: { 'content-type': type } }).formData()
    return Object.fromEntries(form)
  } catch {
    return undefined
  }
}
