import { useDeferStream } from '@graphql-yoga/plugin-defer-stream'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import type { GraphQLSchema } from 'graphql'
import { createYoga, type GraphiQLOptions, useExecutionCancellation, type YogaLogger } from 'graphql-yoga'
import type { Authenticate } from '../security/api-keys.ts'
import type { Services } from '../services/services.ts'
import { toClientError } from './error-codes.ts'
import type { Streams } from './streams.ts'
import { useAuthentication } from './use-authentication.ts'
import { type Deadlines, useContext } from './use-context.ts'
import { useErrorCodes } from './use-error-codes.ts'
import { useHealth } from './use-health.ts'
import { useSse } from './use-sse.ts'
import { useWebhooks } from './use-webhooks.ts'

export const GRAPHQL_PATH = '/graphql'

export interface AppOptions {
  readonly schema: GraphQLSchema
  readonly services: Services
  readonly authenticate: Authenticate
  readonly deadlines: Deadlines
  readonly graphiql: GraphiQLOptions | false
  readonly logger: YogaLogger
  readonly streams: Streams
  /** Tells whoever watches that something unexpected happened. */
  readonly report: (error: unknown) => void
  readonly now: () => Date
}

export type App = ReturnType<typeof createApp>

/** The door for clients. A request listener for node:http, and `fetch` for tests. */
export function createApp({
  schema,
  services,
  authenticate,
  deadlines,
  graphiql,
  logger,
  now,
  report,
  streams,
}: AppOptions) {
  return createYoga({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    logging: logger,
    landingPage: false,
    batching: false,
    multipart: false,
    cors: false,
    graphiql,
    renderGraphiQL,
    maskedErrors: { maskError: toClientError },
    plugins: [
      useHealth(GRAPHQL_PATH),
      useWebhooks(services.inbox, report),
      useAuthentication(authenticate, GRAPHQL_PATH, now),
      useErrorCodes(),
      useContext(services, deadlines, now),
      useSse(streams),
      useExecutionCancellation(),
      useDeferStream(),
    ],
  })
}
