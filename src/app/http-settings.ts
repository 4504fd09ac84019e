import { z } from 'zod'
import { createTrustedProxies } from '../http/auth/client-address.ts'
import { DEFAULT_REQUEST_LIMITS, DEFAULT_SOCKET_TIMEOUTS, type RequestLimits } from '../http/limits.ts'
import type { ServerOptions } from '../http/server.ts'
import { flag, milliseconds, positive } from './setting-types.ts'

/** The settings of the HTTP API. */
export const httpSettings = {
  MAX_BODY_BYTES: positive.default(DEFAULT_REQUEST_LIMITS.maxBodyBytes),
  MAX_JSON_DEPTH: positive.default(DEFAULT_REQUEST_LIMITS.maxJsonDepth),
  MAX_TOKENS: positive.default(DEFAULT_REQUEST_LIMITS.maxTokens),
  MAX_DEPTH: positive.default(DEFAULT_REQUEST_LIMITS.maxDepth),
  MAX_ALIASES: positive.default(DEFAULT_REQUEST_LIMITS.maxAliases),
  MAX_ROOT_FIELDS: positive.default(DEFAULT_REQUEST_LIMITS.maxRootFields),
  MAX_BATCH_SIZE: positive.default(DEFAULT_REQUEST_LIMITS.maxBatchSize),
  MAX_COST: positive.default(DEFAULT_REQUEST_LIMITS.maxCost),
  COST_PER_MINUTE: positive.default(3_000_000),
  HEADERS_TIMEOUT_MS: milliseconds.default(DEFAULT_SOCKET_TIMEOUTS.headersTimeoutMs),
  REQUEST_TIMEOUT_MS: milliseconds.default(DEFAULT_SOCKET_TIMEOUTS.requestTimeoutMs),
  KEEP_ALIVE_TIMEOUT_MS: milliseconds.default(DEFAULT_SOCKET_TIMEOUTS.keepAliveTimeoutMs),
  MAX_HEADER_BYTES: positive.default(DEFAULT_SOCKET_TIMEOUTS.maxHeaderBytes),
  CORS_ORIGINS: z
    .string()
    .refine(text => parseList(text).every(isOrigin), { error: 'Expected origins such as https://app.example.com.' })
    .optional(),
  CORS_HEADERS: z
    .string()
    .refine(text => parseList(text).every(name => /^[\w-]+$/.test(name)), {
      error: 'Expected names of headers, with commas between.',
    })
    .optional(),
  TRUSTED_PROXIES: z
    .string()
    .refine(isAddressList, { error: 'Expected IP addresses and ranges, such as 10.0.0.0/8, or loopback.' })
    .optional(),
  BASE_PATH: z
    .string()
    .regex(/^(\/[\w.~-]+)+$/, { error: 'Expected a path such as /onboarding, without a slash at its end.' })
    .optional(),
  CONSOLE: flag.default('on'),
  GRAPHIQL: flag.optional(),
  INTROSPECTION: flag.optional(),
  SUGGESTIONS: flag.optional(),
  FEDERATION: z.enum(['on', 'entities', 'off']).optional(),
  TRUSTED_DOCUMENTS: z.enum(['off', 'warn', 'enforce']).default('off'),
  TRUSTED_DOCUMENTS_DIR: z.string().default('examples'),
}

export type HttpSettings = Readonly<z.infer<z.ZodObject<typeof httpSettings>>>

/** Development tools are on by default, except in production. */
export function isExposed(setting: 'on' | 'off' | undefined, { NODE_ENV }: { readonly NODE_ENV: string }): boolean {
  return setting === undefined ? NODE_ENV !== 'production' : setting === 'on'
}

/** How much of a subgraph is served. Its SDL shows the same as introspection, so it is off together with it by default. */
export function federationMode(settings: HttpSettings & { readonly NODE_ENV: string }): 'on' | 'entities' | 'off' {
  return settings.FEDERATION ?? (isExposed(settings.INTROSPECTION, settings) ? 'on' : 'entities')
}

export function parseList(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').flatMap(entry => entry.trim() || [])
}

export function requestLimits(settings: HttpSettings): RequestLimits {
  return {
    maxBodyBytes: settings.MAX_BODY_BYTES,
    maxJsonDepth: settings.MAX_JSON_DEPTH,
    maxTokens: settings.MAX_TOKENS,
    maxDepth: settings.MAX_DEPTH,
    maxAliases: settings.MAX_ALIASES,
    maxRootFields: settings.MAX_ROOT_FIELDS,
    maxBatchSize: settings.MAX_BATCH_SIZE,
    maxCost: settings.MAX_COST,
  }
}

export function listenerOptions(settings: HttpSettings, longestOperationMs: number): ServerOptions {
  return {
    basePath: settings.BASE_PATH,
    headersTimeoutMs: settings.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
    keepAliveTimeoutMs: settings.KEEP_ALIVE_TIMEOUT_MS,
    stalledTimeoutMs: DEFAULT_SOCKET_TIMEOUTS.stalledTimeoutMs + longestOperationMs,
    maxHeaderBytes: settings.MAX_HEADER_BYTES,
  }
}

function isAddressList(text: string): boolean {
  try {
    createTrustedProxies(parseList(text))
    return true
  } catch {
    return false
  }
}

/** As browsers send it: scheme, host and port without a path. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text)
}
