import { Command, CommanderError } from 'commander'
import type { GraphQLSchema } from 'graphql'
import type { Config } from '../config.ts'
import type { House } from '../house.ts'
import { packageVersion } from '../package.ts'
import { type CliContext, examples, type Runs } from './cli.ts'
import { addDatabase } from './database.ts'
import { addDoctor } from './doctor.ts'
import { addDrift } from './drift.ts'
import { describeFailure, EXIT, toFailure, toUnexpected } from './failure.ts'
import { addImport } from './import.ts'
import { addKeys } from './keys.ts'
import { addOperations } from './operations.ts'
import { addPerson } from './person.ts'
import { createProgress } from './progress.ts'
import { addProviders } from './providers.ts'
import { addRunning } from './running.ts'
import { addSchema } from './schema.ts'
import { addSecrets } from './secrets.ts'
import { format } from './show.ts'
import { addTenants } from './tenants.ts'
import { addWebhooks } from './webhooks.ts'

/** What the command line speaks to. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  stdin(): Promise<string>
  /** True where a person looks at stderr. */
  readonly isTty: boolean
  /** How wide stdout is; undefined where nobody looks. */
  readonly columns: number | undefined
}

/** What the house offers to the command line. */
export interface Tools {
  readonly defaultTenant: string
  /** `changes` takes the place of variables of the environment. */
  open(changes?: NodeJS.ProcessEnv): Promise<House>
  /** Throws ConfigError. */
  config(): Config
  readonly runs: Runs
  schema(): Promise<GraphQLSchema>
  /** How many bytes are free on the disk of a folder. */
  freeBytes(folder: string): Promise<number>
}

/** Runs one command line, without the name of the program. Gives the exit code. */
export async function runCli(args: readonly string[], terminal: Terminal, tools: Tools): Promise<number> {
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
    // What is wrong with a command's words was printed by whoever parsed them.
    else if (!isUsage) terminal.err(`${describeFailure(failure)}\n`)
    return isUsage ? EXIT.USAGE : EXIT.FAILED
  }
}

export function createProgram(terminal: Terminal, tools: Tools, asJson = false): Command {
  const program = new Command('sessiongraph')
    .description('Operates a sessiongraph server. Reads the same settings from the environment as the server.')
    .option('--tenant <id>', `the tenant to work for; ${tools.defaultTenant} if left out`)
    .option('--json', 'print JSON for programs: an array on stdout, or an object with "error" on stderr')
    .version(packageVersion(), '--version', 'say which version this is')
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', refuseTwoTenants)
    .addHelpText('after', `${examples(...FIRST_STEPS)}\n\nExit codes: 0 done, 1 not done, 2 the command was wrong.`)
    .exitOverride()
    .showHelpAfterError('(--help says how it is used)')
    .configureOutput({
      writeOut: terminal.out,
      writeErr: asJson ? () => {} : terminal.err,
    })
  const cli = createContext(program, terminal, tools, asJson)
  for (const add of COMMANDS) add(program, cli)
  return program
}

/** A command that names its tenant by a word of its own has no use for another. */
function refuseTwoTenants(program: Command, command: Command): void {
  const { tenant } = program.opts<{ tenant?: string }>()
  const place = command.registeredArguments.findIndex(argument => argument.name() === 'tenant')
  if (tenant === undefined || place === -1 || command.args[place] === tenant) return
  command.error(`error: expected no --tenant: this command's own words name the tenant ${command.args[place]}`)
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
  addRunning,
  addSchema,
  addSecrets,
  addTenants,
  addWebhooks,
]

function createContext(program: Command, terminal: Terminal, tools: Tools, asJson: boolean): CliContext {
  const options = () => program.opts<{ tenant?: string; json?: boolean }>()
  return {
    open: tools.open,
    config: tools.config,
    databaseUrl: () => tools.config().house.DATABASE_URL,
    tenantId: () => options().tenant ?? tools.defaultTenant,
    namedTenant: () => options().tenant,
    show: rows => {
      const showing = { json: options().json ?? false, columns: terminal.columns }
      terminal.out(`${format(rows, showing)}\n`)
    },
    progress: createProgress({
      // Programs read stderr for an error, and nothing else.
      write: asJson && !terminal.isTty ? () => {} : terminal.err,
      isTty: terminal.isTty,
      now: () => performance.now(),
    }),
    print: terminal.out,
    isJson: () => asJson,
    runs: tools.runs,
    schema: tools.schema,
    freeBytes: tools.freeBytes,
    stdin: terminal.stdin,
  }
}
