import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { LightResponse, toLightRequest } from './light-fetch.ts'

/** Answers a Request in its context with every plugin that there is. */
export type AnswerLightly = (request: Request, context: object) => PromiseLike<unknown> | unknown

export interface LightDoorOptions {
  readonly path: string
  /** The same pipeline for light requests. */
  readonly answer: AnswerLightly
  /** The door for everything else. */
  readonly otherwise: RequestListener
  readonly report: (error: unknown) => void
}

/** The short way in for what nearly everybody sends: a POST of one operation. */
export function createLightDoor({ path, answer, otherwise, report }: LightDoorOptions): RequestListener {
  return (message, response) => {
    if (message.method !== 'POST' || message.url !== path) return otherwise(message, response)
    handle(message, response).catch(error => {
      report(error)
      response.destroy()
    })
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const leaving = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) leaving.abort()
    })
    const request = toLightRequest(message, path, leaving.signal)
    const answered = await answer(request, { req: message, res: response })
    if (!(answered instanceof LightResponse)) throw new TypeError('A plugin answered with a Response of its own.')
    if (!response.destroyed) await send(answered, response)
  }
}

async function send({ status, headers, body }: LightResponse, response: ServerResponse): Promise<void> {
  const told = headers.toObject()
  if (body === null || typeof body === 'string') {
    response.writeHead(status, { ...told, 'content-length': String(Buffer.byteLength(body ?? '')) })
    response.end(body ?? undefined)
    return
  }
  response.writeHead(status, told)
  const reader = body.getReader()
  response.once('close', () => void reader.cancel().catch(() => {}))
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!response.write(part.value)) await drained(response)
  }
  response.end()
}

/** Until more may be written, or nothing can be any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
    if (response.destroyed) go()
  })
}
