import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startWorkload } from '../app/load.ts'
import { API_KEY } from '../app/test-app.ts'
import { createRawClient, type RawAnswer, type RawRequest } from '../clients/raw-client.ts'
import type { RichData, RichDataSize } from './rich-data.ts'

/** What a server process used between BEGIN and END. */
export interface Measured {
  readonly cpuMs: number
  /** The longest delay of a timer. */
  readonly stallMs: number
  readonly charged: number
  readonly rssMb: number
}

export type MeasuredServerMessage = Measured | 'BEGUN' | { readonly url: string; readonly data: RichData }

export interface MeasuredServer {
  readonly url: string
  readonly data: RichData
  /** Sends the request, or each that the function returns, `times` times, one after another. `answer`: the last one. */
  measure(request: RawRequest | (() => RawRequest), times: number): Promise<Measured & { readonly answer: RawAnswer }>
  /** Measures the server while `run` runs. */
  measureWhile(run: () => Promise<unknown>): Promise<Measured>
  close(): Promise<void>
}

const FILE = fileURLToPath(new URL('measured-server.ts', import.meta.url))

/** Starts a server with its data, and the sandboxes of the providers in this process. */
export async function startMeasuredServer(size: RichDataSize, env: NodeJS.ProcessEnv = {}): Promise<MeasuredServer> {
  const workload = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
  const child = fork(FILE, [JSON.stringify(size), workload.sandbox('KAYLE').origin], {
    execArgv: ['--import', 'tsx'],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: 'sqlite::memory:',
      DEV_API_KEY: API_KEY,
      ENCRYPTION_KEY: '00'.repeat(32),
      LOG_LEVEL: 'silent',
      NODE_ENV: 'production',
      PORT: '0',
      ...workload.env,
      ...env,
    },
  })
  const { url, data } = (await messageOf(child)) as { readonly url: string; readonly data: RichData }
  const client = createRawClient(url)

  async function ask<T>(message: 'BEGIN' | 'END'): Promise<T> {
    const reply = messageOf(child)
    child.send(message)
    return (await reply) as T
  }

  return {
    url,
    data,
    measureWhile: async run => {
      await ask('BEGIN')
      await run()
      return ask<Measured>('END')
    },
    measure: async (request, times) => {
      const toRequest = typeof request === 'function' ? request : () => request
      await ask('BEGIN')
      let answer: RawAnswer | undefined
      for (let at = 0; at < times; at++) answer = await client.execute(toRequest())
      if (!answer) throw new Error('Expected at least one request.')
      return { ...(await ask<Measured>('END')), answer }
    },
    close: async () => {
      client.close()
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
      await workload.close()
    },
  }
}

/** The next message of a child. Rejects where it exits before. */
function messageOf(child: ChildProcess): Promise<MeasuredServerMessage> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`The measured server exited with ${code}.`))
    child.once('exit', onExit)
    child.once('message', message => {
      child.off('exit', onExit)
      resolve(message as MeasuredServerMessage)
    })
  })
}
