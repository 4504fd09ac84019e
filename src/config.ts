import { z } from 'zod'
import { doorSettings } from './door-settings.ts'
import type { ProviderModule, ProviderSettings } from './providers/contract.ts'
import { DEFAULT_LIMITS, type UpstreamLimits } from './upstream/limits.ts'

const flag = z.enum(['on', 'off'])
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const positive = z.coerce.number().int().positive()

/** Everybody knows it, so it serves this machine alone. */
const DEFAULT_API_KEY = 'sg_dev_key_for_this_machine'

/** The settings of the house. Each is an environment variable of this name; the README's table says what it does. */
const houseSettings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  HOST: z.string().default('localhost'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)/, { error: 'Expected sqlite:<file>, sqlite::memory: or postgres://….' })
    .default('sqlite:.data/sessiongraph.db'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/.+/, { error: 'Expected redis://… or rediss://….' })
    .optional(),
  DATABASE_CONNECTIONS: positive.default(10),
  DATABASE_CONNECT_MS: positive.default(2_000),
  DATABASE_STATEMENT_MS: positive.default(5_000),
  AUTO_MIGRATE: flag.default('on'),
  ENCRYPTION_KEY: z
    .string()
    .refine(value => decodeKeys(value).every(key => key.length === 32), {
      error: 'Expected 32 bytes, as 64 hex digits or as base64; older keys that still open after a comma.',
    })
    .optional(),
  BAD_KEYS_PER_MINUTE: positive.default(10),
  DEV_API_KEY: z.string().min(16, { error: 'Expected at least 16 characters.' }).default(DEFAULT_API_KEY),
  SANDBOX: flag.default('on'),
  SANDBOX_WEBHOOKS: flag.default('on'),
  SANDBOX_PORT: z.coerce.number().int().min(0).max(65531).default(4101),
  READ_DEADLINE_MS: positive.default(DEFAULT_LIMITS.readDeadlineMs),
  CREATE_DEADLINE_MS: positive.default(DEFAULT_LIMITS.createDeadlineMs),
  QUERY_DEADLINE_MS: positive.default(5_000),
  MUTATION_DEADLINE_MS: positive.default(20_000),
  MAX_AGE_SECONDS: z.coerce.number().int().min(0).default(30),
  UPSTREAM_CONNECTIONS: positive.default(DEFAULT_LIMITS.connections),
  UPSTREAM_QUEUE: positive.default(DEFAULT_LIMITS.queue),
  UPSTREAM_MAX_BYTES: positive.default(DEFAULT_LIMITS.maxAnswerBytes),
  BREAKER_FAILURE_SHARE: z.coerce.number().gt(0).max(1).default(DEFAULT_LIMITS.breakerFailureShare),
  BREAKER_MINIMUM_CALLS: positive.default(DEFAULT_LIMITS.breakerMinimumCalls),
  BREAKER_SPAN_MS: positive.default(DEFAULT_LIMITS.breakerSpanMs),
  BREAKER_HALF_OPEN_AFTER_MS: positive.default(DEFAULT_LIMITS.breakerHalfOpenAfterMs),
  RETRY_SHARE: z.coerce.number().min(0).max(1).default(DEFAULT_LIMITS.retryShare),
  RETRY_RESERVE: z.coerce.number().int().min(0).default(DEFAULT_LIMITS.retryReserve),
  SETTLE_DELAY_SECONDS: z.coerce.number().min(0).default(120),
  FIRST_CHECK_SECONDS: z.coerce.number().positive().default(5),
  LAST_CHECK_SECONDS: z.coerce.number().positive().default(3_600),
  MAX_IN_FLIGHT: positive.default(256),
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(10_000).default(1_000),
  DRAIN_DEADLINE_MS: positive.max(14_000).default(12_000),
  RETAIN_INBOX_DAYS: positive.default(30),
  RETAIN_TIMELINE_DAYS: positive.default(400),
  RETAIN_ACCESS_HOURS: positive.default(24),
  RETAIN_OPERATIONS_HOURS: z.coerce.number().int().min(24).default(720),
  RETAIN_DRIFT_DAYS: positive.default(30),
  RETAIN_MINUTES_DAYS: positive.default(7),
  POLLS_PER_MINUTE: positive.default(30),
  JOB_INTERVAL_MS: positive.default(1_000),
  ...doorSettings,
  OBSERVE_INTERVAL_MS: positive.default(10_000),
  METRICS_TOKEN: z.string().min(16, { error: 'Expected at least 16 characters.' }).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: 'Expected an http or https URL.' }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,=\s]+(,[\w-]+=[^,=\s]+)*$/, { error: 'Expected name=value, with commas between.' })
    .transform(text => Object.fromEntries(text.split(',').map(pair => pair.split('=') as [string, string])))
    .optional(),
  OTEL_SERVICE_NAME: z.string().default('sessiongraph'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  LOG_OPERATIONS_SHARE: z.coerce.number().min(0).max(1).default(1),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** The names of the house's settings, which the README's table lists. */
export const HOUSE_SETTINGS: readonly string[] = Object.keys(houseSettings.shape)

export interface Config {
  readonly house: Readonly<z.infer<typeof houseSettings>>
  /** The settings of every provider of the registry, by its name. */
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** What each provider's deliveries are verified with, by its name. */
  readonly webhooks: Readonly<Record<string, WebhookSettings>>
}

export interface WebhookSettings {
  /** The live signing secrets; two while one replaces the other. */
  readonly secrets: readonly string[]
  readonly privateKeyFile?: string
}

/** All that is wrong with the environment, a line each. No value is repeated: it may be a secret. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/** Reads the environment. Throws ConfigError with every problem at once. An empty variable counts as absent. */
export function loadConfig(env: NodeJS.ProcessEnv, modules: readonly ProviderModule[]): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const problems: string[] = []
  const house = houseSettings.safeParse(isProduction(set) ? { SANDBOX: 'off', ...set } : set)
  if (!house.success) problems.push(...describe(house.error, String))
  const providers: Record<string, ProviderSettings> = {}
  for (const module of modules) {
    const variable = (name: string) => toVariable(module.provider, name)
    const given = Object.keys(module.settings.shape).map(name => [name, set[variable(name)]])
    const parsed = module.settings.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined)))
    if (parsed.success) providers[module.provider] = Object.freeze(parsed.data)
    else problems.push(...describe(parsed.error, variable))
  }
  if (isProduction(set)) problems.push(...findDevelopment(set))
  else if (house.success && !isLoopback(house.data.HOST) && house.data.DEV_API_KEY === DEFAULT_API_KEY) {
    problems.push('DEV_API_KEY: Expected a key of your own, since HOST can be reached from other machines.')
  }
  if (house.success && house.data.DATABASE_URL.startsWith('postgres') && !house.data.ENCRYPTION_KEY) {
    problems.push('ENCRYPTION_KEY: Expected with PostgreSQL: all who share the database have to have the same.')
  }
  if (!house.success || problems.length > 0) throw new ConfigError(problems)
  const webhooks = Object.fromEntries(modules.map(({ provider }) => [provider, readWebhookSettings(set, provider)]))
  return Object.freeze({ house: Object.freeze(house.data), providers: Object.freeze(providers), webhooks })
}

/** What production may not be started with, and what it may not be started without. */
function findDevelopment(set: Readonly<Record<string, string | undefined>>): string[] {
  return [
    ...(set.ENCRYPTION_KEY ? [] : ['ENCRYPTION_KEY: Expected a key of your own in production: 32 bytes.']),
    ...(set.DEV_API_KEY ? ['DEV_API_KEY: Expected none in production, where keys are made for tenants.'] : []),
    ...(set.SANDBOX === 'on' ? ['SANDBOX: Expected "off" in production.'] : []),
  ]
}

function isProduction({ NODE_ENV }: Readonly<Record<string, string | undefined>>): boolean {
  return NODE_ENV === 'production'
}

/** The one key of development, which production has not. */
export function developmentKey({ house }: Config): string | undefined {
  return house.NODE_ENV === 'production' ? undefined : house.DEV_API_KEY
}

/** The environment variable of a provider's setting: `apiKey` of KAYLE is KAYLE_API_KEY. */
export function toVariable(provider: string, name: string): string {
  return `${provider}_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

/** True where only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** `<PROVIDER>_WEBHOOK_SECRET`, two with a comma between them, and `<PROVIDER>_WEBHOOK_PRIVATE_KEY_FILE`. */
function readWebhookSettings(set: Readonly<Record<string, string | undefined>>, provider: string): WebhookSettings {
  const secrets = (set[`${provider}_WEBHOOK_SECRET`] ?? '').split(',').map(secret => secret.trim())
  return {
    secrets: secrets.filter(secret => secret !== ''),
    privateKeyFile: set[`${provider}_WEBHOOK_PRIVATE_KEY_FILE`],
  }
}

function describe(error: z.ZodError, nameOf: (name: string) => string): string[] {
  return error.issues.map(issue => `${nameOf(String(issue.path[0]))}: ${issue.message}`)
}

/** The bytes of each key, the current one first. */
export function decodeKeys(text: string): Buffer[] {
  return text.split(',').map(key => decodeKey(key.trim()))
}

function decodeKey(text: string): Buffer {
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
}

/** How long things are kept, in milliseconds. */
export function retention(house: Config['house']) {
  return {
    inboxMs: house.RETAIN_INBOX_DAYS * DAY_MS,
    timelineMs: house.RETAIN_TIMELINE_DAYS * DAY_MS,
    accessMs: house.RETAIN_ACCESS_HOURS * HOUR_MS,
    operationsMs: house.RETAIN_OPERATIONS_HOURS * HOUR_MS,
    driftMs: house.RETAIN_DRIFT_DAYS * DAY_MS,
    minutesMs: house.RETAIN_MINUTES_DAYS * DAY_MS,
  }
}

/** The settings that hold for every provider. */
export function upstreamLimits(house: Config['house']): UpstreamLimits {
  return {
    readDeadlineMs: house.READ_DEADLINE_MS,
    createDeadlineMs: house.CREATE_DEADLINE_MS,
    maxAnswerBytes: house.UPSTREAM_MAX_BYTES,
    connections: house.UPSTREAM_CONNECTIONS,
    queue: house.UPSTREAM_QUEUE,
    breakerFailureShare: house.BREAKER_FAILURE_SHARE,
    breakerMinimumCalls: house.BREAKER_MINIMUM_CALLS,
    breakerSpanMs: house.BREAKER_SPAN_MS,
    breakerHalfOpenAfterMs: house.BREAKER_HALF_OPEN_AFTER_MS,
    retryShare: house.RETRY_SHARE,
    retryReserve: house.RETRY_RESERVE,
  }
}
