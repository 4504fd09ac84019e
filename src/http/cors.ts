import { isLoopbackOrigin } from '../domain/input/hosts.ts'
import { REQUEST_ID_HEADER } from './request/request-head.ts'

export interface CorsOptions {
  readonly origins: readonly string[]
  /** True where pages of this machine may also send requests: a development server. */
  readonly allowsLoopback: boolean
  /** Further headers that pages may send. */
  readonly headers: readonly string[]
}

/** Cross-origin resource sharing. Credentials are not allowed: clients send keys, not cookies. */
export interface Cors {
  /** Whether pages of that origin may send requests. */
  isAllowed(origin: string): boolean
  /** The headers of every response. */
  headersFor(origin: string | null | undefined): Readonly<Record<string, string>>
  /** The headers of the response to a preflight request; undefined where the origin is not allowed. */
  preflightFor(origin: string | null | undefined): Readonly<Record<string, string>> | undefined
}

/** What browsers' SDKs of tracing, error reporting and GraphQL clients add to requests. */
const CLIENT_HEADERS = [
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
  'baggage',
  'graphql-require-preflight',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'x-apollo-operation-name',
  'x-graphql-cost',
  'x-graphql-yoga-csrf',
]

export function createCors({ origins, allowsLoopback, headers }: CorsOptions): Cors {
  const allowedHeaders = [
    'authorization',
    'content-type',
    'last-event-id',
    REQUEST_ID_HEADER,
    ...CLIENT_HEADERS,
    ...headers,
  ]
  const isAllowed = (origin: string) => origins.includes(origin) || (allowsLoopback && isLoopbackOrigin(origin))

  return {
    isAllowed,
    headersFor(origin): Record<string, string> {
      if (origins.length === 0 && !allowsLoopback) return {}
      if (!origin || !isAllowed(origin)) return { vary: 'Origin' }
      return {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': EXPOSED_HEADERS,
      }
    },
    preflightFor(origin): Record<string, string> | undefined {
      if (!origin || !isAllowed(origin)) return undefined
      return {
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': allowedHeaders.join(', '),
        'access-control-max-age': '600',
        'content-length': '0',
      }
    },
  }
}

const EXPOSED_HEADERS = ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate', REQUEST_ID_HEADER].join(
  ', ',
)
