import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './sandbox.ts'

/** What leaves the server in the end: an answer as bytes, at its own pace, or none. */
export type Delivery = Reply | 'HANG' | 'RESET'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer
  /** Takes the place of the body on its way out, piece by piece. */
  readonly stream?: (gone: AbortSignal) => AsyncIterable<Buffer>
}

export function toReply(answer: Answer): Reply {
  const text = answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json)
  const type = answer.json === undefined ? 'text/plain; charset=UTF-8' : 'application/json'
  return {
    status: answer.status,
    headers: { ...(text && { 'content-type': type }), ...answer.headers },
    body: Buffer.from(text),
  }
}

/** Delivers after a wait. Everything ends as soon as the client or the server closes the connection. */
export async function deliver(response: ServerResponse, delivery: Delivery, waitMs = 0): Promise<void> {
  if (response.destroyed) return
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: gone.signal })
    if (delivery === 'RESET') response.socket?.resetAndDestroy()
    else if (delivery !== 'HANG') await send(response, delivery, gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) throw error
  }
}

async function send(response: ServerResponse, { status, headers, body, stream }: Reply, gone: AbortSignal) {
  response.writeHead(status, headers)
  if (!stream) return void response.end(body)
  response.flushHeaders()
  await pipeline(Readable.from(stream(gone), { objectMode: false }), response)
}
