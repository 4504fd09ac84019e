import { Headers, MockAgent } from 'undici'
import { HTTP_METHODS } from '../../../src/domain/provider-call.ts'
import type { ProviderClient, ProviderModule } from '../../../src/providers/contract.ts'
import type { CountedDrift } from '../../../src/upstream/drift.ts'
import { DEFAULT_LIMITS } from '../../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../../src/upstream/upstream.ts'
import { memorySecrets } from '../secrets.ts'

export interface SentRequest {
  readonly method: string
  /** The request target: base path, path and query. */
  readonly path: string
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface MockResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Handles a request: returns a response, or throws the error of a broken connection. */
export type Behaviour = ((request: SentRequest) => MockResponse) | Error

export interface MockedProvider {
  readonly client: ProviderClient
  readonly upstream: Upstream
  readonly sent: readonly SentRequest[]
  drifts(): readonly CountedDrift[]
}

/** The real client of a provider, with `behave` instead of the provider's server. There is no network access. */
export async function mockProvider(
  module: ProviderModule,
  given: Readonly<Record<string, unknown>>,
  behave: Behaviour,
  now: () => Date = () => new Date(),
): Promise<MockedProvider> {
  const { sandbox } = await module.sandbox()
  const settings = module.settings.parse({ ...sandbox.credentials, ...given })
  const sent: SentRequest[] = []
  const upstream = createUpstream({
    provider: module.provider,
    baseUrl: settings.baseUrl,
    ...DEFAULT_LIMITS,
    connections: 1,
    maxAnswerBytes: 4 * 1024 * 1024,
    retryBudgetMin: 0,
    retryBudgetRatio: 0,
    readRejection: module.readRejection,
    dispatcher: createAgent(new URL(settings.baseUrl).origin, behave, sent),
  })
  return {
    client: module.connect({ settings, upstream, secrets: memorySecrets(), now }),
    upstream,
    sent,
    drifts: upstream.drift,
  }
}

function createAgent(origin: string, behave: Behaviour, sent: SentRequest[]): MockAgent {
  const agent = new MockAgent()
  agent.disableNetConnect()
  for (const method of HTTP_METHODS) {
    const interceptor = agent.get(origin).intercept({ path: () => true, method })
    if (behave instanceof Error) {
      interceptor.replyWithError(behave).persist()
      continue
    }
    interceptor
      .reply(({ path, body, headers }) => {
        const request = { method, path, body, headers: Object.fromEntries(new Headers(headers)) }
        sent.push(request)
        const answer = behave(request)
        return { statusCode: answer.status, data: toText(answer.body), responseOptions: { headers: answer.headers } }
      })
      .persist()
  }
  return agent
}

function toText(body: unknown): string {
  return typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)
}
