import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { KEY, startBuilt, statusOf, stopBuilt } from '../harness/app/built-server.ts'
import { builtFile, findFreePort } from '../harness/app/server-process.ts'

/** SIGTERM, SIGINT and SIGHUP, to the server as it is started in each way: running requests finish, and it exits with 0. */

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

interface Start {
  readonly command: string
  readonly args: readonly string[]
  /** The process that gets the signal. */
  readonly pidOf: (child: ChildProcess) => number
}

const own = ({ pid }: ChildProcess) => pid ?? 0

/** The only child of a process. */
function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

const STARTS: Readonly<Record<string, Start>> = {
  'the built server': { command: process.execPath, args: [builtFile('main.js')], pidOf: own },
  'the built server as process 1': {
    command: 'unshare',
    args: ['--pid', '--fork', '--mount-proc', process.execPath, builtFile('main.js')],
    pidOf: childOf,
  },
  'npm start': { command: 'npm', args: ['start', '--silent'], pidOf: own },
}

const children: ChildProcess[] = []
afterEach(() => {
  for (const { pid } of children.splice(0)) {
    // Each runs in a process group of its own.
    if (pid) tryTo(() => process.kill(-pid, 'SIGKILL'))
  }
})

function tryTo(run: () => void): void {
  try {
    run()
  } catch {
    // The group has ended.
  }
}

describe.each(Object.entries(STARTS))('%s', (_name, { command, args, pidOf }) => {
  test.each(SIGNALS)('finishes its requests and ends on %s', async signal => {
    const port = await findFreePort()
    const { PATH, HOME } = process.env
    const env = {
      PATH,
      HOME,
      PORT: String(port),
      SANDBOX_PORT: '0',
      DATABASE_URL: 'sqlite::memory:',
      ENCRYPTION_KEY: '0f'.repeat(32),
      DEV_API_KEY: KEY,
      LOG_LEVEL: 'silent',
      DRAIN_DELAY_MS: '300',
    }
    const child = spawn(command, args, { cwd: packageRoot(), env, stdio: 'ignore', detached: true })
    children.push(child)
    const url = `http://localhost:${port}`
    await expect.poll(() => statusOf(`${url}/readyz`), { timeout: 45_000 }).toBe(200)

    const exited = once(child, 'exit')
    process.kill(pidOf(child), signal)
    const [code] = await exited
    // npm itself ends by SIGHUP, which it does not handle; the server ends with it.
    if (command === 'npm' && signal === 'SIGHUP') expect(code).toBeNull()
    else expect(code).toBe(0)
    await expect.poll(() => statusOf(`${url}/livez`), { timeout: 15_000 }).toBe(0)
    await expect.poll(() => processesWith(`PORT=${port}`), { timeout: 15_000 }).toEqual([])
  })
})

test('a signal as soon as the server listens is answered after the requests that it has', async () => {
  const server = await startBuilt({ env: { LOG_LEVEL: 'silent' } })
  const { host, port } = new URL(server.url)
  const query = encodeURIComponent('{ providers { provider } }')
  const head = `GET /graphql?query=${query} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${KEY}\r\n\r\n`
  const socket = await connectOnceListening(Number(port))
  const answer = text(socket)
  socket.write(head)
  expect(await stopBuilt(server)).toBe(0)
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
})

async function connectOnceListening(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, 'localhost')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    if (isOpen) return socket
    await sleep(1)
  }
}

/** The processes whose environment has this variable. */
function processesWith(variable: string): string[] {
  const pids = execFileSync('ls', ['/proc'], { encoding: 'utf8' })
    .split('\n')
    .filter(name => /^\d+$/.test(name))
  return pids.filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)
    } catch {
      return false
    }
  })
}
