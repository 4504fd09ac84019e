import { useDeferStream } from '@graphql-yoga/plugin-defer-stream'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import {
  createYoga,
  type Plugin,
  useExecutionCancellation,
  type YogaLogger,
  type YogaServerOptions,
} from 'graphql-yoga'
import { createRowScheduler, type Memory } from '../domain/row-turns.ts'
import type { Authentication } from '../services/access/authentication.ts'
import type { Services } from '../services/services.ts'
import { type ConsoleBackend, useConsole } from './admin/use-console.ts'
import type { AdmissionControl } from './admission/admission-control.ts'
import type { Readiness } from './admission/readiness.ts'
import type { RequestScheduler } from './admission/request-scheduler.ts'
import type { FailedAuthLimiter } from './auth/authenticator.ts'
import type { IsTrustedProxy } from './auth/client-address.ts'
import { useAuthentication } from './auth/use-authentication.ts'
import type { Cors } from './cors.ts'
import { createOperationAnalyzer } from './document/operation-analysis.ts'
import { createDocumentLoader } from './document/parse-document.ts'
import { createDocumentCache, createPreparedOperations } from './document/prepared-operations.ts'
import { createTrustedDocumentResolver, type TrustedDocumentsOptions } from './document/trusted-documents.ts'
import { toClientError } from './errors/error-codes.ts'
import { createErrorFormatter } from './errors/error-formatter.ts'
import { createFastPath } from './fast-path/fast-path.ts'
import { MINIMAL_FETCH_API, MinimalResponse, toMinimalRequest } from './fast-path/minimal-fetch.ts'
import { createPostHandler, type PostHandler } from './fast-path/node-handler.ts'
import { useIncrementalDelivery } from './incremental/use-incremental-delivery.ts'
import type { Deadlines, RequestLimits } from './limits.ts'
import { createContextFactory } from './pipeline/operation-context.ts'
import type { OperationTelemetryOptions } from './pipeline/operation-telemetry.ts'
import type { RateLimiter } from './pipeline/rate-limit.ts'
import { createCostLimiter } from './pipeline/rate-limit.ts'
import { useDocumentCharge, useLimits, useNoIntrospection, useTrustedDocuments } from './plugins/document-plugins.ts'
import {
  type MetricsEndpointOptions,
  useHealth,
  useMetrics,
  useNotFound,
  useSecurityHeaders,
} from './plugins/standard-plugins.ts'
import { useAcceptHeader } from './plugins/use-accept-header.ts'
import { useCacheControl } from './plugins/use-cache-control.ts'
import { useContext } from './plugins/use-context.ts'
import { useCors } from './plugins/use-cors.ts'
import { useErrorCodes } from './plugins/use-error-codes.ts'
import { useExecutor } from './plugins/use-executor.ts'
import { type GraphiqlPage, useGraphiql } from './plugins/use-graphiql.ts'
import { useRequestCharge } from './plugins/use-request-charge.ts'
import { useRequestParser } from './plugins/use-request-parser.ts'
import { useTelemetry } from './plugins/use-telemetry.ts'
import { useWebhooks } from './plugins/use-webhooks.ts'
import type { SubscriptionRegistry } from './subscriptions/registry.ts'
import { useSubscriptions } from './subscriptions/use-subscriptions.ts'
import type { OpenWebSockets } from './websocket/open-websockets.ts'
import { createWebSocketEndpoint } from './websocket/websocket-server.ts'

export const GRAPHQL_PATH = '/graphql'

export interface AppOptions {
  readonly schema: GraphQLSchema
  readonly services: Services
  readonly authentication: Authentication
  readonly failedAuthLimiter: FailedAuthLimiter
  readonly isTrustedProxy: IsTrustedProxy
  readonly deadlines: Deadlines
  readonly graphiql: GraphiqlPage | false
  readonly console: ConsoleBackend | false
  readonly logger: YogaLogger
  readonly admission: AdmissionControl
  readonly memory: Memory
  readonly scheduler: RequestScheduler
  readonly readiness: () => Promise<Readiness>
  readonly streams: SubscriptionRegistry
  /** The open WebSockets. */
  readonly connections: SubscriptionRegistry
  readonly openWebSockets: OpenWebSockets
  readonly policy: RequestPolicy
  readonly telemetry: OperationTelemetryOptions
  readonly metrics: MetricsEndpointOptions
  /** How often an operation is requested before it is prepared for the fast path. */
  readonly prepareAfter: number
  /** Logs an unexpected error. */
  readonly report: (error: unknown) => void
  readonly now: () => Date
}

/** The limits and switches that hold for every GraphQL request. */
export interface RequestPolicy {
  readonly limits: RequestLimits
  readonly rateLimiter: RateLimiter
  readonly cors: Cors
  readonly introspection: boolean
  /** Whether errors may suggest names of the schema ("Did you mean …"). */
  readonly suggestions: boolean
  readonly trusted: TrustedDocumentsOptions
}

export type App = ReturnType<typeof createApp>

/**
 * The HTTP API: a listener for node:http, the endpoint for WebSockets, and the listener's two paths separately for tests. `fetch`: Yoga with all plugins, for any
 * request. `handlePost`: runs a prepared operation on the fast path; every other POST falls through to Yoga, with minimal
 * Request and Response objects.
 */
export function createApp(options: AppOptions) {
  const steps = createPipeline(options)
  const settings = yogaSettings(options, steps)
  const yoga = createYoga(settings)
  const minimalYoga = createYoga({ ...settings, fetchAPI: MINIMAL_FETCH_API })
  const operations = createPreparedOperations({
    after: options.prepareAfter,
    analyze: steps.analyze,
    load: createDocumentLoader(minimalYoga.getEnveloped, options.policy.limits),
  })
  const { warn } = options.policy.trusted
  const report = (error: unknown) => void options.logger.error(error)
  const runFastPath = createFastPath({
    ...options,
    ...options.policy,
    ...steps,
    operations,
    report,
    warn,
    sequence: options.services.readSequence.sequence,
  })

  const handlePost: PostHandler = async (posted, disconnect, context) => {
    const result = await runFastPath(posted, disconnect)
    if (result instanceof MinimalResponse) return result
    const request = toMinimalRequest(posted, result.fallback, GRAPHQL_PATH, disconnect)
    const response: unknown = await minimalYoga.handleRequest(request, context)
    if (!(response instanceof MinimalResponse)) throw new TypeError('A plugin must create its Response with fetchAPI.')
    return response
  }
  const listener = createPostHandler({ path: GRAPHQL_PATH, handlePost, fallback: yoga, report: options.report })
  const webSockets = createWebSocketEndpoint({
    ...options,
    ...options.policy,
    ...steps,
    path: GRAPHQL_PATH,
    report,
    sequence: options.services.readSequence.sequence,
    run: async (operation, context) => minimalYoga.getResultForParams(operation, context),
  })
  return { fetch: yoga.fetch, handlePost, listener, webSockets }
}

type Steps = ReturnType<typeof createPipeline>

/** The steps that both paths share. */
function createPipeline({ policy, schema, services, memory, scheduler, now }: AppOptions) {
  const rows = createRowScheduler(memory, scheduler)
  return {
    rows,
    analyze: createOperationAnalyzer(schema),
    trust: createTrustedDocumentResolver(policy.trusted),
    costs: createCostLimiter(policy.limits, policy.rateLimiter, now),
    openContext: createContextFactory(services, rows, now),
    formatError: createErrorFormatter(policy.suggestions),
    documents: createDocumentCache<DocumentNode>(),
    parseErrors: createDocumentCache<unknown>(),
  }
}

function yogaSettings(options: AppOptions, steps: Steps): YogaServerOptions<object, object> {
  return {
    schema: options.schema,
    graphqlEndpoint: GRAPHQL_PATH,
    logging: options.logger,
    landingPage: false,
    // `useHealth` serves /livez and /readyz. Yoga would serve its own below any path: no path contains a newline.
    healthCheckEndpoint: '\n',
    batching: { limit: options.policy.limits.maxBatchSize },
    multipart: false,
    cors: false,
    graphiql: false,
    // `useRequestParser` limits the body.
    maxRequestBodySize: false,
    parserAndValidationCache: { documentCache: steps.documents, errorCache: steps.parseErrors },
    maskedErrors: { maskError: toClientError },
    plugins: plugins(options, steps),
  }
}

/** In the order in which they handle a request. */
function plugins(
  options: AppOptions,
  { rows, analyze, trust: resolveTrusted, costs, openContext, formatError, documents, parseErrors }: Steps,
): Plugin<never>[] {
  const { policy, scheduler, services, streams } = options
  return [
    useCacheControl(GRAPHQL_PATH, analyze),
    useSecurityHeaders(),
    useHealth(GRAPHQL_PATH, options.readiness),
    useMetrics(options.metrics),
    useWebhooks(services.webhookInbox, options.report),
    useCors(policy.cors, GRAPHQL_PATH),
    ...(options.graphiql ? [useGraphiql(options.graphiql, GRAPHQL_PATH)] : []),
    ...(options.console ? [useConsole({ ...options, console: options.console, rateLimiter: policy.rateLimiter })] : []),
    useAuthentication({ ...options, path: GRAPHQL_PATH, sequence: options.services.readSequence.sequence }),
    useRequestCharge(policy.rateLimiter),
    useNotFound(GRAPHQL_PATH),
    useRequestParser(policy.limits, policy.rateLimiter, scheduler),
    useTelemetry(options.telemetry),
    useTrustedDocuments(resolveTrusted, policy.trusted.warn),
    useDocumentCharge({ documents, parseErrors }, policy.rateLimiter),
    ...(policy.introspection ? [] : [useNoIntrospection()]),
    useErrorCodes(formatError, policy.suggestions),
    useAcceptHeader(),
    useLimits(policy.limits, costs, analyze),
    useContext({ openContext, deadlines: options.deadlines, analyze, scheduler }),
    useIncrementalDelivery(),
    useExecutor(policy.suggestions, analyze, options.memory),
    useSubscriptions({ streams, admission: options.admission, limiter: policy.rateLimiter, rows }),
    useExecutionCancellation(),
    useDeferStream(),
  ] as Plugin<never>[]
}
