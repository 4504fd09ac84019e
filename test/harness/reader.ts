import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { packageRoot } from '../../src/package.ts'
import { cliOf } from './cli.ts'
import { API_KEY, type House, startHouse } from './house.ts'

/**
 * Somebody who reads a page and types what it says: in a folder of their own, beside a running server with a fresh database
 * and its sandboxes. The shell is a real one, in which `sessiongraph` is the command line of this process.
 */
export interface Reader {
  readonly house: House
  /** Carries a command out. What runs until a signal is ended as soon as it has said `until`. */
  type(command: string, until?: RegExp): Promise<Typed>
  /** Writes a file that the reader has. */
  write(file: string, text: string): void
  close(): Promise<void>
}

export interface Typed {
  readonly code: number
  /** All that it printed. */
  readonly said: string
}

const SHIM = `#!/usr/bin/env node
import { buffer, text } from 'node:stream/consumers'
const body = JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), stdin: await text(process.stdin) })
const ran = await (await fetch(process.env.COMMAND_LINE, { method: 'POST', body })).json()
process.stdout.write(ran.stdout)
process.stderr.write(ran.stderr)
process.exitCode = ran.code
`

/** curl as it is, but that an error of the server is one; npm in the clone, wherever the reader stands. */
const PRELUDE = `
curl() { command curl -sS --fail-with-body "$@"; }
npm() { command npm --prefix "$CLONE" "$@"; }
`

const FIRST_SHOWN_PORT = 4101

export async function startReader(): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-reader-'))
  const env = { DATABASE_URL: `sqlite:${join(folder, 'store', 'reader.db')}`, ENCRYPTION_KEY: '0b'.repeat(32) }
  const { house, port } = await startHouseAtPorts(env)
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
      // What is started here takes ports and a database of its own, and the demo finds this house.
      DATABASE_URL: `sqlite:${join(folder, 'started', 'own.db')}`,
      PORT: '0',
      SANDBOX_PORT: '0',
      SESSIONGRAPH_URL: house.url,
      DEV_API_KEY: API_KEY,
    },
  }
  return {
    house,
    type: (command, until) => run(PRELUDE + atPorts(command, port), shell, until),
    write: (file, text) => writeFileSync(join(folder, file), text),
    close: async () => {
      await house.close()
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

/** In a group of its own, so that its end is that of all it started. With `until`, its code is 0 where it said so. */
async function run(script: string, shell: Shell, until?: RegExp): Promise<Typed> {
  const child = spawn('sh', ['-c', script], { ...shell, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const end = () => process.kill(-Number(child.pid), 'SIGTERM')
  const timer = setTimeout(end, LONGEST_MS)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      const before = said
      said += chunk
      if (until?.test(said) && !until.test(before)) end()
    })
  }
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  if (until) return { code: until.test(said) ? 0 : 1, said }
  return { code: code ?? 1, said }
}

/** A house whose sandboxes have ports in a row, as those that the pages show. */
async function startHouseAtPorts(env: Record<string, string>): Promise<{ house: House; port: number }> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 8_000) * 5
    const house = await startHouse({ ...env, SANDBOX_PORT: String(port) }, { jobs: false })
    const ports = house.sandboxes.map(({ origin }) => Number(new URL(origin).port))
    if (ports.every((taken, place) => taken === port + place)) return { house, port }
    await house.close()
  }
}

function atPorts(command: string, first: number): string {
  return command.replace(/localhost:(410\d)\b/g, (_, shown) => `localhost:${Number(shown) - FIRST_SHOWN_PORT + first}`)
}

/** Runs what the shell hands on, one command at a time, where the shell stands. */
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
