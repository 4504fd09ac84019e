import { type ChildProcess, fork, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TSX = ['--import', 'tsx']
const START_MS = 30_000

export const path = (relative: string) => ROOT + relative

/** Whatever ends this process also ends its child processes. */
const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

function remember(child: ChildProcess): ChildProcess {
  started.add(child)
  child.once('exit', () => started.delete(child))
  return child
}

/** How Node is started, the same for every contestant. */
export interface NodeRuntime {
  readonly binary: string
  readonly flags: readonly string[]
}

export interface Server {
  readonly pid: number
  readonly url: string
  /** From the start of the process until it prints its URL. */
  readonly startedMs: number
  stop(): Promise<void>
}

/**
 * Starts a server that logs to `logFile`, and waits until it prints its URL. `file`: built JavaScript, or TypeScript of
 * the benchmark.
 */
export async function startServer(
  { binary, flags }: NodeRuntime,
  file: string,
  env: NodeJS.ProcessEnv,
  logFile: string,
): Promise<Server> {
  const began = performance.now()
  const log = openSync(logFile, 'a')
  const loader = file.endsWith('.ts') ? TSX : []
  const child = spawn(binary, [...flags, ...loader, path(file)], {
    env,
    cwd: ROOT,
    stdio: ['ignore', 'pipe', log],
  })
  remember(child)
  const url = await firstMatch(child, /http:\/\/\S+\/graphql/, () => readFileSync(logFile, 'utf8'))
  return { pid: child.pid ?? 0, url, startedMs: performance.now() - began, stop: () => stop(child) }
}

/** Runs a program of the benchmark to its end. */
export async function runToEnd(
  binary: string,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(binary, [...TSX, path(file), ...args], { env, cwd: ROOT, stdio: 'inherit' })
  remember(child)
  const code = await new Promise(resolve => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${file} ended with ${code}.`)
}

export interface Stub {
  readonly origin: string
  setLatency(latencyMs: number): Promise<void>
  /** The number of requests that it received. */
  count(): Promise<number>
  stop(): Promise<void>
}

/** Starts a provider of the benchmark. */
export async function startStub(): Promise<Stub> {
  const child = remember(fork(path('bench/src/stub.ts'), { execArgv: TSX, cwd: ROOT }))
  const { port } = (await answerOf(child)) as { port: number }
  const execute = async (reported: object) => {
    const answer = answerOf(child)
    child.send(reported)
    return (await answer) as { requests: number }
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    setLatency: async latencyMs => void (await execute({ latencyMs })),
    count: async () => (await execute({})).requests,
    stop: () => stop(child),
  }
}

/** Seconds of processor time, user and system, of all threads of a process. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory in MiB. */
export function residentMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb) / 1024
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A stub ended with ${code}.`))
    child.once('exit', ended)
    child.once('message', answer => {
      child.off('exit', ended)
      resolve(answer)
    })
  })
}

function firstMatch(child: ChildProcess, pattern: RegExp, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const late = setTimeout(() => reject(new Error(`No address in ${START_MS} ms: ${output}`)), START_MS)
    child.once('exit', code => reject(new Error(`It ended with ${code}: ${output}${log()}`)))
    child.stdout?.on('data', chunk => {
      output += chunk
      const [found] = pattern.exec(output) ?? []
      if (!found) return
      clearTimeout(late)
      resolve(found)
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(kill)
}
