import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SandboxResponse } from './sandbox.ts'

/** The final response: bytes, a stream of bytes, or none. */
export type SandboxOutput = SandboxReply | 'HANG' | 'RESET'

export interface SandboxReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer
  /** Replaces the body by a stream. */
  readonly stream?: (signal: AbortSignal) => AsyncIterable<Buffer>
}

export function toReply(answer: SandboxResponse): SandboxReply {
  const text = answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json)
  const type = answer.json === undefined ? 'text/plain; charset=UTF-8' : 'application/json'
  return {
    status: answer.status,
    headers: { ...(text && { 'content-type': type }), ...answer.headers },
    body: Buffer.from(text),
  }
}

/** Sends the response after a delay. Stops as soon as the client or the server closes the connection. */
export async function sendResponse(response: ServerResponse, delivery: SandboxOutput, waitMs = 0): Promise<void> {
  if (response.destroyed) return
  const signal = new AbortController()
  response.once('close', () => signal.abort())
  try {
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: signal.signal })
    if (delivery === 'RESET') response.socket?.resetAndDestroy()
    else if (delivery !== 'HANG') await send(response, delivery, signal.signal)
  } catch (error) {
    if (!signal.signal.aborted) throw error
  }
}

async function send(response: ServerResponse, { status, headers, body, stream }: SandboxReply, signal: AbortSignal) {
  response.writeHead(status, headers)
  if (!stream) return void response.end(body)
  response.flushHeaders()
  await pipeline(Readable.from(stream(signal), { objectMode: false }), response)
}
