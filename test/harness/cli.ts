import { type ChildProcess, spawn } from 'node:child_process'
import type { Command } from 'commander'
import { buildSchema } from '../../schema/index.ts'
import { loadConfig } from '../../src/app/config.ts'
import { createContainer, DEV_TENANT } from '../../src/app/container.ts'
import { packageRoot } from '../../src/app/package.ts'
import { connectToRunningSandboxes } from '../../src/app/sandboxes.ts'
import type { Processes } from '../../src/cli/cli.ts'
import { createProgram, runCli } from '../../src/cli/program.ts'
import { registry } from '../../src/providers/registry.ts'
import { builtFile } from './app/server-process.ts'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The parts of the environment that a test replaces. */
export interface Machine {
  readonly now?: () => Date
  readonly freeBytes?: () => Promise<number>
  readonly runs?: Processes
  readonly nodeVersion?: string
  readonly confirm?: (question: string) => Promise<boolean>
  /** The width of the terminal; a pipe if left out. */
  readonly columns?: number
}

const LOTS = async () => 1e12
const QUIET: Processes = { serve: async () => {}, sandbox: async () => {}, demo: async () => true }

/** The commands, without an implementation. */
export function describeProgram(run: () => never): Command {
  const terminal = {
    out: () => {},
    err: () => {},
    stdin: async () => '',
    confirm: async () => undefined,
    isTty: false,
    columns: undefined,
  }
  return createProgram(terminal, {
    defaultTenant: DEV_TENANT,
    config: run,
    open: run,
    runs: { serve: run, sandbox: run, demo: run },
    schema: run,
    freeBytes: run,
    nodeVersion: process.versions.node,
  })
}

/** Runs the command line in this process, with only these environment variables. */
export function cliOf(env: NodeJS.ProcessEnv, machine: Machine = {}) {
  const { now = () => new Date(), freeBytes = LOTS, runs = QUIET, nodeVersion = process.versions.node } = machine
  async function run(args: readonly string[], stdin = ''): Promise<CliResult> {
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
      confirm: machine.confirm ?? (async () => undefined),
      isTty: false,
      columns: machine.columns,
    }
    const code = await runCli(args, terminal, {
      defaultTenant: DEV_TENANT,
      config,
      runs,
      schema: () => buildSchema(registry),
      freeBytes,
      nodeVersion,
      open: async changes => createContainer(config(changes), { now, sandboxes: connectToRunningSandboxes }),
    })
    return { code, stdout, stderr }
  }

  /** The parsed `--json` output of a command, whatever its exit code. */
  async function rows(...args: readonly string[]) {
    const { stdout } = await run([...args, '--json'])
    // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
    return JSON.parse(stdout) as any[]
  }

  return { run, rows }
}

/** Runs the command line in a separate process. */
export function spawnCli(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const { PATH, HOME } = process.env
  const command = [builtFile('cli/main.js'), ...args]
  return spawn(process.execPath, command, { cwd: packageRoot(), env: { PATH, HOME, ...env } })
}
