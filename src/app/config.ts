import { z } from 'zod'
import { isLoopbackHost } from '../domain/input/hosts.ts'
import type { ProviderModule, ProviderSettings } from '../providers/contract.ts'
import { DEFAULT_LIMITS, type UpstreamLimits } from '../upstream/limits.ts'
import { httpSettings } from './http-settings.ts'
import { describeSettingIssue } from './setting-messages.ts'
import { findMisspeltSettings } from './setting-names.ts'
import { flag, milliseconds, positive, proxyUrl } from './setting-types.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Public, so it is only valid on loopback. */
const DEFAULT_API_KEY = 'sg_dev_key_for_this_machine'

/** The server settings: environment variables, documented in docs/settings.md. */
const serverSettings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  HOST: z
    .string()
    // An IPv6 address as in a URL.
    .transform(host => host.replace(/^\[(.*)\]$/, '$1'))
    .default('localhost'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)/, { error: 'Expected sqlite:<file>, sqlite::memory: or postgres://….' })
    .default('sqlite:.data/sessiongraph.db'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/.+/, { error: 'Expected redis://… or rediss://….' })
    .optional(),
  DATABASE_CONNECTIONS: positive.default(10),
  DATABASE_CONNECT_MS: milliseconds.default(2_000),
  DATABASE_STATEMENT_MS: milliseconds.default(5_000),
  AUTO_MIGRATE: flag.default('on'),
  ENCRYPTION_KEY: z
    .string()
    .refine(value => parseEncryptionKeys(value).every(key => key.length === 32), {
      error: 'Expected 32 bytes, as 64 hex digits or as base64; older keys for decryption after a comma.',
    })
    .optional(),
  FAILED_AUTH_PER_MINUTE: positive.default(10),
  DEV_API_KEY: z.string().min(16, { error: 'Expected at least 16 characters.' }).default(DEFAULT_API_KEY),
  SANDBOX: flag.default('on'),
  SANDBOX_WEBHOOKS: flag.default('on'),
  SANDBOX_PORT: z.coerce.number().int().min(0).max(65531).default(4101),
  READ_DEADLINE_MS: milliseconds.default(DEFAULT_LIMITS.readDeadlineMs),
  CREATE_DEADLINE_MS: milliseconds.default(DEFAULT_LIMITS.createDeadlineMs),
  QUERY_DEADLINE_MS: milliseconds.default(5_000),
  MUTATION_DEADLINE_MS: milliseconds.default(20_000),
  MAX_AGE_SECONDS: z.coerce.number().int().min(0).default(30),
  UPSTREAM_CONNECTIONS: positive.default(DEFAULT_LIMITS.connections),
  UPSTREAM_QUEUE: positive.default(DEFAULT_LIMITS.queue),
  UPSTREAM_MAX_BYTES: positive.default(DEFAULT_LIMITS.maxAnswerBytes),
  BREAKER_FAILURE_RATIO: z.coerce.number().gt(0).max(1).default(DEFAULT_LIMITS.breakerFailureRatio),
  BREAKER_MINIMUM_CALLS: positive.default(DEFAULT_LIMITS.breakerMinimumCalls),
  BREAKER_WINDOW_MS: milliseconds.default(DEFAULT_LIMITS.breakerWindowMs),
  BREAKER_HALF_OPEN_AFTER_MS: milliseconds.default(DEFAULT_LIMITS.breakerHalfOpenAfterMs),
  RETRY_BUDGET_RATIO: z.coerce.number().min(0).max(1).default(DEFAULT_LIMITS.retryBudgetRatio),
  RETRY_BUDGET_MIN: z.coerce.number().int().min(0).default(DEFAULT_LIMITS.retryBudgetMin),
  CREATE_ABSENCE_PROOF_SECONDS: z.coerce.number().min(0).default(120),
  RECOVERY_BACKOFF_MIN_SECONDS: z.coerce.number().positive().default(5),
  RECOVERY_BACKOFF_MAX_SECONDS: z.coerce.number().positive().default(3_600),
  MAX_IN_FLIGHT: positive.default(256),
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(10_000).default(1_000),
  DRAIN_DEADLINE_MS: positive.max(14_000).default(12_000),
  RETAIN_WEBHOOKS_DAYS: positive.default(30),
  RETAIN_TIMELINE_DAYS: positive.default(400),
  RETAIN_ACCESS_HOURS: positive.default(24),
  RETAIN_OPERATIONS_HOURS: z.coerce.number().int().min(24).default(720),
  RETAIN_DRIFT_DAYS: positive.default(30),
  RETAIN_STATS_DAYS: positive.default(7),
  RETAIN_AUDIT_DAYS: positive.default(730),
  HTTP_PROXY: proxyUrl.optional(),
  HTTPS_PROXY: proxyUrl.optional(),
  NO_PROXY: z.string().optional(),
  POLLS_PER_MINUTE: positive.default(30),
  JOB_INTERVAL_MS: milliseconds.default(1_000),
  ...httpSettings,
  STATS_INTERVAL_MS: milliseconds.default(10_000),
  METRICS_TOKEN: z.string().min(16, { error: 'Expected at least 16 characters.' }).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: 'Expected an http or https URL.' }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,=\s]+(,[\w-]+=[^,=\s]+)*$/, { error: 'Expected name=value, with commas between.' })
    .transform(text => Object.fromEntries(text.split(',').map(pair => pair.split('=') as [string, string])))
    .optional(),
  OTEL_SERVICE_NAME: z.string().default('sessiongraph'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  LOG_OPERATIONS_SAMPLE_RATE: z.coerce.number().min(0).max(1).default(1),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** The names of the server settings. docs/settings.md lists all of them. */
export const SERVER_SETTINGS: readonly string[] = Object.keys(serverSettings.shape)

export interface Config {
  readonly server: Readonly<z.infer<typeof serverSettings>>
  /** The settings of every provider of the registry, by its name. */
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** The secrets that verify each provider's webhooks, by its name. */
  readonly webhooks: Readonly<Record<string, WebhookSettings>>
  /** Variables that are probably misspelt settings, one line each. */
  readonly warnings: readonly string[]
}

export interface WebhookSettings {
  /** The valid signing secrets; two during a rotation. */
  readonly secrets: readonly string[]
  readonly privateKeyFile?: string
}

/** All problems of the environment, one line each, without values, which may be secrets. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`Invalid settings:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/** Parses the environment. Throws ConfigError with all problems. An empty variable counts as absent. */
export function loadConfig(env: NodeJS.ProcessEnv, modules: readonly ProviderModule[]): Config {
  const set = readVariables(env)
  const problems: string[] = []
  const messages = { error: describeSettingIssue }
  const server = serverSettings.safeParse(isProduction(set) ? { SANDBOX: 'off', ...set } : set, messages)
  if (!server.success) problems.push(...describe(server.error, String))
  const providers: Record<string, ProviderSettings> = {}
  for (const module of modules) {
    const variable = (name: string) => envVarName(module.provider, name)
    const given = Object.keys(module.settings.shape).map(name => [name, set[variable(name)]])
    const parsed = module.settings.safeParse(
      Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      messages,
    )
    if (parsed.success) providers[module.provider] = Object.freeze(parsed.data)
    else problems.push(...describe(parsed.error, variable))
  }
  const misspelt = findMisspeltSettings(
    Object.keys(set),
    [...SERVER_SETTINGS, ...modules.flatMap(providerSettingNames)],
    modules.map(({ provider }) => provider),
  )
  problems.push(...misspelt.unknown)
  if (isProduction(set)) problems.push(...findProductionProblems(set))
  else if (server.success && !isLoopbackHost(server.data.HOST) && server.data.DEV_API_KEY === DEFAULT_API_KEY) {
    problems.push('DEV_API_KEY: Expected a key of your own, because other machines can reach HOST.')
  }
  if (server.success && server.data.DATABASE_URL.startsWith('postgres') && !server.data.ENCRYPTION_KEY) {
    problems.push('ENCRYPTION_KEY: Expected with PostgreSQL: all instances that share the database need the same key.')
  }
  if (!server.success || problems.length > 0) throw new ConfigError([...problems, ...misspelt.similar])
  const webhooks = Object.fromEntries(modules.map(({ provider }) => [provider, readWebhookSettings(set, provider)]))
  return Object.freeze({
    server: Object.freeze(server.data),
    providers: Object.freeze(providers),
    webhooks,
    warnings: misspelt.similar,
  })
}

/** Other programs read and write the variables of proxies in lower case. */
const LOWER_CASE = ['http_proxy', 'https_proxy', 'no_proxy']

/** The variables that are set. An empty variable counts as absent. */
function readVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const set = Object.entries(env).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  const lower = set.filter(([name]) => LOWER_CASE.includes(name)).map(([name, value]) => [name.toUpperCase(), value])
  return Object.fromEntries([...lower, ...set])
}

/** Settings that production requires, and settings for development only. */
function findProductionProblems(set: Readonly<Record<string, string | undefined>>): string[] {
  return [
    ...(set.ENCRYPTION_KEY ? [] : ['ENCRYPTION_KEY: Expected a key of your own in production: 32 bytes.']),
    ...(set.DEV_API_KEY ? ['DEV_API_KEY: Expected none in production. Create keys for tenants instead.'] : []),
    ...(set.SANDBOX === 'on' ? ['SANDBOX: Expected "off" in production.'] : []),
  ]
}

function isProduction({ NODE_ENV }: Readonly<Record<string, string | undefined>>): boolean {
  return NODE_ENV === 'production'
}

/** The API key for development; undefined in production. */
export function developmentKey({ server }: Config): string | undefined {
  return server.NODE_ENV === 'production' ? undefined : server.DEV_API_KEY
}

/** The environment variable of a provider's setting: `apiKey` of KAYLE is KAYLE_API_KEY. */
export function envVarName(provider: string, name: string): string {
  return `${provider}_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

function providerSettingNames({ provider, settings }: ProviderModule): string[] {
  const own = Object.keys(settings.shape).map(name => envVarName(provider, name))
  return [...own, `${provider}_WEBHOOK_SECRET`, `${provider}_WEBHOOK_PRIVATE_KEY_FILE`]
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
  return [...new Set(error.issues.map(issue => `${nameOf(String(issue.path[0]))}: ${issue.message}`))]
}

/** The bytes of each key, the current one first. */
export function parseEncryptionKeys(text: string): Buffer[] {
  return text.split(',').map(key => parseEncryptionKey(key.trim()))
}

function parseEncryptionKey(text: string): Buffer {
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
}

/** How long data is stored, in milliseconds. */
export function retentionPolicy(server: Config['server']) {
  return {
    inboxMs: server.RETAIN_WEBHOOKS_DAYS * DAY_MS,
    timelineMs: server.RETAIN_TIMELINE_DAYS * DAY_MS,
    accessMs: server.RETAIN_ACCESS_HOURS * HOUR_MS,
    operationsMs: server.RETAIN_OPERATIONS_HOURS * HOUR_MS,
    driftMs: server.RETAIN_DRIFT_DAYS * DAY_MS,
    minutesMs: server.RETAIN_STATS_DAYS * DAY_MS,
    auditMs: server.RETAIN_AUDIT_DAYS * DAY_MS,
  }
}

/** The limits that all providers share. */
export function upstreamLimits(server: Config['server']): UpstreamLimits {
  return {
    readDeadlineMs: server.READ_DEADLINE_MS,
    createDeadlineMs: server.CREATE_DEADLINE_MS,
    maxAnswerBytes: server.UPSTREAM_MAX_BYTES,
    connections: server.UPSTREAM_CONNECTIONS,
    queue: server.UPSTREAM_QUEUE,
    breakerFailureRatio: server.BREAKER_FAILURE_RATIO,
    breakerMinimumCalls: server.BREAKER_MINIMUM_CALLS,
    breakerWindowMs: server.BREAKER_WINDOW_MS,
    breakerHalfOpenAfterMs: server.BREAKER_HALF_OPEN_AFTER_MS,
    retryBudgetRatio: server.RETRY_BUDGET_RATIO,
    retryBudgetMin: server.RETRY_BUDGET_MIN,
    proxy: { httpProxy: server.HTTP_PROXY, httpsProxy: server.HTTPS_PROXY, noProxy: server.NO_PROXY },
  }
}
