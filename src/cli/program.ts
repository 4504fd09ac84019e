import { Command, CommanderError } from 'commander'
import type { GraphQLSchema } from 'graphql'
import type { Config } from '../app/config.ts'
import type { AppContainer } from '../app/container.ts'
import { packageVersion } from '../app/package.ts'
import { type CliContext, examples, type Processes } from './cli.ts'
import { addDatabase } from './commands/database.ts'
import { addDrift } from './commands/drift.ts'
import { addImport } from './commands/import.ts'
import { addKeys } from './commands/keys.ts'
import { addOperations } from './commands/operations.ts'
import { addPerson } from './commands/person.ts'
import { addProviders } from './commands/providers.ts'
import { addSchema } from './commands/schema.ts'
import { addSecrets } from './commands/secrets.ts'
import { addServeCommands } from './commands/serve.ts'
import { addTenants } from './commands/tenants.ts'
import { addWebhooks } from './commands/webhooks.ts'
import { addDoctor } from './doctor/doctor.ts'
import { describeFailure, EXIT, toFailure, toUnexpected } from './failure.ts'
import { formatTable } from './output.ts'
import { createProgress } from './progress.ts'

/** The terminal. */
export interface CliIO {
  out(text: string): void
  err(text: string): void
  stdin(): Promise<string>
  /** Undefined if stdin is not a terminal. */
  confirm(question: string): Promise<boolean | undefined>
  /** True if stderr is a terminal. */
  readonly isTty: boolean
  /** The width of stdout; undefined if it is not a terminal. */
  readonly columns: number | undefined
}

/** What the application offers to the command line. */
export interface CliDeps {
  readonly defaultTenant: string
  /** `changes` overrides environment variables. */
  open(changes?: NodeJS.ProcessEnv): Promise<AppContainer>
  /** Throws ConfigError. */
  config(): Config
  readonly runs: Processes
  schema(): Promise<GraphQLSchema>
  /** The free bytes on the disk of a folder. */
  freeBytes(folder: string): Promise<number>
  /** Such as `20.20.2`. */
  readonly nodeVersion: string
}

/** Runs one command line, without the program name, and returns the exit code. */
export async function runCli(args: readonly string[], terminal: CliIO, tools: CliDeps): Promise<number> {
  const asJson = args.includes('--json')
  const program = createProgram(terminal, tools, asJson)
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.DONE
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.DONE
    const failure = toFailure(error) ?? (asJson ? toUnexpected(error) : undefined)
    if (!failure) throw error
    const isUsage = error instanceof CommanderError
    if (asJson) terminal.err(`${JSON.stringify({ error: failure })}\n`)
    // Commander has already printed a usage error.
    else if (!isUsage) terminal.err(`${describeFailure(failure)}\n`)
    return isUsage ? EXIT.USAGE : EXIT.FAILED
  }
}

export function createProgram(terminal: CliIO, tools: CliDeps, asJson = false): Command {
  const program = new Command('sessiongraph')
    .description('Operates a sessiongraph server. Reads the same environment variables as the server.')
    .option('--tenant <id>', `the tenant; default: ${tools.defaultTenant}`)
    .option('--json', 'print JSON: an array on stdout, or an object with "error" on stderr')
    .version(packageVersion(), '--version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', assertOneTenant)
    .addHelpText('after', `${examples(...FIRST_STEPS)}\n\nExit codes: 0 success, 1 failure, 2 usage error.`)
    .exitOverride()
    .showHelpAfterError('(use --help for usage)')
    .configureOutput({
      writeOut: terminal.out,
      writeErr: asJson ? () => {} : terminal.err,
    })
  const cli = createContext(program, terminal, tools, asJson)
  for (const add of COMMANDS) add(program, cli)
  return program
}

/** Reject --tenant for a command that has the tenant as an argument. */
function assertOneTenant(program: Command, command: Command): void {
  const { tenant } = program.opts<{ tenant?: string }>()
  const index = command.registeredArguments.findIndex(argument => argument.name() === 'tenant')
  if (tenant === undefined || index === -1 || command.args[index] === tenant) return
  command.error(`error: unexpected --tenant: the argument already names the tenant ${command.args[index]}`)
}

const FIRST_STEPS = ['sessiongraph doctor', 'sessiongraph operations list --json']

const COMMANDS = [
  addDatabase,
  addDoctor,
  addDrift,
  addImport,
  addKeys,
  addOperations,
  addPerson,
  addProviders,
  addServeCommands,
  addSchema,
  addSecrets,
  addTenants,
  addWebhooks,
]

function createContext(program: Command, terminal: CliIO, tools: CliDeps, asJson: boolean): CliContext {
  const options = () => program.opts<{ tenant?: string; json?: boolean }>()
  return {
    open: tools.open,
    config: tools.config,
    databaseUrl: () => tools.config().server.DATABASE_URL,
    tenantId: () => options().tenant ?? tools.defaultTenant,
    namedTenant: () => options().tenant,
    show: (rows, text) => {
      const showing = { ...text, json: options().json ?? false, columns: terminal.columns }
      terminal.out(`${formatTable(rows, showing)}\n`)
    },
    progress: createProgress({
      // With `--json`, stderr contains only the error.
      write: asJson && !terminal.isTty ? () => {} : terminal.err,
      isTty: terminal.isTty,
      now: () => performance.now(),
    }),
    print: terminal.out,
    isJson: () => asJson,
    runs: tools.runs,
    schema: tools.schema,
    freeBytes: tools.freeBytes,
    nodeVersion: tools.nodeVersion,
    stdin: terminal.stdin,
    confirm: terminal.confirm,
  }
}
