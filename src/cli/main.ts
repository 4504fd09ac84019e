#!/usr/bin/env node
import { statfs } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { loadConfig } from '../app/config.ts'
import { createContainer, DEV_TENANT } from '../app/container.ts'
import { connectToRunningSandboxes } from '../app/sandboxes.ts'
import { registry } from '../providers/registry.ts'
import { runCli } from './program.ts'

/** The command line. Exit codes: 0 success, 1 failure with its reason, 2 usage error. */

const config = (changes?: NodeJS.ProcessEnv) => loadConfig({ ...process.env, ...changes }, Object.values(registry))

// The reader may close the pipe early, as `head` does.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  throw error
})

const code = await runCli(
  process.argv.slice(2),
  {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    stdin: () => {
      if (process.stdin.isTTY) process.stderr.write('Reading from stdin. Press Ctrl-D to end the input.\n')
      return text(process.stdin)
    },
    confirm: async question => {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close())
      return /^y(es)?$/i.test(answer.trim())
    },
    isTty: process.stderr.isTTY ?? false,
    columns: process.stdout.columns,
  },
  {
    defaultTenant: DEV_TENANT,
    config: () => config(),
    // Loaded on demand, so that no command waits for the modules of another.
    runs: {
      serve: async () => (await import('../app/serve.ts')).serve(process.env),
      sandbox: async () => (await import('../app/run-sandboxes.ts')).runSandboxCommand(process.env),
      demo: async () => (await import('../demo/demo.ts')).runDemo(process.env),
    },
    schema: async () => (await import('../../schema/index.ts')).buildSchema(registry),
    nodeVersion: process.versions.node,
    freeBytes: async folder => {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
    open: async changes => createContainer(config(changes), { sandboxes: connectToRunningSandboxes }),
  },
)
if (code !== 0) process.exit(code)
