import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { packageRoot } from '../../../src/app/package.ts'
import { API_KEY, startApp, type TestApp } from '../app/test-app.ts'
import { cliOf } from '../cli.ts'

/**
 * Executes the commands of a documentation page as a reader would: in an empty folder, with a running server that has a new
 * database and sandboxes. The shell is a real one, in which `sessiongraph` runs the command line in this process.
 */
export interface Reader {
  readonly app: TestApp
  /** Executes a command. A command that runs until a signal is ended when its output matches `until`. */
  type(command: string, until?: RegExp): Promise<Typed>
  /** Writes a file of the reader. */
  write(file: string, text: string): void
  close(): Promise<void>
}

export interface Typed {
  readonly code: number
  /** stdout and stderr. */
  readonly output: string
}

const SHIM = `#!/usr/bin/env node
import { buffer, text } from 'node:stream/consumers'
const body = JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), stdin: await text(process.stdin) })
const ran = await (await fetch(process.env.COMMAND_LINE, { method: 'POST', body })).json()
process.stdout.write(ran.stdout)
process.stderr.write(ran.stderr)
process.exitCode = ran.code
`

/** curl fails on HTTP errors; npm runs in the repository, whatever the current folder. */
const PRELUDE = `
curl() { command curl -sS --fail-with-body "$@"; }
npm() { command npm --prefix "$CLONE" "$@"; }
`

const FIRST_SHOWN_PORT = 4101
const SHOWN_KEY = 'sg_dev_key_for_this_machine'

export async function startReader(): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-reader-'))
  const env = { DATABASE_URL: `sqlite:${join(folder, 'store', 'reader.db')}`, ENCRYPTION_KEY: '0b'.repeat(32) }
  const { app, port } = await startAppAtPorts(env)
  const commandLine = await serveCommandLine({ ...env, SANDBOX_PORT: String(port) })
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'sessiongraph'), SHIM)
  chmodSync(join(bin, 'sessiongraph'), 0o755)
  writeFileSync(join(bin, 'package.json'), '{"type": "module"}')
  const { HOME, PATH } = process.env
  const shell = {
    cwd: folder,
    env: {
      HOME,
      PATH: `${bin}:${PATH}`,
      CLONE: packageRoot(),
      COMMAND_LINE: commandLine.url,
      // Servers that the reader starts use other ports and another database. The demo finds this application.
      DATABASE_URL: `sqlite:${join(folder, 'started', 'own.db')}`,
      PORT: '0',
      SANDBOX_PORT: '0',
      SESSIONGRAPH_URL: app.url,
      DEV_API_KEY: API_KEY,
    },
  }
  return {
    app,
    type: (command, until) => run(PRELUDE + withServer(app, atPorts(command, port)), shell, until),
    write: (file, text) => writeFileSync(join(folder, file), text),
    close: async () => {
      await app.close()
      await commandLine.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Shell {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

const LONGEST_MS = 60_000

/** Uses a process group, so that ending it ends all child processes. With `until`, a match gives code 0. */
async function run(script: string, shell: Shell, until?: RegExp): Promise<Typed> {
  const child = spawn('sh', ['-c', script], { ...shell, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const end = () => process.kill(-Number(child.pid), 'SIGTERM')
  const timer = setTimeout(end, LONGEST_MS)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      const before = output
      output += chunk
      if (until?.test(output) && !until.test(before)) end()
    })
  }
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  if (until) return { code: until.test(output) ? 0 : 1, output }
  return { code: code ?? 1, output }
}

/** An application whose sandboxes have consecutive ports, as in the documentation. */
async function startAppAtPorts(env: Record<string, string>): Promise<{ app: TestApp; port: number }> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 8_000) * 5
    const app = await startApp({ ...env, SANDBOX_PORT: String(port) }, { jobs: false })
    const ports = app.sandboxes.map(({ origin }) => Number(new URL(origin).port))
    if (ports.every((taken, place) => taken === port + place)) return { app, port }
    await app.close()
  }
}

function atPorts(command: string, first: number): string {
  return command.replace(/localhost:(410\d)\b/g, (_, shown) => `localhost:${Number(shown) - FIRST_SHOWN_PORT + first}`)
}

/** The server of the reader and its key, in place of those that the pages show. */
function withServer({ url }: TestApp, command: string): string {
  return command.replaceAll('http://localhost:4000/graphql', url).replaceAll(SHOWN_KEY, API_KEY)
}

/** Runs the commands from the shell's shim one at a time, in the shell's current folder. */
async function serveCommandLine(env: Record<string, string>): Promise<{ url: string; close(): Promise<unknown> }> {
  const { run } = cliOf(env)
  const server = createServer(async (request, response) => {
    const { args, cwd, stdin } = (await json(request)) as { args: string[]; cwd: string; stdin: string }
    const before = process.cwd()
    process.chdir(cwd)
    const ran = await run(args, stdin).catch(error => ({ code: 70, stdout: '', stderr: String(error.stack) }))
    process.chdir(before)
    response.end(JSON.stringify(ran))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, close: () => Promise.all([once(server, 'close'), server.close()]) }
}
