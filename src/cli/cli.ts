import type { GraphQLSchema } from 'graphql'
import type { Config } from '../config.ts'
import { NotFoundError, ProviderError } from '../domain/errors.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { House } from '../house.ts'
import type { Progress } from './progress.ts'

/** What the commands are given: the house when they need it, and the terminal they speak to. */
export interface CliContext {
  /** `changes` takes the place of variables of the environment. */
  open(changes?: NodeJS.ProcessEnv): Promise<House>
  /** The settings alone. Throws ConfigError. */
  config(): Config
  /** DATABASE_URL, for what needs no more than the database. */
  databaseUrl(): string
  readonly tenantId: () => string
  /** What `--tenant` named; undefined where it was left out. */
  readonly namedTenant: () => string | undefined
  /** Prints rows for a person, or as JSON where that was asked for. */
  show(rows: readonly object[]): void
  /** Prints text as it is. */
  print(text: string): void
  readonly isJson: () => boolean
  readonly runs: Runs
  /** What this build serves. */
  schema(): Promise<GraphQLSchema>
  /** How many bytes are free on the disk of a folder. */
  freeBytes(folder: string): Promise<number>
  /** Says how far long work has come, on stderr. */
  readonly progress: Progress
  /** All of stdin, as text. */
  stdin(): Promise<string>
}

/** What runs by itself. `serve` and `sandbox` go on until a signal. */
export interface Runs {
  serve(): Promise<void>
  sandbox(): Promise<void>
  /** Gives whether the story came true. */
  demo(): Promise<boolean>
}

export interface TenantCall {
  readonly tenantId: string
}

/** Something a command did not do, in words of the command line's own. Exit code 1. */
export class CliError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'CliError'
    this.code = code
  }
}

/** Opens the house for one command and closes it again. */
export async function withHouse(cli: CliContext, run: (house: House) => Promise<void>): Promise<void> {
  const house = await cli.open()
  try {
    await run(house)
  } finally {
    cli.progress.end()
    await house.close()
  }
}

/** The same for one tenant: that of `--tenant`, or the one that the command's own words name. */
export function withTenant(
  cli: CliContext,
  run: (house: House, call: TenantCall) => Promise<void>,
  tenantId = cli.tenantId(),
): Promise<void> {
  return withHouse(cli, async house => {
    await expectTenant(house, tenantId)
    await run(house, { tenantId }).catch((error: unknown) => {
      throw isNotConfigured(error) ? toNotConfigured(error, tenantId) : error
    })
  })
}

/** Throws NOT_FOUND. A name that was misspelt would otherwise look like a tenant that has nothing. */
export function expectTenant({ services }: House, tenantId: string): Promise<Tenant> {
  const make = /^[a-z0-9-]+$/.test(tenantId) ? `tenants create ${tenantId}` : 'tenants create <tenant>'
  const advice = `\`sessiongraph tenants list\` shows those there are, \`sessiongraph ${make}\` makes one.`
  return orAdvise(services.tenants.get(tenantId), advice)
}

function isNotConfigured(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.code === 'PROVIDER_NOT_CONFIGURED'
}

function toNotConfigured({ code, message, provider }: ProviderError, tenantId: string): CliError {
  const set = `sessiongraph providers set ${tenantId} ${provider.toLowerCase()}`
  return new CliError(code, `${message} \`${set}\` sets the tenant's account there.`)
}

/** What was looked for. Where there is no such thing, the advice says where to look. */
export function orAdvise<T>(found: Promise<T>, advice: string): Promise<T> {
  return found.catch((error: unknown) => {
    throw error instanceof NotFoundError ? new NotFoundError(`${error.message} ${advice}`) : error
  })
}

/** A command as it is typed for the same tenant. */
export function typed({ namedTenant }: CliContext, words: string): string {
  const tenant = namedTenant()
  return `\`sessiongraph ${words}${tenant === undefined ? '' : ` --tenant ${tenant}`}\``
}

/** What somebody would type, below a command's help. A test parses each. */
export function examples(...lines: readonly string[]): string {
  const heading = lines.length === 1 ? 'Example:' : 'Examples:'
  return ['', heading, ...lines.map(line => `  ${line}`)].join('\n')
}
