import { useDeferStream } from '@graphql-yoga/plugin-defer-stream'
import type { GraphQLSchema } from 'graphql'
import {
  createYoga,
  type GraphiQLOptions,
  type Plugin,
  useExecutionCancellation,
  type YogaLogger,
  type YogaServerOptions,
} from 'graphql-yoga'
import type { Authentication } from '../services/authentication.ts'
import type { Services } from '../services/services.ts'
import type { Budget } from './budget.ts'
import { createDocumentCache } from './document-cache.ts'
import { toClientError } from './error-codes.ts'
import type { Gate } from './gate.ts'
import type { Guesses } from './guesses.ts'
import { type AnswerLightly, createLightDoor } from './light-door.ts'
import { LightResponse } from './light-fetch.ts'
import type { DoorLimits } from './limits.ts'
import type { Readiness } from './readiness.ts'
import type { Streams } from './streams.ts'
import { useAcceptable } from './use-acceptable.ts'
import { useAuthentication } from './use-authentication.ts'
import { useCompiled } from './use-compiled.ts'
import { type ConsoleRoom, useConsole } from './use-console.ts'
import { type Deadlines, useContext } from './use-context.ts'
import { useCors } from './use-cors.ts'
import { useDoor } from './use-door.ts'
import { useErrorCodes } from './use-error-codes.ts'
import { useGraphiql } from './use-graphiql.ts'
import { useHealth } from './use-health.ts'
import { useLimits } from './use-limits.ts'
import { type MetricsOptions, useMetrics } from './use-metrics.ts'
import { useNoIntrospection } from './use-no-introspection.ts'
import { useNowhere } from './use-nowhere.ts'
import { useSecurityHeaders } from './use-security-headers.ts'
import { useSse } from './use-sse.ts'
import { type TelemetryOptions, useTelemetry } from './use-telemetry.ts'
import { type TrustedDocumentsOptions, useTrustedDocuments } from './use-trusted-documents.ts'
import { useWebhooks } from './use-webhooks.ts'

export const GRAPHQL_PATH = '/graphql'

export interface AppOptions {
  readonly schema: GraphQLSchema
  readonly services: Services
  readonly authentication: Authentication
  readonly guesses: Guesses
  readonly deadlines: Deadlines
  readonly graphiql: GraphiQLOptions | false
  /** The pages for operators. */
  readonly console: ConsoleRoom | false
  readonly logger: YogaLogger
  readonly gate: Gate
  readonly readiness: () => Promise<Readiness>
  readonly streams: Streams
  readonly door: DoorOptions
  readonly telemetry: TelemetryOptions
  readonly metrics: MetricsOptions
  /** Tells whoever watches that something unexpected happened. */
  readonly report: (error: unknown) => void
  readonly now: () => Date
}

/** Who may ask, from where, for how much, and for which documents. */
export interface DoorOptions {
  readonly limits: DoorLimits
  readonly budget: Budget
  /** Whose pages may ask us from a browser. */
  readonly corsOrigins: readonly string[]
  readonly introspection: boolean
  /** Whether a refusal may name what the schema has instead. */
  readonly suggestions: boolean
  readonly trusted: TrustedDocumentsOptions
}

export type App = ReturnType<typeof createApp>

/**
 * The door for clients: a listener for node:http, with a short way in and Yoga's own, and each of the two by itself for
 * tests: `answer` and `fetch`. Both are one pipeline: the same plugins, caches and settings.
 */
export function createApp(options: AppOptions) {
  const settings = yogaSettings(options)
  const yoga = createYoga(settings)
  const light = createYoga({ ...settings, fetchAPI: { Response: LightResponse as unknown as typeof Response } })
  const answer: AnswerLightly = (request, context) => light.handleRequest(request, context as never)
  const listener = createLightDoor({ path: GRAPHQL_PATH, answer, otherwise: yoga, report: options.report })
  return { fetch: yoga.fetch, answer, listener }
}

function yogaSettings(options: AppOptions): YogaServerOptions<object, object> {
  return {
    schema: options.schema,
    graphqlEndpoint: GRAPHQL_PATH,
    logging: options.logger,
    landingPage: false,
    // Ours are /livez and /readyz; Yoga's own, at the end of any address, answers nobody.
    healthCheckEndpoint: '\n',
    batching: false,
    multipart: false,
    cors: false,
    graphiql: false,
    // Our door counts what comes in.
    maxRequestBodySize: false,
    parserAndValidationCache: { documentCache: createDocumentCache(), errorCache: createDocumentCache() },
    maskedErrors: { maskError: toClientError },
    plugins: plugins(options),
  }
}

/** In the order in which a request meets them. */
function plugins(options: AppOptions): Plugin<never>[] {
  const { door, services, streams, now } = options
  return [
    useSecurityHeaders(),
    useHealth(GRAPHQL_PATH, options.readiness),
    useMetrics(options.metrics),
    useWebhooks(services.inbox, options.report),
    useCors(door.corsOrigins, GRAPHQL_PATH),
    ...(options.graphiql ? [useGraphiql(options.graphiql, GRAPHQL_PATH)] : []),
    ...(options.console ? [useConsole({ ...options, console: options.console, budget: door.budget })] : []),
    useAuthentication({ ...options, path: GRAPHQL_PATH }),
    useNowhere(GRAPHQL_PATH),
    useDoor(door.limits),
    useTelemetry(options.telemetry),
    useTrustedDocuments(door.trusted),
    ...(door.introspection ? [] : [useNoIntrospection()]),
    useErrorCodes({ suggestions: door.suggestions }),
    useLimits(door.limits, door.budget),
    useContext(services, options.deadlines, now),
    useAcceptable(),
    useSse(streams, options.gate),
    useExecutionCancellation(),
    useCompiled(),
    useDeferStream(),
  ] as Plugin<never>[]
}
