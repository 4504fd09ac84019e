import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { API_KEY } from './contestants.ts'
import { path } from './processes.ts'

/** The result of one round of load. Latencies in milliseconds; `refused`: responses with a status of 400 or more. */
export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly refused: number
  readonly broken: number
}

/** Sends `bodies` in turn over so many connections, each after the response to the one before it. */
export async function load(
  url: string,
  bodies: readonly string[],
  connections: number,
  seconds: number,
): Promise<Load> {
  const directory = mkdtempSync(join(tmpdir(), 'sessiongraph-bench-'))
  const file = join(directory, 'bodies')
  writeFileSync(file, bodies.join('\n'))
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '20s',
    '-s',
    path('bench/src/wrk.lua'),
    url,
    file,
  ]
  const env = { ...process.env, BENCH_AUTHORIZATION: authorization }
  try {
    const { stdout } = await promisify(execFile)('wrk', args, { env })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Load
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export const authorization = `Bearer ${API_KEY}`

/** One request and its response as JSON. */
export async function execute(url: string, body: string): Promise<{ data?: unknown; errors?: unknown }> {
  const headers = { 'content-type': 'application/json', authorization }
  const answer = await fetch(url, { method: 'POST', headers, body: body.replace('__KEY__', crypto.randomUUID()) })
  return (await answer.json()) as { data?: unknown; errors?: unknown }
}
