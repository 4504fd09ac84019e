import type { GraphQLSchema } from 'graphql'
import type { Config } from '../app/config.ts'
import type { AppContainer } from '../app/container.ts'
import type { Tenant } from '../domain/access/caller.ts'
import { NotFoundError, ProviderError } from '../domain/errors.ts'
import type { OutputOptions } from './output.ts'
import type { Progress } from './progress.ts'

/** The dependencies of the commands: the application, opened on demand, and the terminal. */
export interface CliContext {
  /** `changes` overrides environment variables. */
  open(changes?: NodeJS.ProcessEnv): Promise<AppContainer>
  /** The settings only. Throws ConfigError. */
  config(): Config
  /** DATABASE_URL, for commands that need only the database. */
  databaseUrl(): string
  readonly tenantId: () => string
  /** The value of `--tenant`; undefined without the option. */
  readonly namedTenant: () => string | undefined
  /** Prints rows as text, or as JSON with `--json`. */
  show(rows: readonly object[], text?: Pick<OutputOptions, 'empty' | 'only'>): void
  /** Prints text unchanged. */
  print(text: string): void
  readonly isJson: () => boolean
  readonly runs: Processes
  /** The schema of this build. */
  schema(): Promise<GraphQLSchema>
  /** The free bytes on the disk of a folder. */
  freeBytes(folder: string): Promise<number>
  /** The version of Node, such as `20.20.2`. */
  readonly nodeVersion: string
  /** Reports progress on stderr. */
  readonly progress: Progress
  /** All of stdin, as text. */
  stdin(): Promise<string>
  /** The answer to a question of yes or no; undefined where there is no terminal. */
  confirm(question: string): Promise<boolean | undefined>
}

/** Long-running commands. `serve` and `sandbox` run until a signal. */
export interface Processes {
  serve(): Promise<void>
  sandbox(): Promise<void>
  /** True if all scenarios succeeded. */
  demo(): Promise<boolean>
}

export interface TenantCall {
  readonly tenantId: string
}

/** A failure with a code of the command line's own. Exit code 1. */
export class CliError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'CliError'
    this.code = code
  }
}

/** Opens the application for one command and closes it afterwards. */
export async function withApp(cli: CliContext, run: (app: AppContainer) => Promise<void>): Promise<void> {
  const app = await cli.open()
  try {
    await run(app)
  } finally {
    cli.progress.end()
    await app.close()
  }
}

/** The same for one tenant: that of `--tenant`, or that of the command's argument. */
export function withTenant(
  cli: CliContext,
  run: (app: AppContainer, call: TenantCall) => Promise<void>,
  tenantId = cli.tenantId(),
): Promise<void> {
  return withApp(cli, async app => {
    await assertTenant(app, tenantId)
    await run(app, { tenantId }).catch((error: unknown) => {
      throw isNotConfigured(error) ? toNotConfigured(error, tenantId) : error
    })
  })
}

/** Throws NOT_FOUND, because a misspelt name would look like a tenant without data. */
export function assertTenant({ services }: AppContainer, tenantId: string): Promise<Tenant> {
  const createCommand = /^[a-z0-9-]+$/.test(tenantId) ? `tenants create ${tenantId}` : 'tenants create <tenant>'
  const advice = `\`sessiongraph tenants list\` shows all tenants, \`sessiongraph ${createCommand}\` creates one.`
  return withHint(services.tenants.get(tenantId), advice)
}

function isNotConfigured(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.code === 'PROVIDER_NOT_CONFIGURED'
}

function toNotConfigured({ code, summary, provider }: ProviderError, tenantId: string): CliError {
  const setCommand = `sessiongraph providers set ${tenantId} ${provider.toLowerCase()}`
  return new CliError(code, `${summary} Set the tenant's account with \`${setCommand}\`.`)
}

/** Adds the hint to the message of a NotFoundError. */
export function withHint<T>(found: Promise<T>, advice: string): Promise<T> {
  return found.catch((error: unknown) => {
    throw error instanceof NotFoundError ? new NotFoundError(`${error.message} ${advice}`) : error
  })
}

/** A command as the user types it for the same tenant. */
export function formatCommand({ namedTenant }: CliContext, words: string): string {
  const tenant = namedTenant()
  return `\`sessiongraph ${words}${tenant === undefined ? '' : ` --tenant ${tenant}`}\``
}

/** Examples below a command's help. A test parses each. */
export function examples(...lines: readonly string[]): string {
  const heading = lines.length === 1 ? 'Example:' : 'Examples:'
  return ['', heading, ...lines.map(line => `  ${line}`)].join('\n')
}
