import { z } from 'zod'
import { DEFAULT_DOOR_LIMITS, DEFAULT_LISTENER_LIMITS, type DoorLimits, type ListenerLimits } from './server/limits.ts'

const flag = z.enum(['on', 'off'])
const positive = z.coerce.number().int().positive()

/** The settings of the door for clients: how much one may ask for, and who may ask from where. */
export const doorSettings = {
  MAX_BODY_BYTES: positive.default(DEFAULT_DOOR_LIMITS.maxBodyBytes),
  MAX_JSON_DEPTH: positive.default(DEFAULT_DOOR_LIMITS.maxJsonDepth),
  MAX_TOKENS: positive.default(DEFAULT_DOOR_LIMITS.maxTokens),
  MAX_DEPTH: positive.default(DEFAULT_DOOR_LIMITS.maxDepth),
  MAX_ALIASES: positive.default(DEFAULT_DOOR_LIMITS.maxAliases),
  MAX_ROOT_FIELDS: positive.default(DEFAULT_DOOR_LIMITS.maxRootFields),
  MAX_COST: positive.default(DEFAULT_DOOR_LIMITS.maxCost),
  COST_PER_MINUTE: positive.default(600),
  HEADERS_TIMEOUT_MS: positive.default(DEFAULT_LISTENER_LIMITS.headersTimeoutMs),
  REQUEST_TIMEOUT_MS: positive.default(DEFAULT_LISTENER_LIMITS.requestTimeoutMs),
  KEEP_ALIVE_TIMEOUT_MS: positive.default(DEFAULT_LISTENER_LIMITS.keepAliveTimeoutMs),
  MAX_HEADER_BYTES: positive.default(DEFAULT_LISTENER_LIMITS.maxHeaderBytes),
  CORS_ORIGINS: z
    .string()
    .refine(text => toOrigins(text).every(isOrigin), { error: 'Expected origins such as https://app.example.com.' })
    .optional(),
  CONSOLE: flag.default('on'),
  GRAPHIQL: flag.optional(),
  INTROSPECTION: flag.optional(),
  SUGGESTIONS: flag.optional(),
  FEDERATION: z.enum(['on', 'entities', 'off']).optional(),
  TRUSTED_DOCUMENTS: z.enum(['off', 'warn', 'enforce']).default('off'),
  TRUSTED_DOCUMENTS_DIR: z.string().default('examples'),
}

export type DoorSettings = Readonly<z.infer<z.ZodObject<typeof doorSettings>>>

/** What only the makers of a client need is on where it is developed, and in production where it is asked for. */
export function isShown(setting: 'on' | 'off' | undefined, { NODE_ENV }: { readonly NODE_ENV: string }): boolean {
  return setting === undefined ? NODE_ENV !== 'production' : setting === 'on'
}

/** How much of a subgraph is served. Its SDL tells all that introspection does, so where that is off it stays untold. */
export function federationMode(settings: DoorSettings & { readonly NODE_ENV: string }): 'on' | 'entities' | 'off' {
  return settings.FEDERATION ?? (isShown(settings.INTROSPECTION, settings) ? 'on' : 'entities')
}

/** The origins of a list with commas. */
export function toOrigins(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').flatMap(origin => origin.trim() || [])
}

export function doorLimits(settings: DoorSettings): DoorLimits {
  return {
    maxBodyBytes: settings.MAX_BODY_BYTES,
    maxJsonDepth: settings.MAX_JSON_DEPTH,
    maxTokens: settings.MAX_TOKENS,
    maxDepth: settings.MAX_DEPTH,
    maxAliases: settings.MAX_ALIASES,
    maxRootFields: settings.MAX_ROOT_FIELDS,
    maxCost: settings.MAX_COST,
  }
}

export function listenerLimits(settings: DoorSettings): ListenerLimits {
  return {
    headersTimeoutMs: settings.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
    keepAliveTimeoutMs: settings.KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderBytes: settings.MAX_HEADER_BYTES,
  }
}

/** As a browser says it: scheme, host and port, with no path behind. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text)
}
