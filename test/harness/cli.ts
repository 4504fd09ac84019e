import { type ChildProcess, spawn } from 'node:child_process'
import { buildSchema } from '../../schema/index.ts'
import type { Runs } from '../../src/cli/cli.ts'
import { runCli } from '../../src/cli/program.ts'
import { loadConfig } from '../../src/config.ts'
import { DEV_TENANT, openHouse } from '../../src/house.ts'
import { packageRoot } from '../../src/package.ts'
import { registry } from '../../src/providers/registry.ts'
import { attachSandboxes } from '../../src/sandboxes.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a test replaces of the machine. */
export interface Machine {
  readonly now?: () => Date
  readonly freeBytes?: () => Promise<number>
  readonly runs?: Runs
}

const LOTS = async () => 1e12
const QUIET: Runs = { serve: async () => {}, sandbox: async () => {}, demo: async () => true }

/** The command line with these variables set and nothing else of the environment. It runs in this process. */
export function cliOf(
  env: NodeJS.ProcessEnv,
  { now = () => new Date(), freeBytes = LOTS, runs = QUIET }: Machine = {},
) {
  async function run(args: readonly string[], stdin = ''): Promise<Ran> {
    let stdout = ''
    let stderr = ''
    const config = (changes?: NodeJS.ProcessEnv) =>
      loadConfig({ LOG_LEVEL: 'silent', ...env, ...changes }, Object.values(registry))
    const terminal = {
      out: (text: string) => {
        stdout += text
      },
      err: (text: string) => {
        stderr += text
      },
      stdin: async () => stdin,
      isTty: false,
      columns: undefined,
    }
    const code = await runCli(args, terminal, {
      defaultTenant: DEV_TENANT,
      config,
      runs,
      schema: () => buildSchema(registry),
      freeBytes,
      open: async changes => openHouse(config(changes), { now, sandboxes: attachSandboxes }),
    })
    return { code, stdout, stderr }
  }

  /** The rows that a command prints for programs. Its exit code is not looked at. */
  async function rows(...args: readonly string[]) {
    const { stdout } = await run([...args, '--json'])
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for
    return JSON.parse(stdout) as any[]
  }

  return { run, rows }
}

/** The command line as a process of its own. */
export function spawnCli(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const { PATH, HOME } = process.env
  const command = ['--import', 'tsx', 'src/cli/main.ts', ...args]
  return spawn(process.execPath, command, { cwd: packageRoot(), env: { PATH, HOME, ...env } })
}
