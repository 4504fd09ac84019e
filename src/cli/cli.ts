import { InvalidArgumentError } from 'commander'
import type { GraphQLSchema } from 'graphql'
import type { Config } from '../config.ts'
import { PROVIDERS, type Provider } from '../domain/provider.ts'
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
export async function withHouse(
  cli: CliContext,
  run: (house: House, call: TenantCall) => Promise<void>,
): Promise<void> {
  const house = await cli.open()
  try {
    await run(house, { tenantId: cli.tenantId() })
  } finally {
    cli.progress.end()
    await house.close()
  }
}

/** What somebody would type, below a command's help. A test parses each. */
export function examples(...lines: readonly string[]): string {
  const heading = lines.length === 1 ? 'Example:' : 'Examples:'
  return ['', heading, ...lines.map(line => `  ${line}`)].join('\n')
}

/** An argument that names a provider. */
export function toProvider(value: string): Provider {
  const provider = PROVIDERS.find(known => known === value.toUpperCase())
  if (!provider) throw new InvalidArgumentError(`Expected one of ${PROVIDERS.join(', ').toLowerCase()}.`)
  return provider
}

/** An argument that says how many. */
export function toCount(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError('Expected a number from 1 to 9999.')
  return Number(value)
}
