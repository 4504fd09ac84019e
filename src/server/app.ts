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
import { createCharge } from './charge.ts'
import { createDocumentCache } from './document-cache.ts'
import { toClientError } from './error-codes.ts'
import { createErrorTeller } from './error-teller.ts'
import type { Gate } from './gate.ts'
import type { Guesses } from './guesses.ts'
import { type AnswerPost, createLightDoor } from './light-door.ts'
import { LightResponse, toLightRequest } from './light-fetch.ts'
import type { DoorLimits } from './limits.ts'
import { contextOpener } from './operation-context.ts'
import { createReader } from './reader.ts'
import type { Readiness } from './readiness.ts'
import { createReadyOperations } from './ready-operations.ts'
import { createShortWay } from './short-way.ts'
import type { Streams } from './streams.ts'
import type { TelemetryOptions } from './telling.ts'
import { createTrust, type TrustedDocumentsOptions } from './trusted-documents.ts'
import { useAcceptable } from './use-acceptable.ts'
import { useAuthentication } from './use-authentication.ts'
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
import { useTelemetry } from './use-telemetry.ts'
import { useTrustedDocuments } from './use-trusted-documents.ts'
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
  /** How often an operation is asked for before it is made ready. */
  readonly readyAfter: number
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
 * The door for clients: a listener for node:http, and its two ways by themselves for tests. `fetch`: Yoga with all its
 * plugins, which everything can go. `answer`: for a POST, whose operation is run at once where it is ready; what is not
 * goes the same way as the rest, with light Requests and Responses.
 */
export function createApp(options: AppOptions) {
  const steps = createSteps(options)
  const settings = yogaSettings(options, steps)
  const yoga = createYoga(settings)
  const light = createYoga({ ...settings, fetchAPI: { Response: LightResponse as unknown as typeof Response } })
  const operations = createReadyOperations({
    schema: options.schema,
    after: options.readyAfter,
    read: createReader(light.getEnveloped, options.door.limits),
  })
  const { warn } = options.door.trusted
  const report = (error: unknown) => void options.logger.error(error)
  const goShort = createShortWay({ ...options, ...options.door, ...steps, operations, report, warn })

  const answer: AnswerPost = async (posted, leaving, context) => {
    const shortly = await goShort(posted, leaving)
    if (shortly instanceof LightResponse) return shortly
    const request = toLightRequest(posted, shortly.unread, GRAPHQL_PATH, leaving)
    const answered: unknown = await light.handleRequest(request, context as never)
    if (!(answered instanceof LightResponse)) throw new TypeError('A plugin answered with a Response of its own.')
    return answered
  }
  const listener = createLightDoor({ path: GRAPHQL_PATH, answer, otherwise: yoga, report: options.report })
  return { fetch: yoga.fetch, answer, listener }
}

type Steps = ReturnType<typeof createSteps>

/** What is done for an operation whichever way it goes. */
function createSteps({ door, services, now }: AppOptions) {
  return {
    trust: createTrust(door.trusted),
    charge: createCharge(door.limits, door.budget),
    openContext: contextOpener(services, now),
    tellError: createErrorTeller(door.suggestions),
  }
}

function yogaSettings(options: AppOptions, steps: Steps): YogaServerOptions<object, object> {
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
    plugins: plugins(options, steps),
  }
}

/** In the order in which a request meets them. */
function plugins(options: AppOptions, { trust, charge, openContext, tellError }: Steps): Plugin<never>[] {
  const { door, services, streams } = options
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
    useTrustedDocuments(trust, door.trusted.warn),
    ...(door.introspection ? [] : [useNoIntrospection()]),
    useErrorCodes(tellError),
    useLimits(door.limits, charge),
    useContext(openContext, options.deadlines),
    useAcceptable(),
    useSse(streams, options.gate),
    useExecutionCancellation(),
    useDeferStream(),
  ] as Plugin<never>[]
}
