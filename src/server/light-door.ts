import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Signalling } from '../domain/time-limit.ts'
import type { LightResponse } from './light-fetch.ts'
import type { Posted } from './short-way.ts'

/** Answers a POST; `context`: what it came with. */
export type AnswerPost = (posted: Posted, leaving: Signalling, context: object) => Promise<LightResponse>

export interface LightDoorOptions {
  readonly path: string
  readonly answer: AnswerPost
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
    const answered = await answer(message, new Leaving(response), { req: message, res: response })
    // All that is answered in one turn of the loop is written at once: the system wakes a client only when it sleeps.
    await endOfTurn()
    if (!response.destroyed) await send(answered, response)
  }
}

const endOfTurn = () => new Promise(resolve => setImmediate(resolve))

/** A signal that is aborted when a client leaves before it has its answer; made where somebody asks for it. */
class Leaving {
  readonly #response: ServerResponse
  #controller: AbortController | undefined

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch()
    return this.#controller.signal
  }

  #watch(): AbortController {
    const controller = new AbortController()
    const leave = () => {
      if (!this.#response.writableFinished) controller.abort()
    }
    if (this.#response.destroyed) leave()
    else this.#response.once('close', leave)
    return controller
  }
}

async function send({ status, headers, body }: LightResponse, response: ServerResponse): Promise<void> {
  const told = headers.toObject()
  if (body === null || typeof body === 'string') {
    told['content-length'] = String(Buffer.byteLength(body ?? ''))
    response.writeHead(status, told)
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
