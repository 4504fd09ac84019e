#!/usr/bin/env node
import { statfs } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { loadConfig } from '../config.ts'
import { DEV_TENANT, openHouse } from '../house.ts'
import { registry } from '../providers/registry.ts'
import { attachSandboxes } from '../sandboxes.ts'
import { runCli } from './program.ts'

/** The command line. Exit codes: 0 done, 1 not done and the reason said, 2 the command itself was wrong. */

const config = (changes?: NodeJS.ProcessEnv) => loadConfig({ ...process.env, ...changes }, Object.values(registry))

// Who reads it may stop before the end, as `head` does.
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
      if (process.stdin.isTTY) process.stderr.write('Reads from stdin, which Ctrl-D ends.\n')
      return text(process.stdin)
    },
    isTty: process.stderr.isTTY ?? false,
    columns: process.stdout.columns,
  },
  {
    defaultTenant: DEV_TENANT,
    config: () => config(),
    // Each loads what it needs, and no other command waits for that.
    runs: {
      serve: async () => (await import('../serve.ts')).serve(process.env),
      sandbox: async () => (await import('../run-sandboxes.ts')).runSandboxes(process.env),
      demo: async () => (await import('../demo/demo.ts')).tellDemo(process.env),
    },
    schema: async () => (await import('../../schema/index.ts')).buildSchema(registry),
    freeBytes: async folder => {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
    open: async changes => openHouse(config(changes), { now: () => new Date(), sandboxes: attachSandboxes }),
  },
)
if (code !== 0) process.exit(code)
