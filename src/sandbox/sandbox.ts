import type { Clock } from './clock.ts'
import type { Collection } from './store.ts'
import type { SandboxEvent, SignWebhook } from './webhooks/webhooks.ts'

/** A provider's sandbox, defined in the provider's folder and served by `src/sandbox`. */
export interface SandboxDefinition<Credentials = object> {
  /** The accepted credentials, by the names of the provider's settings. */
  readonly credentials: Credentials
  /** The path prefix of the provider's API, '' for none. Routes are relative to it. */
  readonly basePath: string
  /** Behaviour that the provider does not document, one sentence each. */
  readonly undocumentedBehaviour: readonly string[]
  /** Signs a webhook as the provider does. Absent if it has none. */
  readonly signWebhook?: SignWebhook
  open(context: SandboxContext): SandboxRoutes
}

export interface SandboxContext {
  readonly clock: Clock
  /** The origin of this server, such as `http://localhost:4101`. */
  readonly origin: string
  /** True if the store is empty and needs the seed. */
  readonly isNew: boolean
  /** The provider's version to implement; undefined for the documented one. */
  readonly version: string | undefined
  collection<T>(name: string): Collection<T>
  /** Sends an event to the webhook target, without waiting for the delivery. */
  emit(event: SandboxEvent): void
}

export interface SandboxRoutes {
  readonly routes: readonly Route[]
  /** The response for an unknown path or method. */
  unmatched(request: SandboxRequest): SandboxResponse
  /** Headers of every response. */
  headers?(request: SandboxRequest): Record<string, string>
  /** Moves an object to another state, as its end user or the provider would. Throws SandboxInputError. */
  advance(step: AdvanceStep): unknown
  /** The pages for end users. */
  readonly pages?: HostedPages
}

export interface AdvanceStep {
  readonly id: string
  /** The provider's name of the state. */
  readonly to: string
  readonly failureCode?: string
}

export interface Route {
  readonly method: string
  /** Relative to the base path; `:name` matches one segment. */
  readonly path: string
  readonly answer: (request: SandboxRequest) => SandboxResponse | Promise<SandboxResponse>
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

export interface SandboxResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
}

/** The provider's pages for end users, on the sandbox's origin. */
export interface HostedPages {
  /** The provider's name for end users. */
  readonly provider: string
  /** Such as `/hosted/:id`. */
  readonly paths: readonly string[]
  /** The session of the page, or why there is none. */
  find(request: SandboxRequest): HostedSession | 'FORBIDDEN' | 'UNKNOWN'
}

export interface HostedSession {
  readonly title: string
  readonly intro: string
  /** What the provider requests from the end user. */
  readonly requested: { readonly heading: string; readonly items: readonly RequestedItem[] }
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** The result; with remaining actions, the result of the last attempt. */
  readonly result?: HostedResult
  /** Empty once the session has ended. */
  readonly actions: readonly HostedAction[]
  /** The caller's URL to which the end user returns. */
  readonly returnUrl: string | null
}

export interface RequestedItem {
  readonly name: string
  readonly tag?: string
  readonly note?: string
}

export interface HostedResult {
  readonly tone: 'good' | 'bad' | 'plain'
  readonly title: string
  readonly text: string
}

/** An action that the end user can trigger. */
export interface HostedAction {
  readonly step: AdvanceStep
  readonly label: string
  readonly note: string
  readonly variant: 'main' | 'danger' | 'quiet'
  /** The selected reason becomes the step's failureCode. */
  readonly reasons?: { readonly label: string; readonly codes: readonly string[] }
}

/** An invalid control call. The message states what is valid. */
export class SandboxInputError extends Error {}

/** The fields of a JSON or form body; undefined for any other or an invalid body. */
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
